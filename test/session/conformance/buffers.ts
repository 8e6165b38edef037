import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import type { EncodedAudioChunk } from '../../../src/index.js';
import { endlessPackets, endlessTone, hear, hears, listen, numberOf, streamNamed } from '../live-room.js';
import { run } from './content.js';
import { onEveryServer } from './servers.js';

/** Numbered packets among those of silence. */
const numbersIn = (chunks: readonly EncodedAudioChunk[]): number[] =>
  chunks.filter(({ data }) => data.length === 40).map(numberOf);

onEveryServer('what is written', async (t, lab) => {
  await t.test('encoded comes out byte for byte and in order', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann'), await room.join('bob')];
    run(endlessPackets(), await ann.publish({ hasVideo: false }));
    const subscriber = await bob.subscribe(await streamNamed(bob, 'ann'), { encoded: true, subscribeToVideo: false });
    const chunks: EncodedAudioChunk[] = [];
    for await (const chunk of subscriber as AsyncIterable<EncodedAudioChunk>) {
      if (chunk.data.length === 40 && chunks.push(chunk) === 25) break;
    }
    const numbers = numbersIn(chunks);
    t.strictSame(
      numbers,
      numbers.map((_, i) => numbers[0]! + i),
    );
    t.ok(chunks.every(({ data, duration }) => data[39] === 0x55 && duration === 20_000));
  });

  await t.test('before the stream is open is kept, and sent from its beginning', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann'), await room.join('bob')];
    const came = streamNamed(bob, 'ann');
    const chunks: EncodedAudioChunk[] = [];
    const reading = came.then(async (stream) => {
      const subscriber = await bob.subscribe(stream, { encoded: true, subscribeToVideo: false });
      subscriber.on('data', (chunk: EncodedAudioChunk) => chunks.push(chunk));
      await finished(subscriber);
    });
    const publisher = await ann.publish({ hasVideo: false, highWaterMarkMs: 5000 });
    const packets = endlessPackets();
    await came;
    for (let i = 0; i < 40; i++) publisher.write(packets.read());
    publisher.end();
    await reading;
    const numbers = numbersIn(chunks);
    t.strictSame(
      numbers,
      numbers.map((_, i) => numbers[0]! + i),
      'without a gap',
    );
    t.ok(
      numbers.at(-1)! >= 37,
      `to its end, but for what was still on its way when the stream went: ${numbers.at(-1)}`,
    );
  });

  await t.test('is counted while it waits, drains once, and is played', async (t) => {
    const room = lab.room(t);
    const ann = await room.join('ann');
    const publisher = await ann.publish({ hasVideo: false });
    const source = endlessTone(440);
    for (let round = 1; round <= 2; round++) {
      const dry = once(publisher, 'mediaBufferDrained');
      for (let i = 0; i < 5; i++) publisher.write(source.read());
      const { durationMs } = publisher.stats.audio!;
      t.ok(durationMs > 0 && durationMs <= 100, `${durationMs} ms wait`);
      t.strictSame(await dry, [{ audio: { durationMs: 0 } }, 'audio']);
      t.equal(publisher.played, round * 100_000);
    }
  });

  await t.test('is dropped by clear(), and what follows is heard at once', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann'), await room.join('bob')];
    const publisher = await ann.publish({ hasVideo: false, highWaterMarkMs: 20_000 });
    const subscriber = await bob.subscribe(await streamNamed(bob, 'ann'), { subscribeToVideo: false });
    const [low, high] = [endlessTone(440), endlessTone(1200)];
    for (let i = 0; i < 500; i++) publisher.write(low.read());
    t.ok(await hears(subscriber, 440));
    publisher.clear();
    t.equal(publisher.stats.audio!.durationMs, 0);
    t.ok(publisher.played < 4_000_000, `${publisher.played} µs played`);
    for (let i = 0; i < 200; i++) publisher.write(high.read());
    const heard = await listen(subscriber, 200, ({ amplitude }) => amplitude(1200) > 7000 && amplitude(440) < 500);
    t.ok(heard.amplitude(1200) > 7000 && heard.amplitude(440) < 500, 'ten seconds of it would have come first');
  });
});

onEveryServer('statistics', async (t, lab) => {
  await t.test('count what was sent and what came', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann'), await room.join('bob')];
    run(endlessTone(440), await ann.publish({ hasVideo: false }));
    const subscriber = await bob.subscribe(await streamNamed(bob, 'ann'), { subscribeToVideo: false });
    await hear(subscriber, 500);
    const [outbound] = (await ann.stats()).outbound;
    const { inbound } = await bob.stats();
    t.match(inbound, [{ kind: 'audio', streamId: subscriber.stream.streamId, packetsLost: 0 }]);
    t.ok(inbound[0]!.packetsReceived > 20 && inbound[0]!.packetsReceived <= outbound!.packetsSent);
    t.ok(inbound[0]!.bytesReceived > 20 * 100, `${inbound[0]!.bytesReceived} bytes`);
    t.equal(outbound!.kind, 'audio');
  });
});
