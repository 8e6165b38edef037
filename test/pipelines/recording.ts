import { join } from 'node:path';
import { levelDbfs } from '../../src/media/pcm.js';
import { readPattern } from '../../src/media/pattern.js';
import { readAudio, readVideo } from '../nodes/media-lab.js';
import { align, decimate } from '../support/signal.js';
import { shippedPipelines } from './process-lab.js';

/** 8 kHz is enough to find speech. */
const FACTOR = 6;
const SAMPLES_PER_MS = 8;
const WINDOW = 1000 * SAMPLES_PER_MS;
/** What is quieter has no words in it. */
const QUIET_DBFS = -45;

/** How the shipped speech clip is found in a recording, second by second: a live recording may lose a moment in between. */
export interface FoundSpeech {
  /** Normalised cross-correlation of the seconds that have sound in them, each where it fits best: the middle one. */
  readonly peak: number;
  /** How many seconds that were. */
  readonly seconds: number;
  /** Where the beginning of the clip lies in the recording, in ms, for the middle one; negative when the recording began later. */
  readonly startMs: number;
  /** How much the found seconds differ in that, in ms. */
  readonly spreadMs: number;
  /** Where the audio of the recording begins, in ms. */
  readonly audioStartMs: number;
}

export async function findSpeech(path: string): Promise<FoundSpeech> {
  const clip = decimate((await readAudio(join(shippedPipelines(), 'media', 'speech.ogg'))).samples, FACTOR);
  const { samples, startUs } = await readAudio(path);
  const heard = decimate(samples, FACTOR);
  const seconds = [];
  for (let at = 0; at + WINDOW <= heard.length; at += WINDOW) {
    const window = heard.subarray(at, at + WINDOW);
    if (levelDbfs(window) > QUIET_DBFS) seconds.push({ at, ...align(window, clip, 1) });
  }
  const startsMs = seconds.filter(({ peak }) => peak > 0.8).map(({ at, lag }) => (at - lag) / SAMPLES_PER_MS);
  return {
    peak: median(seconds.map(({ peak }) => peak)),
    seconds: seconds.length,
    startMs: startUs / 1000 + median(startsMs),
    spreadMs: Math.max(...startsMs) - Math.min(...startsMs),
    audioStartMs: startUs / 1000,
  };
}

/** A picture of a recording: when it is shown, and its number; undefined where it carries none. */
export interface SeenPicture {
  readonly atMs: number;
  readonly number: number | undefined;
}

export async function findPictures(path: string): Promise<SeenPicture[]> {
  return (await readVideo(path)).map((frame) => ({ atMs: frame.timestamp / 1000, number: readPattern(frame) }));
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
}
