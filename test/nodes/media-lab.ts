import { Readable, type Duplex } from 'node:stream';
import { audioData, type AudioData } from '../../src/media/audio-data.js';
import type { EncodedAudioChunk, EncodedVideoChunk } from '../../src/media/encoded-chunk.js';
import type { MediaValue } from '../../src/media/media-value.js';
import { type NodeDef, type NodePorts, parseOptions } from '../../src/media/node.js';
import { drawPattern, readPattern } from '../../src/media/pattern.js';
import type { VideoFrame } from '../../src/media/video-frame.js';
import { file } from '../../src/nodes/file.js';
import { opusEncoder } from '../../src/nodes/opus-encoder.js';
import { recorder } from '../../src/nodes/recorder.js';
import { videoEncoder } from '../../src/nodes/video-encoder.js';
import { chirp } from '../support/signal.js';
import { collect, concat, testContext, writeAll, type TestContext } from './node-lab.js';

export const WIDTH = 192;
export const HEIGHT = 128;

/** The stream of a node that has one input and one output. */
export async function make(def: NodeDef, options: object = {}, context: TestContext = testContext()): Promise<Duplex> {
  return (await def.create(parseOptions(def, options), context)) as Duplex;
}

/** What a node makes of these values. */
export async function through<T extends MediaValue>(
  def: NodeDef,
  options: object,
  values: readonly MediaValue[],
  context: TestContext = testContext(),
): Promise<T[]> {
  return collect<T>(Readable.from(values).pipe(await make(def, options, context)));
}

/** Samples cut into chunks. `startUs`: timestamp of the first. */
export function chunks(
  data: Int16Array,
  { sampleRate = 48_000, channels = 1, chunkMs = 20, startUs = 0 } = {},
): AudioData[] {
  const length = (sampleRate * channels * chunkMs) / 1000;
  return Array.from({ length: Math.ceil(data.length / length) }, (_, i) =>
    audioData(data.slice(i * length, (i + 1) * length), sampleRate, channels, startUs + i * chunkMs * 1000),
  );
}

/** A rising tone as Opus, 20 ms a packet. */
export async function opusOf(ms: number, startUs = 0, options: object = {}): Promise<EncodedAudioChunk[]> {
  return through(opusEncoder, { bitrate: 64_000, ...options }, chunks(chirp(48_000, ms * 48), { startUs }));
}

/** Numbered pictures, 30 a second. */
export function pictures(count: number, { startUs = 0, first = 0, width = WIDTH, height = HEIGHT } = {}): VideoFrame[] {
  return Array.from({ length: count }, (_, i) => ({
    kind: 'video',
    data: drawPattern(first + i, width, height),
    width,
    height,
    format: 'YUV420P',
    timestamp: startUs + Math.round((i * 1_000_000) / 30),
  }));
}

export async function videoOf(count: number, startUs = 0, options: object = {}): Promise<EncodedVideoChunk[]> {
  return through(videoEncoder, { bitrate: 400_000, ...options }, pictures(count, { startUs }));
}

export function numbers(frames: readonly VideoFrame[]): (number | undefined)[] {
  return frames.map(readPattern);
}

export function upTo(count: number, first = 0): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

/** Writes a file with the recorder node, both inputs at once. */
export async function record(
  path: string,
  media: { audio?: readonly EncodedAudioChunk[]; video?: readonly EncodedVideoChunk[] },
  options: object = {},
  context: TestContext = testContext(),
): Promise<void> {
  const ports = (await recorder.create(parseOptions(recorder, { path, ...options }), context)) as Required<NodePorts>;
  const writes: Promise<void>[] = [];
  const inputs = (['audio', 'video'] as const)
    .filter((kind) => media[kind])
    .map((kind) => [kind, ports.input(kind)] as const);
  for (const [kind, input] of inputs) writes.push(writeAll(input, media[kind] ?? []));
  await Promise.all(writes);
  await ports.close();
}

export async function openFile(
  path: string,
  options: object = {},
  context = testContext(),
): Promise<Required<NodePorts>> {
  return (await file.create(parseOptions(file, { path, ...options }), context)) as Required<NodePorts>;
}

/** What the file node gives of a file: mono samples at 48 kHz, pictures, and when each begins, in µs. */
export async function readAudio(path: string): Promise<{ readonly samples: Int16Array; readonly startUs: number }> {
  const values = await collect<AudioData>((await openFile(path, { channels: 1 })).output('audio'));
  return { samples: concat(values), startUs: values[0]?.timestamp ?? NaN };
}

export async function readVideo(path: string): Promise<VideoFrame[]> {
  return collect<VideoFrame>((await openFile(path)).output('video'));
}

/** Waits until no codec thread is in use, which would keep the process alive; false when one stays in use. */
export async function codecsAtRest(): Promise<boolean> {
  for (let turn = 0; turn < 500; turn++) {
    if (!process.getActiveResourcesInfo().includes('MessagePort')) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}
