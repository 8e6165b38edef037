import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { RoomServiceClient, type TrackInfo } from 'livekit-server-sdk';
import type { AudioData } from '../../../src/index.js';
import { streamWith } from '../conformance/content.js';
import { endlessTone, hears, isLoud } from '../live-room.js';
import { type ServerNode, onEveryCluster } from './clusters.js';
import { eventsOf, meet } from './lab.js';
import { PictureMeter, endlessPattern, write } from './meters.js';

onEveryCluster('what is muted', async (t, cluster) => {
  await t.test('is there at the next server, muted, until that is over', async (t) => {
    const { first, second, room, ann, bob, met } = await meet(t, cluster);
    const publisher = await ann.publish({ name: 'Quiet' });
    write(endlessTone(440), publisher.audio);
    write(endlessPattern(), publisher.video);
    const stream = await streamWith(bob, 'Quiet', { hasAudio: true, hasVideo: true });
    const subscriber = await bob.subscribe(stream);
    const seen = new PictureMeter().follow(subscriber.video);
    t.ok(await hears(subscriber.audio, 440));
    await seen.steady(200);
    publisher.publishAudio(false);
    publisher.publishVideo(false);
    await streamWith(bob, 'Quiet', { hasAudio: false, hasVideo: false });

    const tracks = async ({ url }: ServerNode): Promise<TrackInfo[]> => {
      const service = new RoomServiceClient(url.replace('ws:', 'http:'), 'devkey', 'secret');
      return (await service.getParticipant(room.sessionId, ann.connection.identity)).tracks;
    };
    const old = new Set((await tracks(first)).map(({ sid }) => sid));
    await met;
    const told = [eventsOf(ann), eventsOf(bob)];
    const migrated = [ann, bob].map((session) => once(session, 'migrated'));
    await second.start();
    first.shutDown();
    await Promise.all(migrated);
    // A server tells of a track when it has had packets of it.
    while ((await tracks(second)).filter(({ sid }) => !old.has(sid)).length < 2) await wait(50);
    t.strictSame(
      (await tracks(second)).map(({ muted }) => muted),
      [true, true],
    );
    const lastNumber = seen.numbers.at(-1);
    let loud = 0;
    subscriber.audio.on('data', (chunk: AudioData) => (loud += isLoud(chunk) ? 1 : 0));
    publisher.publishAudio(true);
    await streamWith(bob, 'Quiet', { hasAudio: true, hasVideo: false });
    t.ok(await hears(bob.mix(), 440));
    t.equal(seen.numbers.at(-1), lastNumber, 'no picture was seen meanwhile');
    publisher.publishVideo(true);
    await seen.steady(300, performance.now());
    t.ok(loud > 0, 'who read all the time hears it as well');
    t.strictSame(told, [
      ['migrating', 'migrated'],
      ['migrating', 'migrated', 'streamUpdated Quiet', 'streamUpdated Quiet'],
    ]);
    t.equal(bob.streams.get(stream.streamId), stream);
  });
});
