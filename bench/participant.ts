/* One participant in a process of its own, of either client. */
import { drawPattern, readPattern } from '../src/media/pattern.js';
import { answerCalls } from './child.js';
import {
  FPS,
  SAMPLE_RATE,
  joinAs,
  type BenchClient,
  type ClientName,
  type JoinOptions,
  type LayerReader,
  type Media,
  type VideoSize,
} from './client.js';
import type { AgentTale, Hosting } from './agent-host.js';
import type { MixRecord, MixRecording } from './mix-recorder.js';
import { nowMs, pace } from './pacer.js';
import { ClickFinder, clickFrame, stampOf, stampedPicture, toneFrames, voice } from './signals.js';
import type { Talk, Talked } from './talker.js';
import type { TurnSpeaker } from './tone-agent.js';
import { cpuPercent } from './usage.js';

/** Distance of clicks: between 240 and 440 ms. */
const CLICK_MIN_MS = 240;
const CLICK_SPREAD_MS = 200;
const PATTERN_FRAMES = 60;
const TONE_LEAD_FRAMES = 10;
const TURN_LEVEL = 8000;
/** What is softer than that part of a tone is silence: 26 dB below. */
const AUDIBLE_PART = 0.05;
const AFTER_CHANGE_MS = 700;

export interface Joining extends JoinOptions {
  readonly client: ClientName;
}

export interface CpuReport {
  readonly percent: number;
  /** Chunks or pictures that were read in the time, a second. */
  readonly readPerSecond: number;
  /** Encoded bits that were read, a second. */
  readonly bitsPerSecond: number;
  /** Of the last picture, as `640x480`; empty for sound. */
  readonly size: string;
}

let client: BenchClient | undefined;
let clickTimesMs: number[] = [];
let delaysMs: number[] = [];
let chunksRead = 0;
let bytesRead = 0;
let size = '';
let isSilent = false;
let turns: TurnSpeaker | undefined;
let lastToneMs = NaN;
let layerReader: LayerReader | undefined;
let longestGapMs = 0;
/** Called with each picture's size. */
let sawSize = (): void => undefined;

