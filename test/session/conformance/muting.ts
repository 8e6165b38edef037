import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { RoomServiceClient } from 'livekit-server-sdk';
import type { AudioData, Connection, Session, Stream, VideoFrame } from '../../../src/index.js';
import { BrowserHost } from '../../server/browser-peer.js';
import { requireSystem } from '../../support/require.js';
import { endlessTone, hears, isLoud, streamNamed } from '../live-room.js';
import { SMALL_VIDEO, endlessHalves, run, see, streamWith } from './content.js';
import { KEYS, onEveryServer } from './servers.js';

/** Reads until so much silence has come one after the other. */
async function silence(sound: Readable, ms: number): Promise<void> {
  let quietMs = 0;
  for await (const chunk of sound.iterator({ destroyOnReturn: false }) as AsyncIterable<AudioData>) {
    quietMs = isLoud(chunk) ? 0 : quietMs + (chunk.numberOfFrames * 1000) / chunk.sampleRate;
    if (quietMs >= ms) return;
  }
}

onEveryServer('muting', async (t, lab) => {
  await t.test('turns sound and picture of a stream off and on, for those who read it', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann', { settings: SMALL_VIDEO }), await room.join('bob')];
    const publisher = await ann.publish({ name: 'Both' });
    run(endlessTone(440), publisher.audio);
    run(endlessHalves(60, 190), publisher.video);
    const stream = await streamWith(bob, 'Both', { hasAudio: true, hasVideo: true });
    const subscriber = await bob.subscribe(stream);
    const mix = bob.mix();
    t.ok(await hears(subscriber.audio, 440));
    t.ok(await hears(mix, 440));
    await see(subscriber.video, 60, 190);
    for (let round = 1; round <= 2; round++) {
      publisher.publishAudio(false);
      await streamWith(bob, 'Both', { hasAudio: false, hasVideo: true });
      await Promise.all([silence(subscriber.audio, 300), silence(mix, 300)]);
      await see(subscriber.video, 60, 190);
      publisher.publishVideo(false);
      await streamWith(bob, 'Both', { hasAudio: false, hasVideo: false });
      t.match(publisher.stream, { hasAudio: false, hasVideo: false });
      let frames = 0;
      const count = (): void => {
        frames++;
      };
      subscriber.video.on('data', count);
      // What is on its way, or waits, comes first.
      await silence(subscriber.audio, 500);
      frames = 0;
      await silence(subscriber.audio, 500);
      subscriber.video.off('data', count).pause();
      t.equal(frames, 0, 'no picture comes');
      publisher.publishVideo(true);
      await streamWith(bob, 'Both', { hasAudio: false, hasVideo: true });
      await see(subscriber.video, 60, 190);
      publisher.publishAudio(true);
      await streamWith(bob, 'Both', { hasAudio: true, hasVideo: true });
      t.ok(await hears(subscriber.audio, 440), `heard again, ${round}`);
      t.ok(await hears(mix, 440), 'in the mix as well');
    }
    t.equal(bob.streams.get(stream.streamId), stream, 'it is the same stream all the time');
  });

  await t.test('holds for video that begins while it is muted', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann', { settings: SMALL_VIDEO }), await room.join('bob')];
    const publisher = await ann.publish({ name: 'Late', videoCodec: 'source' });
    publisher.publishVideo(false);
    run(endlessTone(440), publisher.audio);
    run(endlessHalves(60, 190), publisher.video);
    const subscriber = await bob.subscribe(await streamWith(bob, 'Late', { hasAudio: true, hasVideo: false }));
    let frames = 0;
    const count = (): void => {
      frames++;
    };
    subscriber.video.on('data', count);
    t.ok(await hears(subscriber.audio, 440));
    subscriber.video.off('data', count).pause();
    t.equal(frames, 0, 'no picture comes');
    publisher.publishVideo(true);
    await streamWith(bob, 'Late', { hasAudio: true, hasVideo: true });
    await see(subscriber.video, 60, 190);
  });

  await t.test('before anybody came is seen by those who come, and its end as well', async (t) => {
    const room = lab.room(t);
    const ann = await room.join('ann', { settings: SMALL_VIDEO });
    const publisher = await ann.publish({ hasAudio: false });
    run(endlessHalves(90, 160), publisher);
    publisher.publishVideo(false);
    const bob = await room.join('bob');
    const stream = await streamWith(bob, 'ann', { hasVideo: false });
    const subscriber = await bob.subscribe(stream);
    const seen = see(subscriber.video, 90, 160);
    const updated = once(bob, 'streamUpdated');
    publisher.publishVideo(true);
    t.match(await updated, [{ streamId: stream.streamId, hasVideo: true }]);
    await seen;
  });

  await t.test('by the server stops the publisher, who is told and may begin again', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann', { identity: 'ann' }), await room.join('bob')];
    const publisher = await ann.publish({ hasVideo: false });
    run(endlessTone(440), publisher);
    const subscriber = await bob.subscribe(await streamNamed(bob, 'ann'), { subscribeToVideo: false });
    t.ok(await hears(subscriber, 440));
    const service = new RoomServiceClient(lab.httpUrl, KEYS.apiKey, KEYS.apiSecret);
    const { tracks } = await service.getParticipant(room.sessionId, 'ann');
    const forced = once(publisher, 'muteForced');
    await service.mutePublishedTrack(room.sessionId, 'ann', tracks[0]!.sid, true);
    t.strictSame(await forced, ['audio']);
    await streamWith(bob, 'ann', { hasAudio: false });
    await silence(subscriber, 300);
    publisher.publishAudio(true);
    await streamWith(bob, 'ann', { hasAudio: true });
    t.ok(await hears(subscriber, 440));
  });

  await t.test('in a browser is seen, and what it turns on again', async (t) => {
    const chromium = requireSystem(t, 'chromium');
    if (chromium === undefined) return;
    const host = await BrowserHost.launch(chromium);
    t.teardown(() => host.close());
    const room = lab.room(t);
    const [bob, page] = [await room.join('bob'), await host.peer()];
    await page.call('connect', { url: lab.url, token: await room.token({ identity: 'page' }) });
    const sid = await page.call<string>('publishGrey', { width: 160, height: 120, left: 60, right: 190 });
    const subscriber = await bob.subscribe(await streamNamed(bob, 'page'), { subscribeToAudio: false });
    await see(subscriber, 60, 190);
    for (let round = 1; round <= 2; round++) {
      await page.call('mute', { sid, muted: true });
      await streamWith(bob, 'page', { hasVideo: false });
      await page.call('mute', { sid, muted: false });
      await streamWith(bob, 'page', { hasVideo: true });
      const frame: VideoFrame = await see(subscriber, 60, 190);
      t.equal(frame.width, 160);
    }
  });
});

