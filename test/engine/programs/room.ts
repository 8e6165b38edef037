import type { ConnectArgs, EngineEvents, PublisherOpenArgs, StreamState } from '../../../src/engine/port.js';
import { PUBLISHER_LEVELS } from '../../../src/engine/port.js';
import { getEngine } from '../../../src/engine/thread.js';
import { audioData } from '../../../src/media/audio-data.js';
import { AudioRing, audioRingMemory } from '../../../src/media/audio-ring.js';
import type { MediaValue } from '../../../src/media/media-value.js';
import { createToken } from '../../../src/server/index.js';
import { sine } from '../../codecs/tones.js';

const FORMAT = { sampleRate: 48_000, numberOfChannels: 2 };

/** A participant, as the port of the engine has it. */
export interface Member {
  readonly session: number;
  readonly lost: string[];
  /** The next stream that comes, or the first that came. */
  stream(): Promise<StreamState>;
  /** The next time that it has joined anew. */
  migrated(): Promise<void>;
  leave(): Promise<void>;
}

/** Joins session `demo` of a server with the development keys. */
export async function joinRoom(
  url: string,
  identity: string,
  sessionId = 'demo',
  more: Partial<ConnectArgs> = {},
): Promise<Member> {
  const engine = getEngine();
  const session = engine.nextId();
  const streams: StreamState[] = [];
  const lost: string[] = [];
  let wake = (): void => undefined;
  let onMigrated = (): void => undefined;
  engine.listen(session, (name, args) => {
    if (name === 'migrated') onMigrated();
    if (name === 'streamReceived') streams.push((args as EngineEvents['streamReceived']).stream);
    if (name === 'sessionLost') lost.push((args as EngineEvents['sessionLost']).error.code);
    wake();
  });
  const token = await createToken({ apiKey: 'devkey', apiSecret: 'secret', sessionId, identity });
  await engine.call('connect', { session, url, token, timeoutMs: 20_000, ...more });
  return {
    session,
    lost,
    stream: async () => {
      while (streams.length === 0)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      return streams.shift()!;
    },
    migrated: () =>
      new Promise<void>((resolve) => {
        onMigrated = resolve;
      }),
    leave: async () => {
      await engine.call('disconnect', { session });
      engine.forget(session);
    },
  };
}

export interface Voice {
  readonly publisher: number;
  readonly errors: string[];
  /** The next so many ms of one endless tone of 400 Hz. */
  speak(ms: number): void;
  /** Media time that waits, in ms. */
  heldMs(): number;
  close(): Promise<void>;
}

export async function publishVoice({ session }: Member, more: Partial<PublisherOpenArgs> = {}): Promise<Voice> {
  const engine = getEngine();
  const publisher = engine.nextId();
  const levels = new SharedArrayBuffer(8 * PUBLISHER_LEVELS.length);
  const errors: string[] = [];
  engine.listen(publisher, (name, args) => {
    if (name === 'publisherError') errors.push((args as EngineEvents['publisherError']).error.message);
  });
  await engine.call('publisherOpen', {
    session,
    publisher,
    name: 'voice',
    hasAudio: true,
    hasVideo: false,
    audio: FORMAT,
    stereo: true,
    dtx: false,
    videoCodec: 'vp8',
    width: 192,
    height: 128,
    fps: 25,
    silenceToleranceMs: 200,
    levels,
    ...more,
  });
  let frame = 0;
  return {
    publisher,
    errors,
    speak: (ms) => {
      for (let i = 0; i < ms / 20; i++) {
        const value = audioData(sine([400, 400], 48_000, 960, 10_000, frame), 48_000, 2, (frame * 1_000_000) / 48_000);
        frame += 960;
        engine.post('write', { publisher, value }, value.data.buffer);
      }
    },
    heldMs: () =>
      (frame * 1000) / 48_000 -
      Number(Atomics.load(new BigInt64Array(levels), PUBLISHER_LEVELS.audioConsumedUs)) / 1000,
    close: async () => {
      await engine.call('publisherClose', { publisher });
      engine.forget(publisher);
    },
  };
}

export interface Ear {
  readonly reader: number;
  readonly heard: MediaValue[];
  /** Waits until what was heard is as wanted. */
  until(condition: (heard: readonly MediaValue[]) => boolean): Promise<void>;
  close(): Promise<void>;
}

export async function listenTo({ session }: Member, streamId: string | undefined, encoded = false): Promise<Ear> {
  const engine = getEngine();
  const reader = engine.nextId();
  const heard: MediaValue[] = [];
  let wake = (): void => undefined;
  const audioRing = audioRingMemory(FORMAT.sampleRate);
  const ring = new AudioRing(audioRing);
  engine.listen(reader, (name, args) => {
    if (name === 'media') heard.push((args as EngineEvents['media']).value);
    if (name === 'audio') {
      ring.look();
      const { sampleRate, numberOfChannels } = FORMAT;
      for (let value = ring.read(sampleRate, numberOfChannels); value; value = ring.read(sampleRate, numberOfChannels))
        heard.push(value);
    }
    wake();
  });
  await engine.call('readerOpen', {
    session,
    reader,
    ...(streamId !== undefined && { streamId }),
    audio: true,
    video: false,
    encoded,
    audioFormat: FORMAT,
    audioRing,
    pixelFormat: 'YUV420P',
    maxLagMs: 1000,
  });
  ring.ask(1_000_000);
  engine.post('credit', { reader, kind: 'audio', values: 1_000_000 });
  return {
    reader,
    heard,
    until: async (condition) => {
      while (!condition(heard))
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    },
    close: async () => {
      await engine.call('readerClose', { reader });
      engine.forget(reader);
    },
  };
}

/** Whether there is the tone of `speak` in it. */
export function isLoud(value: MediaValue | undefined): boolean {
  return value?.kind === 'audio' && value.data.some((sample) => sample > 5000);
}
