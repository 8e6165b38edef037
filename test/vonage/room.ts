import { type Test } from 'tap';
import { createToken } from '../../src/server/index.js';
import {
  type AudioData,
  type ConnectOptions,
  type Session,
  type SessionSettings,
  type Stream,
  VonageVideoClient,
} from '../../src/vonage.js';
import { liveServer } from '../session/live-room.js';
import { channel, concat, sine, toneAmplitude } from '../codecs/tones.js';

let rooms = 0;

export interface Member {
  readonly client: VonageVideoClient;
  readonly session: Session;
  /** The first stream that comes, or has come. */
  readonly stream: Promise<Stream>;
}

/** A session of its own on the embedded server, which SLUICE_URL names from then on. */
export async function vonageRoom(t: Test): Promise<(name: string, options?: ConnectOptions) => Promise<Member>> {
  const { url } = await liveServer();
  process.env['SLUICE_URL'] = url;
  const sessionId = `vonage-${++rooms}`;
  return async (name, options = {}) => {
    const token = await tokenOf(sessionId, name);
    const client = new VonageVideoClient();
    t.teardown(() => client.disconnect());
    let come!: (stream: Stream) => void;
    const stream = new Promise<Stream>((resolve) => (come = resolve));
    const session = await client.connect('an-application', sessionId, token, {
      ...options,
      onStreamReceived: (session, stream) => {
        come(stream);
        options.onStreamReceived?.(session, stream);
      },
    });
    return { client, session, stream };
  };
}

export function tokenOf(sessionId: string, name: string): Promise<string> {
  const keys = { apiKey: 'devkey', apiSecret: 'secret' };
  return createToken({
    ...keys,
    sessionId,
    name,
    identity: `${name}-${crypto.randomUUID()}`,
    metadata: `data of ${name}`,
  });
}

/** A tone as the connector takes it, in the format of `settings`; each call goes on where the last one ended. */
export function toneSource(
  hz: number | readonly [number, number],
  { sampleRate = 48_000, channels = 2 }: NonNullable<NonNullable<SessionSettings['av']>['audioPublisher']> = {},
): (ms?: number) => AudioData {
  const frequencies = typeof hz === 'number' ? Array<number>(channels).fill(hz) : hz;
  let frame = 0;
  return (ms = 20) => {
    const numberOfFrames = (sampleRate * ms) / 1000;
    const samples = sine(frequencies, sampleRate, numberOfFrames, 10_000, frame);
    frame += numberOfFrames;
    return { data: Buffer.from(samples.buffer), sampleRate, numberOfChannels: channels, numberOfFrames };
  };
}

/** Keeps a publisher's buffer filled with a tone until the test is over. */
export function keepPlaying(t: Test, client: VonageVideoClient, next: () => AudioData): void {
  const top = (): void => {
    while ((client.getMediaBufferStats().audio?.durationMs ?? Infinity) < 200) client.addAudio(next());
  };
  const timer = setInterval(top, 20);
  t.teardown(() => clearInterval(timer));
  top();
}

/** Takes audio from a callback until so many ms of it are as wanted. */
export class Listener {
  readonly #waiting = new Set<{
    ms: number;
    fits: (heard: Heard) => boolean;
    done: (heard: Heard) => void;
    chunks: AudioData[];
  }>();

  readonly take = (audio: AudioData): void => {
    for (const wait of this.#waiting) {
      wait.chunks.push(audio);
      const msOfOne = (audio.numberOfFrames * 1000) / audio.sampleRate;
      if (wait.chunks.length * msOfOne < wait.ms) continue;
      const heard = new Heard(wait.chunks);
      if (wait.fits(heard)) {
        this.#waiting.delete(wait);
        wait.done(heard);
      } else wait.chunks.shift();
    }
  };

  /** Audio that sounds so for `ms` on end. */
  hear(ms: number, fits: (heard: Heard) => boolean): Promise<Heard> {
    return new Promise((done) => this.#waiting.add({ ms, fits, done, chunks: [] }));
  }
}

/** A stretch of audio. */
class Heard {
  readonly #samples: Int16Array;
  readonly #sampleRate: number;
  readonly #channels: number;

  constructor(chunks: readonly AudioData[]) {
    this.#sampleRate = chunks[0]!.sampleRate;
    this.#channels = chunks[0]!.numberOfChannels;
    this.#samples = concat(chunks.map(samplesOf));
  }

  amplitude(hz: number, index = 0): number {
    return toneAmplitude(channel(this.#samples, index, this.#channels), hz, this.#sampleRate);
  }

  get peak(): number {
    return this.#samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  }
}

function samplesOf({ data }: AudioData): Int16Array {
  return new Int16Array(data.buffer, data.byteOffset, data.length / 2);
}
