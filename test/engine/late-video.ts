import t from 'tap';
import { SendBeat } from '../../src/engine/audio/send-beat.js';
import { Directory } from '../../src/engine/directory.js';
import { PUBLISHER_LEVELS } from '../../src/engine/port.js';
import { EnginePublisher } from '../../src/engine/publisher.js';
import type { PublishedTrack, Uplink } from '../../src/engine/uplink.js';
import type { UplinkTrack } from '../../src/engine/uplink-track.js';
import { VirtualClock } from '../../src/media/clock.js';
import type { EncodedVideoChunk } from '../../src/media/encoded-chunk.js';
import { settle } from '../nodes/node-lab.js';

/** What a publisher asks of a server, which takes it, or does not, when it is told to. */
class Server {
  readonly asked: (readonly UplinkTrack[])[] = [];
  readonly ended: string[] = [];
  readonly sender = { rebalance: () => undefined };
  readonly muted: string[] = [];
  readonly #answers: Answer[] = [];
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  /** What it was asked for, in words. */
  get told(): string[] {
    return this.asked.map((tracks) =>
      tracks
        .map(({ kind, videoCodec, muted }) => (kind === 'video' ? `${videoCodec}${muted ? ' muted' : ''}` : kind))
        .join(),
    );
  }

  async take(index: number): Promise<void> {
    const tracks = this.asked[index] ?? [];
    this.#answers[index]?.resolve(tracks.map(({ kind }) => ({ trackSid: `${this.#name} ${kind}`, streams: [] })));
    await settle(3);
  }

  async refuse(index: number, error: Error): Promise<void> {
    this.#answers[index]?.reject(error);
    await settle(3);
  }

  publish(tracks: readonly UplinkTrack[]): Promise<PublishedTrack[]> {
    this.asked.push(tracks);
    return new Promise((resolve, reject) => this.#answers.push({ resolve, reject }));
  }

  unpublish(trackSids: readonly string[]): Promise<void> {
    this.ended.push(...trackSids);
    return Promise.resolve();
  }

  mute(trackSid: string, muted: boolean): void {
    this.muted.push(`${trackSid} ${muted ? 'off' : 'on'}`);
  }
}

interface Answer {
  resolve(tracks: PublishedTrack[]): void;
  reject(error: Error): void;
}

const uplink = (server: Server): Uplink => server as unknown as Uplink;
const picture: EncodedVideoChunk = {
  kind: 'encoded-video',
  codec: 'h264',
  type: 'key',
  data: new Uint8Array([0, 0, 0, 1, 0x65]),
  timestamp: 0,
  duration: 40_000,
};

/** A publisher of sound, and of video in the codec of its source. */
async function open(errors: unknown[] = []): Promise<EnginePublisher> {
  const clock = new VirtualClock();
  const publisher = await EnginePublisher.open(
    {
      session: 1,
      publisher: 2,
      name: 'Late',
      hasAudio: true,
      hasVideo: true,
      audio: { sampleRate: 48_000, numberOfChannels: 2 },
      stereo: true,
      dtx: false,
      videoCodec: 'source',
      width: 192,
      height: 128,
      fps: 25,
      silenceToleranceMs: 200,
      levels: new SharedArrayBuffer(8 * PUBLISHER_LEVELS.length),
    },
    {
      clock,
      sendBeat: new SendBeat(clock, (error) => errors.push(error)),
      identity: 'me',
      isAgent: false,
      directory: new Directory('me'),
      emit: (name, args) => {
        if (name === 'publisherError') errors.push(args);
      },
    },
  );
  t.teardown(() => publisher.close());
  return publisher;
}

await t.test('video is published with its first picture, and ended with the rest', async (t) => {
  const [publisher, server] = [await open(), new Server('a')];
  const published = publisher.publish(uplink(server));
  await server.take(0);
  await published;
  t.same(server.told, ['audio']);
  publisher.write(picture);
  publisher.write({ ...picture, type: 'delta' });
  publisher.mute('video', true);
  await server.take(1);
  t.same(server.told, ['audio', 'h264']);
  t.same(server.muted, ['a video off'], 'and muted, if it was meanwhile');
  t.ok(publisher.sends('a video'));
  await publisher.close();
  t.same(server.ended, ['a audio', 'a video']);
});

await t.test('a first picture that comes while the sound is published follows it', async (t) => {
  const [publisher, server] = [await open(), new Server('a')];
  publisher.mute('video', true);
  const published = publisher.publish(uplink(server));
  publisher.write(picture);
  await server.take(0);
  await server.take(1);
  await published;
  t.same(server.told, ['audio', 'h264 muted']);
  t.ok(publisher.sends('a video'));
});

await t.test('video that a server has not taken before it went goes to the next one with the rest', async (t) => {
  const errors: unknown[] = [];
  const [publisher, gone, next] = [await open(errors), new Server('gone'), new Server('next')];
  const published = publisher.publish(uplink(gone));
  await gone.take(0);
  await published;
  publisher.write(picture);
  publisher.detach();
  const moved = publisher.publish(uplink(next));
  await gone.refuse(1, new Error('the server has gone'));
  await next.take(0);
  await moved;
  t.same(next.told, ['audio,h264']);
  t.ok(publisher.sends('next video'));
  t.same(errors, []);
});

await t.test('video that a server refuses is told, and what it takes too late is ended', async (t) => {
  const errors: unknown[] = [];
  const [refused, closed, server] = [await open(errors), await open(), new Server('a')];
  for (const [at, publisher] of [refused, closed].entries()) {
    const published = publisher.publish(uplink(server));
    await server.take(2 * at);
    await published;
    publisher.write(picture);
    if (publisher === refused) await server.refuse(1, new Error('no H.264 here'));
  }
  t.match(errors, [{ publisher: 2, error: { message: /no H\.264 here/ } }]);
  await closed.close();
  await server.take(3);
  t.same(server.ended, ['a audio', 'a video']);
});
