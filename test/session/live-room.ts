import { once } from 'node:events';
import { Readable } from 'node:stream';
import t from 'tap';
import { connect, type ConnectOptions } from '../../src/connect.js';
import { startServer, type EmbeddedServer } from '../../src/server/index.js';
import { audioData, type AudioData } from '../../src/media/audio-data.js';
import type { EncodedAudioChunk } from '../../src/media/encoded-chunk.js';
import type { Session } from '../../src/session/session.js';
import type { Stream } from '../../src/session/session-events.js';
import { channel, concat, sine, toneAmplitude } from '../codecs/tones.js';

let server: EmbeddedServer | undefined;
let sessions = 0;

/** The server that all live tests of this process share. */
export async function liveServer(): Promise<EmbeddedServer> {
  server ??= await startServer({ port: 0, logLevel: 'error' });
  return server;
}

t.teardown(async () => {
  await server?.close();
});

/** Joins by name; everyone of one room is in the same session. */
export function newRoom(): (name: string, options?: ConnectOptions) => Promise<Session> {
  const sessionId = `room-${++sessions}`;
  return async (name, options = {}) => connect({ url: (await liveServer()).url, sessionId, name, ...options });
}

/** The stream of that name, when it is there. */
export async function streamNamed(session: Session, name: string): Promise<Stream> {
  for (;;) {
    for (const stream of session.streams.values()) if (stream.name === name) return stream;
    await once(session, 'streamReceived');
  }
}

/** A tone without an end, as fast as it is read; a list gives each channel its own frequency in Hz. */
export function endlessTone(frequencies: number | readonly [number, number], numberOfChannels = 2): Readable {
  const list = typeof frequencies === 'number' ? Array<number>(numberOfChannels).fill(frequencies) : frequencies;
  let frame = 0;
  return new Readable({
    objectMode: true,
    highWaterMark: 1,
    read() {
      const data = sine(list, 48_000, 960, 10_000, frame);
      this.push(audioData(data, 48_000, list.length, (frame * 1_000_000) / 48_000));
      frame += 960;
    },
  });
}

/** Opus packets with a number in each, as fast as they are read. */
export function endlessPackets(): Readable {
  let number = 0;
  return new Readable({
    objectMode: true,
    highWaterMark: 1,
    read() {
      this.push(numberedPacket(number++));
    },
  });
}

/** A packet that no decoder is asked to read: code 0 of 20 ms, then a number. */
function numberedPacket(number: number): EncodedAudioChunk {
  const data = new Uint8Array(40).fill(0x55);
  data[0] = 0xf8;
  new DataView(data.buffer).setUint32(4, number);
  return { kind: 'encoded-audio', codec: 'opus', data, timestamp: number * 20_000, duration: 20_000 };
}

export function numberOf(chunk: EncodedAudioChunk): number {
  return new DataView(chunk.data.buffer, chunk.data.byteOffset).getUint32(4);
}

/**
 * Reads until `ms` of loud audio have come one after the other and gives those, the first 100 ms left out: a decoder
 * that has just begun swings in.
 */
export async function hear(
  readable: Readable,
  ms: number,
): Promise<{ amplitude(frequency: number, channel?: number): number; readonly samples: Int16Array }> {
  const chunks: AudioData[] = [];
  let leftOut = 0;
  for await (const chunk of readable.iterator({ destroyOnReturn: false }) as AsyncIterable<AudioData>) {
    if (isLoud(chunk)) chunks.push(chunk);
    else chunks.length = 0;
    const chunkMs = (chunk.numberOfFrames * 1000) / chunk.sampleRate;
    leftOut = 100 / chunkMs;
    if (chunks.length * chunkMs >= ms + 100) break;
  }
  const kept = chunks.slice(leftOut);
  const { sampleRate, numberOfChannels } = kept[0]!;
  const samples = concat(kept.map(({ data }) => data));
  return {
    samples,
    amplitude: (frequency, index = 0) =>
      meanAmplitude(channel(samples, index, numberOfChannels), frequency, sampleRate),
  };
}

export type Heard = Awaited<ReturnType<typeof hear>>;

/** Listens until it sounds as it should, or for so long that it never will; a machine that is busy stutters at first. */
export async function listen(readable: Readable, ms: number, fits: (heard: Heard) => boolean): Promise<Heard> {
  let heard = await hear(readable, ms);
  for (let i = 1; i < 15 && !fits(heard); i++) heard = await hear(readable, ms);
  return heard;
}

/** Whether a tone is heard. */
export async function hears(readable: Readable, hz: number): Promise<boolean> {
  const clear = (heard: Heard): boolean => heard.amplitude(hz) > 7000;
  return clear(await listen(readable, 200, clear));
}

/** Over stretches of 100 ms, faded in and out: where a receiver shortens or draws out a tone, its phase jumps. */
function meanAmplitude(samples: Int16Array, frequency: number, sampleRate: number): number {
  const length = sampleRate / 10;
  let sum = 0;
  let count = 0;
  for (let start = 0; start + length <= samples.length; start += length) {
    const faded = samples
      .subarray(start, start + length)
      .map((sample, i) => sample * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / length)));
    sum += 2 * toneAmplitude(faded, frequency, sampleRate);
    count++;
  }
  return sum / count;
}

export function isLoud(chunk: AudioData): boolean {
  return chunk.data.some((sample) => Math.abs(sample) > 2000);
}
