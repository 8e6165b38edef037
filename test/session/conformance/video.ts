import { once } from 'node:events';
import type { EncodedVideoChunk } from '../../../src/index.js';
import { endlessTone, hears, streamNamed } from '../live-room.js';
import { SMALL_VIDEO, endlessHalves, run, see, streamWith } from './content.js';
import { onEveryServer } from './servers.js';

onEveryServer('video', async (t, lab) => {
  for (const videoCodec of ['vp8', 'h264'] as const) {
    await t.test(`is seen, encoded as ${videoCodec}`, async (t) => {
      const room = lab.room(t);
      const [ann, bob] = [await room.join('ann', { settings: SMALL_VIDEO }), await room.join('bob')];
      run(endlessHalves(60, 190), await ann.publish({ hasAudio: false, videoCodec }));
      const subscriber = await bob.subscribe(await streamNamed(bob, 'ann'), { subscribeToAudio: false });
      const { width, height, format, data } = await see(subscriber, 60, 190);
      t.strictSame([width, height, format, data.length], [160, 120, 'YUV420P', 28_800]);
    });

    await t.test(`passes on encoded, byte for byte, as ${videoCodec}`, async (t) => {
      const room = lab.room(t);
      const settings = SMALL_VIDEO;
      const [ann, bob, cid] = [await room.join('ann', { settings }), await room.join('bob'), await room.join('cid')];
      run(endlessHalves(30, 220), await ann.publish({ hasAudio: false, videoCodec }));
      const encoded = await bob.subscribe(await streamNamed(bob, 'ann'), { encoded: true, subscribeToAudio: false });
      const relayed = new Map<string, EncodedVideoChunk>();
      encoded.on('data', (chunk: EncodedVideoChunk) => relayed.set(Buffer.from(chunk.data).toString('base64'), chunk));
      run(encoded, await bob.publish({ name: 'Relay', hasAudio: false, videoCodec }));
      const stream = await streamNamed(cid, 'Relay');
      const copies = await cid.subscribe(stream, { encoded: true, subscribeToAudio: false });
      const types: string[] = [];
      for await (const chunk of copies as AsyncIterable<EncodedVideoChunk>) {
        const original = relayed.get(Buffer.from(chunk.data).toString('base64'));
        // Black, until the first picture.
        if (!original && types.length === 0) continue;
        t.match(original, { codec: videoCodec, type: chunk.type }, 'the bytes that were relayed');
        if (types.push(chunk.type) === 10) break;
      }
      const pictures = await cid.subscribe(stream, { subscribeToAudio: false });
      await see(pictures, 30, 220);
    });
  }

  await t.test('passes on encoded in the codec of its first picture, and there is none before', async (t) => {
    for (const videoCodec of ['vp8', 'h264'] as const) {
      const room = lab.room(t);
      const settings = SMALL_VIDEO;
      const [ann, bob, cid] = [await room.join('ann', { settings }), await room.join('bob'), await room.join('cid')];
      const relay = await bob.publish({ name: 'Relay', videoCodec: 'source' });
      run(endlessTone(440), relay.audio);
      const voice = await streamWith(cid, 'Relay', { hasAudio: true, hasVideo: false });
      t.ok(await hears((await cid.subscribe(voice, { subscribeToVideo: false })).audio, 440), 'its sound is there');
      run(endlessHalves(30, 220), await ann.publish({ hasAudio: false, videoCodec }));
      const encoded = await bob.subscribe(await streamNamed(bob, 'ann'), { encoded: true, subscribeToAudio: false });
      const sent = new Set<string>();
      encoded.on('data', (chunk: EncodedVideoChunk) => sent.add(Buffer.from(chunk.data).toString('base64')));
      run(encoded, relay.video);
      const stream = await streamWith(cid, 'Relay', { hasAudio: true, hasVideo: true });
      const copies = await cid.subscribe(stream, { encoded: true, subscribeToAudio: false });
      let count = 0;
      for await (const { codec, type, data } of copies as AsyncIterable<EncodedVideoChunk>) {
        if (count === 0) t.equal(type, 'key');
        t.equal(codec, videoCodec);
        t.ok(sent.has(Buffer.from(data).toString('base64')), 'the bytes that were relayed');
        if (++count === 10) break;
      }
      await see(await cid.subscribe(stream, { subscribeToAudio: false }), 30, 220);
    }
  });

  await t.test('begins with a key frame for everyone who comes, and gives one when it is asked for', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann', { settings: SMALL_VIDEO }), await room.join('bob')];
    run(endlessHalves(60, 190), await ann.publish({ hasAudio: false }));
    const stream = await streamNamed(bob, 'ann');
    await see(await bob.subscribe(stream, { subscribeToAudio: false }), 60, 190);
    const late = await bob.subscribe(stream, { encoded: true, subscribeToAudio: false });
    const types: string[] = [];
    for await (const chunk of late as AsyncIterable<EncodedVideoChunk>) {
      types.push(chunk.type);
      if (types.length === 8) late.requestKeyFrame();
      if (types.length > 8 && chunk.type === 'key') break;
    }
    t.equal(types[0], 'key');
    const { outbound } = await ann.stats();
    t.ok(outbound[0]!.pliCount > 0, 'asked for by the receiver');
  });

  await t.test('comes and goes beside the audio of its stream', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann', { settings: SMALL_VIDEO }), await room.join('bob')];
    run(endlessTone(440), await ann.publish({ name: 'Show', hasVideo: false }));
    const stream = await streamWith(bob, 'Show', { hasAudio: true, hasVideo: false });
    const subscriber = await bob.subscribe(stream);
    t.ok(await hears(subscriber.audio, 440));
    for (const [left, right] of [
      [60, 190],
      [200, 40],
    ] as const) {
      const on = once(bob, 'streamUpdated');
      const publisher = await ann.publish({ name: 'Show', hasAudio: false });
      run(endlessHalves(left, right), publisher);
      t.strictSame(await on, [stream]);
      t.equal(stream.hasVideo, true);
      await see(subscriber.video, left, right);
      const off = once(bob, 'streamUpdated');
      await ann.unpublish(publisher);
      await off;
      t.equal(stream.hasVideo, false);
    }
    t.ok(await hears(subscriber.audio, 440), 'which is heard all the time');
  });

  await t.test('and audio come and go together in one stream', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann', { settings: SMALL_VIDEO }), await room.join('bob')];
    for (const hz of [440, 880]) {
      const publisher = await ann.publish({ name: 'Both' });
      run(endlessTone(hz), publisher.audio);
      run(endlessHalves(90, 160), publisher.video);
      const stream = await streamWith(bob, 'Both', { hasAudio: true, hasVideo: true });
      const subscriber = await bob.subscribe(stream);
      const [heard] = await Promise.all([hears(subscriber.audio, hz), see(subscriber.video, 90, 160)]);
      t.ok(heard, `${hz} Hz`);
      const dropped = once(bob, 'streamDropped');
      await ann.unpublish();
      await dropped;
    }
  });
});