const calls = {
  async join({ client: name, ...options }: Joining): Promise<void> {
    client = await joinAs(name, options);
  },
  /** Publishes clicks and notes when each was handed over. */
  async publishClicks({ frameMs, queueMs }: { frameMs: number; queueMs?: number }): Promise<void> {
    const write = await joined().publishAudio({ frameMs, ...(queueMs !== undefined && { queueMs }) });
    const samples = (frameMs * SAMPLE_RATE) / 1000;
    let nextMs = 0;
    pace(frameMs, (count) => {
      const click = count * frameMs >= nextMs;
      const frame = clickFrame(samples, click);
      if (click) {
        nextMs = count * frameMs + CLICK_MIN_MS + Math.random() * CLICK_SPREAD_MS;
        clickTimesMs.push(nowMs());
      }
      write(frame);
    });
  },
  /** Notes when each click was found in what came. */
  async hearClicks({ from }: { from: string }): Promise<void> {
    const finder = new ClickFinder();
    await joined().readAudio(from, (samples) => {
      const heardMs = nowMs();
      if (finder.begins(samples)) clickTimesMs.push(heardMs);
    });
  },
  /** The times noted so far, in ms of the common clock; they are forgotten. */
  takeClicks(): number[] {
    const taken = clickTimesMs;
    clickTimesMs = [];
    return taken;
  },
  async publishVoice({ dtx = false }: { dtx?: boolean } = {}): Promise<void> {
    const signal = voice(10);
    const write = await joined().publishAudio({ frameMs: 20, dtx });
    const frames = signal.length / 960;
    pace(20, (count) =>
      write(isSilent ? new Int16Array(960) : signal.slice((count % frames) * 960, ((count % frames) + 1) * 960)),
    );
  },
  /** Writes zeros instead of the voice from now on. */
  fallSilent(): void {
    isSilent = true;
  },
  /** Publishes turns of a tone that are written ahead of the time at which they are due, and cleared. */
  async publishTurns(): Promise<void> {
    const write = await joined().publishAudio({ frameMs: 20, queueMs: 1000 });
    const frames = toneFrames(440, TURN_LEVEL);
    turns = {
      speak: (ms) => {
        for (let atMs = 0; atMs < ms; atMs += 20) write(frames[(atMs / 20) % frames.length]!);
      },
      interrupt: () => {
        write.clear();
      },
    };
  },
  /** Joins as an agent of sluice whose voice is a tone. */
  async joinAgent(way: JoinOptions): Promise<void> {
    const { joinToneAgent } = await import('./tone-agent.js');
    turns = await joinToneAgent(way, TURN_LEVEL);
  },
  speak({ ms }: { ms: number }): void {
    turns?.speak(ms);
  },
  /** Stops; when that was asked for, in ms of the common clock. */
  interrupt(): number {
    const atMs = nowMs();
    turns?.interrupt();
    return atMs;
  },
  async listenForTone({ from }: { from: string }): Promise<void> {
    await joined().readAudio(from, (samples) => {
      const last = samples.findLastIndex((sample) => Math.abs(sample) > TURN_LEVEL * AUDIBLE_PART);
      if (last >= 0) lastToneMs = nowMs() + ((last + 1) * 1000) / SAMPLE_RATE;
    });
  },
  /** When the last sample of the tone would have been played, in ms of the common clock. */
  lastTone(): number {
    return lastToneMs;
  },
  /** Joins as several participants of this process, each of which publishes a voice. */
  async publishVoices({ client: name, ways }: { client: ClientName; ways: readonly JoinOptions[] }): Promise<void> {
    const signal = voice(10);
    const frames = signal.length / 960;
    for (const way of ways) {
      const write = await (await joinAs(name, way)).publishAudio({ frameMs: 20 });
      pace(20, (count) => write(signal.slice((count % frames) * 960, ((count % frames) + 1) * 960)));
    }
  },
  /** Joins with sluice as several participants of this process, each of which publishes a tone. */
  async publishTones({
    ways,
    frequencies,
  }: {
    ways: readonly JoinOptions[];
    frequencies: readonly number[];
  }): Promise<void> {
    for (const [index, way] of ways.entries()) {
      const frames = toneFrames(frequencies[index] ?? 0);
      const write = await (await joinAs('sluice', way)).publishAudio({ frameMs: 20 });
      const writeFrame = (count: number): void => {
        const frame = frames[count % frames.length];
        if (frame) write(frame);
      };
      // A lead, so that nothing is missing at its source.
      for (let count = 0; count < TONE_LEAD_FRAMES; count++) writeFrame(count);
      pace(20, (count) => writeFrame(count + TONE_LEAD_FRAMES));
    }
  },
  /** Joins, and reads the mix of all others for a while. */
  async recordMix(options: MixRecording): Promise<MixRecord> {
    return await (await import('./mix-recorder.js')).recordMix(options);
  },
  /** Joins as several participants of this process, each of which talks to an agent, and waits until all have. */
  async talk({ ways, ...talk }: Omit<Talk, keyof JoinOptions> & { ways: readonly JoinOptions[] }): Promise<Talked[]> {
    const talker = await import('./talker.js');
    return await Promise.all(ways.map((way) => talker.talk({ ...talk, ...way })));
  },
  async hostAgents(options: Hosting): Promise<void> {
    await (await import('./agent-host.js')).hostAgents(options);
  },
  async agentTale(): Promise<AgentTale> {
    return await (await import('./agent-host.js')).agentTale();
  },
  async publishPattern({ size }: { size: VideoSize }): Promise<void> {
    const { width, height } = size;
    const pictures = Array.from({ length: PATTERN_FRAMES }, (_, number) => drawPattern(number, width, height));
    const write = await joined().publishVideo(size);
    pace(1000 / FPS, (count) => {
      const picture = pictures[count % PATTERN_FRAMES];
      if (picture) write(picture, Math.round((count * 1_000_000) / FPS));
    });
  },
  /** Publishes chunks of `bytes` that only look like VP8 and carry the time at which they were written. */
  async publishStamped({ size, bytes }: { size: VideoSize; bytes: number }): Promise<void> {
    const write = await joined().publishEncoded(size);
    pace(1000 / FPS, (count) => {
      const key = count % (2 * FPS) === 0;
      write(stampedPicture(size, bytes, key, nowMs()), key, Math.round((count * 1_000_000) / FPS));
    });
  },
  /** Notes how long after its writing each of those chunks came. */
  async readStamped({ from }: { from: string }): Promise<void> {
    await joined().readEncoded(from, 'video', (data) => {
      chunksRead++;
      delaysMs.push(nowMs() - stampOf(data));
    });
  },
  /** The delays noted so far, in ms; they are forgotten. */
  takeDelays(): number[] {
    const taken = delaysMs;
    delaysMs = [];
    return taken;
  },
  /** Reads the mix of all others and counts its chunks. */
  async readMix({ streams }: { streams: number }): Promise<void> {
    await joined().readMix(streams, () => {
      chunksRead++;
    });
  },
  /** Reads and counts chunks, and pictures that carry the pattern. */
  async read({ from, media, encoded }: { from: string; media: Media; encoded: boolean }): Promise<void> {
    const count = (): void => {
      chunksRead++;
    };
    if (encoded) {
      await joined().readEncoded(from, media, (data) => {
        chunksRead++;
        bytesRead += data.length;
      });
    } else if (media === 'audio') await joined().readAudio(from, count);
    else await joined().readVideo(from, countPicture);
  },
  /** Reads pictures whose layer `changeLayer` chooses. */
  async readLayers({ from }: { from: string }): Promise<void> {
    let lastMs = NaN;
    layerReader = await joined().readVideo(from, (data, width, height) => {
      const atMs = nowMs();
      if (atMs - lastMs > longestGapMs) longestGapMs = atMs - lastMs;
      lastMs = atMs;
      countPicture(data, width, height);
    });
  },
  /** Asks for the layer of that size; how long until its first picture, and the longest time without any meanwhile. */
  async changeLayer({ to }: { to: { width: number; height: number } }): Promise<{ firstMs: number; gapMs: number }> {
    longestGapMs = 0;
    const startMs = nowMs();
    const seen = new Promise<void>((resolve) => {
      sawSize = () => {
        if (size === `${to.width}x${to.height}`) resolve();
      };
    });
    layerReader?.prefer(to);
    await seen;
    const firstMs = nowMs() - startMs;
    // What follows a change may falter as well.
    await new Promise((resolve) => setTimeout(resolve, AFTER_CHANGE_MS));
    return { firstMs, gapMs: longestGapMs };
  },
  /** Resolves when a picture of full size was read, or with false after `timeoutMs`. */
  async fullSize({ timeoutMs, of }: { timeoutMs: number; of: VideoSize }): Promise<boolean> {
    return await new Promise((resolve) => {
      setTimeout(resolve, timeoutMs, false);
      sawSize = () => {
        if (size === `${of.width}x${of.height}`) resolve(true);
      };
    });
  },
  async cpu({ ms }: { ms: number }): Promise<CpuReport> {
    const [chunks, bytes] = [chunksRead, bytesRead];
    const percent = await cpuPercent(ms);
    const seconds = ms / 1000;
    return {
      percent,
      readPerSecond: (chunksRead - chunks) / seconds,
      bitsPerSecond: ((bytesRead - bytes) * 8) / seconds,
      size,
    };
  },
  /** Joins, hears a voice, publishes, and leaves; how long each took. */
  async visit({
    client: name,
    from,
    ...options
  }: Joining & { from: string }): Promise<{ joinMs: number; heardMs: number; publishMs: number; leaveMs: number }> {
    const startMs = nowMs();
    const visitor = await joinAs(name, options);
    const joinMs = nowMs() - startMs;
    const heardMs = await new Promise<number>((resolve, reject) => {
      visitor
        .readAudio(from, (samples) => {
          if (samples.some((sample) => Math.abs(sample) > 1000)) resolve(nowMs() - startMs);
        })
        .catch(reject);
    });
    const publishStartMs = nowMs();
    await visitor.publishAudio({ frameMs: 20 });
    const publishMs = joinMs + nowMs() - publishStartMs;
    const leaveStartMs = nowMs();
    await visitor.leave();
    return { joinMs, heardMs, publishMs, leaveMs: nowMs() - leaveStartMs };
  },
  /** Joins, subscribes without reading, and stays. */
  async stayIdle({ client: name, from, ...options }: Joining & { from: string }): Promise<void> {
    await (await joinAs(name, options)).subscribeIdle(from);
  },
  /** Memory of the process in bytes, after a collection where it was started with --expose-gc. */
  memory(): number {
    globalThis.gc?.();
    return process.memoryUsage.rss();
  },
};

export type ParticipantCalls = typeof calls;

/** A picture whose size is new has to carry the pattern. */
function countPicture(data: Uint8Array, width: number, height: number): void {
  if (`${width}x${height}` !== size) {
    if (readPattern({ data, width, height }) === undefined) return;
    size = `${width}x${height}`;
  }
  chunksRead++;
  sawSize();
}

function joined(): BenchClient {
  if (!client) throw new Error('not joined');
  return client;
}

answerCalls(calls);
