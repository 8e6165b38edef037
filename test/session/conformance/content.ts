import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createOpusDecoder } from '../../../src/codecs/opus.js';
import { drawPattern, readPattern } from '../../../src/media/pattern.js';
import type { EncodedAudioChunk, Session, Stream, VideoFrame } from '../../../src/index.js';
import { concat } from '../../codecs/tones.js';

/** Of a tone of 10000. */
export const LOUD = 2000;

/** Small and slow: encoding takes next to nothing. */
const SMALL = { resolution: { width: 160, height: 120 }, fps: 20 } as const;
export const SMALL_VIDEO = { av: { videoPublisher: SMALL } } as const;

interface VideoFormat {
  readonly resolution: { readonly width: number; readonly height: number };
  readonly fps: number;
}

/** A pipeline that a test ends from outside. */
export function run(...streams: [Readable, NodeJS.WritableStream]): void {
  pipeline(...streams).catch(() => undefined);
}

/** A picture of two greys, left and right, as often as it is read. */
export function endlessHalves(left: number, right: number, format: VideoFormat = SMALL): Readable {
  const { width, height } = format.resolution;
  const data = new Uint8Array((width * height * 3) / 2).fill(128, width * height);
  for (let i = 0; i < width * height; i++) data[i] = i % width < width / 2 ? left : right;
  let count = 0;
  return new Readable({
    objectMode: true,
    highWaterMark: 1,
    read() {
      const timestamp = (count++ * 1_000_000) / format.fps;
      this.push({ kind: 'video', format: 'YUV420P', width, height, data: data.slice(), timestamp });
    },
  });
}

/** The numbered pattern, as often as it is read. */
export function endlessNumbers(format: VideoFormat): Readable {
  const { width, height } = format.resolution;
  let count = 0;
  return new Readable({
    objectMode: true,
    highWaterMark: 1,
    read() {
      const timestamp = (count * 1_000_000) / format.fps;
      const data = drawPattern(count++, width, height);
      this.push({ kind: 'video', format: 'YUV420P', width, height, data, timestamp });
    },
  });
}

/** Reads until so many pictures in a row had numbers this far apart. */
export async function seeEvery(distance: number, readable: Readable, count = 8): Promise<void> {
  let last: number | undefined;
  let fitting = 0;
  for await (const frame of readable.iterator({ destroyOnReturn: false }) as AsyncIterable<VideoFrame>) {
    const number = readPattern(frame);
    fitting = number !== undefined && number - (last ?? NaN) === distance ? fitting + 1 : 0;
    last = number;
    if (fitting === count) return;
  }
  throw new Error(`never ${count} pictures at a distance of ${distance}`);
}

/** The greys in the middle of the left and the right half. */
function halvesOf({ data, width, height }: VideoFrame): readonly [number, number] {
  const at = (x: number): number => data[Math.floor(height / 2) * width + Math.floor(x * width)] ?? -1;
  return [at(0.25), at(0.75)];
}

/** Reads until a picture shows these greys, and gives it. */
export async function see(readable: Readable, left: number, right: number): Promise<VideoFrame> {
  for await (const frame of readable.iterator({ destroyOnReturn: false }) as AsyncIterable<VideoFrame>) {
    const [l, r] = halvesOf(frame);
    if (Math.abs(l - left) <= 8 && Math.abs(r - right) <= 8) return frame;
  }
  throw new Error(`no picture showed ${left} and ${right}`);
}

/** Reads until a picture has this width. */
export async function seeWidth(pictures: Readable, width: number): Promise<VideoFrame> {
  for await (const frame of pictures.iterator({ destroyOnReturn: false }) as AsyncIterable<VideoFrame>) {
    if (frame.width === width) return frame;
  }
  throw new Error(`no picture was ${width} pixels wide`);
}

/** Waits until these layers of what a session publishes are sent, and no others. */
export async function layersOf(session: Session, rids: readonly string[]): Promise<void> {
  for (;;) {
    const { outbound } = await session.stats();
    const active = outbound.filter((one) => one.active === true).map(({ rid }) => rid);
    if (active.length === rids.length && rids.every((rid) => active.includes(rid))) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** When a stream of that name is as wanted. */
export async function streamWith(session: Session, name: string, has: Partial<Stream>): Promise<Stream> {
  for (;;) {
    for (const stream of session.streams.values()) {
      const fits = Object.entries(has).every(([key, value]) => stream[key as keyof Stream] === value);
      if (stream.name === name && fits) return stream;
    }
    await Promise.race([once(session, 'streamReceived'), once(session, 'streamUpdated')]);
  }
}

/** Ms from the first to the last loud sample of what is in packets. */
export async function loudMsIn(packets: readonly EncodedAudioChunk[]): Promise<number> {
  const decoder = await createOpusDecoder({ sampleRate: 48_000, numberOfChannels: 1 });
  const samples = concat(packets.map(({ data }) => decoder.decode(data)));
  decoder.close();
  const isLoud = (sample: number): boolean => Math.abs(sample) > LOUD;
  return (samples.findLastIndex(isLoud) - samples.findIndex(isLoud)) / 48;
}

/** Tries until it comes out right, up to five times: a machine that is busy stutters now and then, a fault is there each time. */
export async function atBest<T>(attempt: () => Promise<T>, isRight: (outcome: T) => boolean): Promise<T> {
  let outcome = await attempt();
  for (let i = 1; i < 5 && !isRight(outcome); i++) outcome = await attempt();
  return outcome;
}
