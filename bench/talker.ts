import { SAMPLE_RATE, joinAs, type JoinOptions } from './client.js';
import { nowMs, pace } from './pacer.js';
import { firstVoiced, spokenClip } from './spoken-clip.js';

export interface Talk extends JoinOptions {
  /** Name of the participant that answers. */
  readonly agent: string;
  readonly text: string;
  readonly turns: number;
}

/** What came of it. */
export interface Talked {
  /** From the last voiced sample of each turn to the first of the answer, in ms. */
  readonly delaysMs: readonly number[];
  /** Turns that nobody answered. */
  readonly unanswered: number;
}

const FRAME_MS = 20;
const FRAME = (SAMPLE_RATE * FRAME_MS) / 1000;
/** The answer is over after so much silence, and the next turn begins. */
const PAUSE_MS = 800;
/** Turns do not begin at the same place between the beats of other timers. */
const PAUSE_SPREAD_MS = 200;
const PATIENCE_MS = 15_000;
/** Of a quiet room: a microphone is never silent. */
const NOISE = 20;

/**
 * Joins a session, says the same again and again, each time when the answer to it is over, and measures the answers on the samples: those
 * of a frame were spoken before it is written, as by a microphone, and are heard after it has come, as from a loudspeaker.
 */
export async function talk({ agent, text, turns, ...way }: Talk): Promise<Talked> {
  const clip = await spokenClip(text);
  const client = await joinAs('sluice', way);
  const write = await client.publishAudio({ frameMs: FRAME_MS });
  const delaysMs: number[] = [];
  let unanswered = 0;
  /** The next sample of the clip; past its end nobody speaks. */
  let at = Infinity;
  let spokenMs = NaN;
  let answeredMs = NaN;
  let loudMs = nowMs();
  let pauseMs = PAUSE_MS;
  const begin = (): void => {
    at = 0;
    spokenMs = answeredMs = NaN;
    pauseMs = PAUSE_MS + Math.random() * PAUSE_SPREAD_MS;
  };
  await client.readAudio(agent, (samples) => {
    const first = firstVoiced(samples);
    if (first < 0) return;
    loudMs = nowMs();
    if (Number.isNaN(answeredMs) && !Number.isNaN(spokenMs)) answeredMs = loudMs + (first * 1000) / SAMPLE_RATE;
  });
  return await new Promise((resolve) => {
    const stop = pace(FRAME_MS, () => {
      const frame = Int16Array.from({ length: FRAME }, () => (Math.random() * 2 - 1) * NOISE);
      const part = clip.subarray(Math.min(at, clip.length), at + FRAME);
      frame.set(part);
      at += FRAME;
      write(frame);
      const ms = nowMs();
      if (part.length > 0 && at >= clip.length) spokenMs = ms - ((FRAME - part.length) * 1000) / SAMPLE_RATE;
      if (at < clip.length) return;
      const isAnswered = !Number.isNaN(answeredMs) && ms - loudMs > pauseMs;
      const isLate = ms - spokenMs > PATIENCE_MS;
      if (isAnswered) delaysMs.push(answeredMs - spokenMs);
      if (isLate && !isAnswered) unanswered++;
      if (delaysMs.length + unanswered === turns) {
        stop();
        resolve({ delaysMs, unanswered });
      } else if (isAnswered || isLate || (Number.isNaN(spokenMs) && ms - loudMs > pauseMs)) begin();
    });
  });
}
