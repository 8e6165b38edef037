import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import t from 'tap';
import type { EncodedAudioChunk, EncodedVideoChunk } from '../../src/media/encoded-chunk.js';
import type { VideoFrame } from '../../src/media/video-frame.js';
import { endlessPackets, endlessTone, hear, hears, listen, newRoom, numberOf, streamNamed } from './live-room.js';
import { picture } from './media.js';

/** What a pipeline that is ended from outside may reject with. */
function quietly(promise: Promise<unknown>): void {
  promise.catch(() => undefined);
}

t.test('media between sessions', async (t) => {
  await t.test('what one publishes another hears, left and right apart', async (t) => {
    const join = newRoom();
    const [ann, bob] = [await join('ann'), await join('bob')];
    quietly(pipeline(endlessTone([440, 1000]), await ann.publish({ name: 'Tones', hasVideo: false })));
    const subscriber = await bob.subscribe(await streamNamed(bob, 'Tones'), { subscribeToVideo: false });
    const heard = await listen(
      subscriber,
      400,
      ({ amplitude }) => amplitude(440, 0) > 6000 && amplitude(1000, 1) > 6000,
    );
    for (const [frequency, side] of [
      [440, 0],
      [1000, 1],
    ] as const) {
      const [here, there] = [heard.amplitude(frequency, side), heard.amplitude(frequency, 1 - side)];
      // At its bitrate Opus lets some of one channel into the other.
      t.ok(here > 6000 && here > 1.5 * there, `${frequency} Hz: ${here} here, ${there} on the other side`);
    }
    const stats = await bob.stats();
    t.match(stats.inbound, [{ kind: 'audio', streamId: subscriber.stream.streamId }]);
    t.ok(stats.inbound[0]!.packetsReceived > 20);
    t.ok(stats.inbound[0]!.jitter < 0.5 && stats.inbound[0]!.totalSamplesReceived! > 20 * 960);
    t.match(stats.candidatePairs, [{ direction: 'subscribe', state: 'succeeded' }]);
    const sent = await ann.stats();
    t.ok(sent.outbound[0]!.packetsSent > 20);
    t.match(sent.candidatePairs, [{ direction: 'publish', state: 'succeeded' }]);
    t.equal(sent.remoteInbound[0]?.ssrc, sent.outbound[0]!.ssrc);
    await Promise.all([ann.disconnect(), bob.disconnect()]);
  });

  await t.test('reading a session gives the mix of everyone else, in the format of its settings', async (t) => {
    const join = newRoom();
    const settings = { av: { audioSubscribersMix: { sampleRate: 16_000, numberOfChannels: 1 } } } as const;
    const [ann, bob, cid] = [await join('ann'), await join('bob'), await join('cid', { settings })];
    for (const [session, hz] of [
      [ann, 440],
      [bob, 700],
      [cid, 1200],
    ] as const) {
      quietly(pipeline(endlessTone(hz), await session.publish({ hasVideo: false })));
    }
    await Promise.all([streamNamed(cid, 'ann'), streamNamed(cid, 'bob')]);
    const other = cid.mix({ sampleRate: 48_000, numberOfChannels: 2 });
    let heard = await hear(cid, 300);
    // One of them may have been heard first.
    while (heard.amplitude(440) < 5000 || heard.amplitude(700) < 5000) heard = await hear(cid, 300);
    t.ok(heard.amplitude(1200) < 300, 'not what it sends itself');
    t.ok((await hear(other, 200)).amplitude(440, 1) > 5000, 'a second reader in a format of its own');
    await Promise.all([ann.disconnect(), bob.disconnect(), cid.disconnect()]);
  });

  await t.test('pipeline(session, publisher) is an echo', async (t) => {
    const join = newRoom();
    const [ann, bot] = [await join('ann'), await join('bot')];
    const echo = pipeline(bot, await bot.publish({ name: 'Echo', hasVideo: false }));
    quietly(pipeline(endlessTone(520), await ann.publish({ hasVideo: false })));
    const subscriber = await ann.subscribe(await streamNamed(ann, 'Echo'), { subscribeToVideo: false });
    t.ok(await hears(subscriber.audio, 520));
    await bot.disconnect();
    await echo;
    await ann.disconnect();
  });

  await t.test('encoded audio passes through to a third session, byte for byte', async (t) => {
    const join = newRoom();
    const [ann, bob, cid] = [await join('ann'), await join('bob'), await join('cid')];
    quietly(pipeline(endlessPackets(), await ann.publish({ hasVideo: false })));
    const relayed = await bob.subscribe(await streamNamed(bob, 'ann'), { encoded: true, subscribeToVideo: false });
    quietly(pipeline(relayed, await bob.publish({ name: 'Relay', hasVideo: false })));
    const subscriber = await cid.subscribe(await streamNamed(cid, 'Relay'), { encoded: true, subscribeToVideo: false });
    const numbers: number[] = [];
    for await (const chunk of subscriber as AsyncIterable<EncodedAudioChunk>) {
      if (chunk.data.length !== 40) continue;
      t.equal(chunk.data[39], 0x55, 'the payload');
      t.equal(chunk.duration, 20_000);
      if (numbers.push(numberOf(chunk)) === 20) break;
    }
    t.strictSame(
      numbers,
      numbers.map((_, i) => numbers[0]! + i),
      'every packet, in order',
    );
    await Promise.all([ann.disconnect(), bob.disconnect(), cid.disconnect()]);
  });

  await t.test('pictures arrive, raw and encoded, and a key frame comes when it is asked for', async (t) => {
    const join = newRoom();
    const settings = { av: { videoPublisher: { resolution: { width: 160, height: 120 }, fps: 20 } } };
    const [ann, bob] = [await join('ann', { settings }), await join('bob')];
    const size = { width: 160, height: 120 };
    const source = new Readable({
      objectMode: true,
      highWaterMark: 1,
      read() {
        this.push(picture(180, size));
      },
    });
    quietly(pipeline(source, await ann.publish({ hasAudio: false })));
    const stream = await streamNamed(bob, 'ann');
    const raw = await bob.subscribe(stream, { subscribeToAudio: false });
    for await (const frame of raw as AsyncIterable<VideoFrame>) {
      const { data, width, height, format } = frame;
      if (Math.abs(data[5000]! - 180) > 8) continue;
      t.strictSame([width, height, format, data.length], [160, 120, 'YUV420P', 28_800]);
      break;
    }
    const encoded = await bob.subscribe(stream, { encoded: true, subscribeToAudio: false });
    const types: string[] = [];
    for await (const chunk of encoded as AsyncIterable<EncodedVideoChunk>) {
      types.push(chunk.type);
      t.equal(chunk.codec, 'vp8');
      if (types.length === 3) {
        encoded.requestKeyFrame();
        const [video] = (await bob.stats()).inbound;
        t.match(video, { kind: 'video', frameWidth: 160, frameHeight: 120, freezeCount: 0, packetsLost: 0 });
        t.ok(video!.framesReceived! >= 3 && video!.packetsReceived >= 3 && video!.framesPerSecond! > 0);
      }
      if (types.length > 3 && chunk.type === 'key') break;
    }
    t.equal(types[0], 'key', 'begins with what can be decoded');
    await Promise.all([ann.disconnect(), bob.disconnect()]);
  });

  await t.test('mediaBufferDrained comes when the buffer runs dry, and again only after it was filled', async (t) => {
    const join = newRoom();
    const ann = await join('ann');
    const publisher = await ann.publish({ hasVideo: false });
    const source = endlessTone(440);
    let drained = 0;
    publisher.on('mediaBufferDrained', () => drained++);
    for (let round = 1; round <= 2; round++) {
      const dry = once(publisher, 'mediaBufferDrained');
      for (let i = 0; i < 5; i++) publisher.write(source.read());
      t.ok(publisher.stats.audio!.durationMs > 0);
      t.strictSame(await dry, [{ audio: { durationMs: 0 } }, 'audio']);
      t.equal(drained, round);
    }
    t.equal(publisher.played, 200_000);
    await ann.disconnect();
  });

  await t.test('end() plays out what was written, then the stream goes', async (t) => {
    const join = newRoom();
    const [ann, bob] = [await join('ann'), await join('bob')];
    const publisher = await ann.publish({ hasVideo: false, highWaterMarkMs: 2000 });
    const stream = await streamNamed(bob, 'ann');
    const subscriber = await bob.subscribe(stream, { encoded: true, subscribeToVideo: false });
    const dropped = once(bob, 'streamDropped');
    const packets = endlessPackets();
    const chunks = subscriber.toArray();
    for (let i = 0; i < 30; i++) publisher.write(packets.read());
    publisher.end();
    t.strictSame(await dropped, [stream]);
    const numbers = ((await chunks) as EncodedAudioChunk[]).filter(({ data }) => data.length === 40).map(numberOf);
    t.ok(numbers.at(-1)! > 25, `${numbers.at(-1)}: only what was still on its way when the stream went may be missing`);
    await Promise.all([ann.disconnect(), bob.disconnect()]);
  });
});