onEveryServer('what is said of a participant', async (t, lab) => {
  await t.test('may change, and everybody learns of it', async (t) => {
    const room = lab.room(t);
    const ann = await room.join('Ann', { identity: 'ann', data: 'old' });
    const bob = await room.join('bob');
    await ann.publish({ name: 'Voice', hasVideo: false });
    const stream: Stream = await streamNamed(bob, 'Voice');
    const told = Promise.all([ann, bob].map((session) => changeOf(session, 'ann', { name: 'Anna', data: 'new' })));
    const service = new RoomServiceClient(lab.httpUrl, KEYS.apiKey, KEYS.apiSecret);
    await service.updateParticipant(room.sessionId, 'ann', { name: 'Anna', metadata: 'new' });
    const { connectionId } = ann.connection;
    for (const connection of await told) t.equal(connection.connectionId, connectionId);
    t.match(ann.connection, { name: 'Anna', data: 'new' });
    t.match(stream, { name: 'Voice', connectionId, connection: { name: 'Anna', data: 'new' } });
    const cid = await room.join('cid');
    t.match((await streamNamed(cid, 'Voice')).connection, { name: 'Anna', data: 'new' });
  });
});

/** When somebody is said to be so; a server may tell of one thing right after the other. */
function changeOf(session: Session, identity: string, wanted: Partial<Connection>): Promise<Connection> {
  return new Promise((resolve) => {
    session.on('connectionUpdated', (connection) => {
      const fits = Object.entries(wanted).every(([key, value]) => connection[key as keyof Connection] === value);
      if (connection.identity === identity && fits) resolve(connection);
    });
  });
}
