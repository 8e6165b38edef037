import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import t from 'tap';
import type { AudioData } from '../../src/media/audio-data.js';
import type { EncodedAudioChunk } from '../../src/media/encoded-chunk.js';
import { endlessPackets, endlessTone, isLoud, newRoom, numberOf, streamNamed } from './live-room.js';

t.test('limits between sessions', async (t) => {
  await t.test('a slow reader loses the oldest beyond maxLagMs: in = out + dropped + held', async (t) => {
    const join = newRoom();
    const [ann, bob] = [await join('ann'), await join('bob')];
    const piped = t.rejects(pipeline(endlessPackets(), await ann.publish({ hasVideo: false })), {
      code: 'SLUICE_SESSION_CLOSED',
    });
    const subscriber = await bob.subscribe(await streamNamed(bob, 'ann'), {
      encoded: true,
      subscribeToVideo: false,
      maxLagMs: 200,
    });
    // The first number that comes, and then nothing is read for a while.
    const iterator = (subscriber as AsyncIterable<EncodedAudioChunk>)[Symbol.asyncIterator]();
    let first = (await iterator.next()).value as EncodedAudioChunk;
    while (first.data.length !== 40) first = (await iterator.next()).value as EncodedAudioChunk;
    let overflows = 0;
    while (subscriber.stats.audio!.dropped < 20) {
      await once(subscriber, 'overflow');
      overflows++;
    }
    const { dropped, droppedMs, delivered, held } = subscriber.stats.audio!;
    t.ok(overflows > 0 && held <= 5, `${held} held here`);
    t.equal(droppedMs, dropped * 20);
    const numbers = [numberOf(first)];
    while (numbers.length < 12 + held) numbers.push(numberOf((await iterator.next()).value as EncodedAudioChunk));
    const gaps = numbers.slice(1).map((number, i) => number - numbers[i]! - 1);
    t.equal(
      gaps.slice(0, held).every((gap) => gap === 0),
      true,
      'what was held comes first',
    );
    const missing = gaps.reduce((sum, gap) => sum + gap, 0);
    t.equal(subscriber.stats.audio!.dropped, missing, 'what is missing is what was counted');
    t.ok(delivered >= 1);
    await ann.disconnect();
    await piped;
    await bob.disconnect();
  });

  await t.test('a writer that is faster than time is held back, and nothing of it is lost', async (t) => {
    const join = newRoom();
    const [ann, bob] = [await join('ann'), await join('bob')];
    const publisher = await ann.publish({ hasVideo: false, highWaterMarkMs: 100 });
    const subscriber = await bob.subscribe(await streamNamed(bob, 'ann'), { encoded: true, subscribeToVideo: false });
    const chunks = subscriber.toArray();
    const packets = endlessPackets();
    let most = 0;
    const source = new Readable({
      objectMode: true,
      highWaterMark: 1,
      read() {
        most = Math.max(most, publisher.stats.audio!.durationMs);
        const packet = packets.read() as EncodedAudioChunk;
        this.push(numberOf(packet) < 40 ? packet : null);
      },
    });
    await pipeline(source, publisher);
    t.ok(most > 60 && most <= 100, `${most} ms`);
    const numbers = ((await chunks) as EncodedAudioChunk[]).filter(({ data }) => data.length === 40).map(numberOf);
    t.strictSame(
      numbers,
      numbers.map((_, i) => numbers[0]! + i),
      'no gap',
    );
    t.ok(numbers.at(-1)! > 35, `${numbers.at(-1)}: only what was still on its way when the stream went may be missing`);
    await Promise.all([ann.disconnect(), bob.disconnect()]);
  });

  await t.test(
    'a main thread that stands still for a second leaves no gap, where that much was buffered',
    async (t) => {
      const join = newRoom();
      const [ann, bob] = [await join('ann'), await join('bob')];
      const publisher = await ann.publish({ hasVideo: false, highWaterMarkMs: 1500 });
      const subscriber = await bob.subscribe(await streamNamed(bob, 'ann'), {
        subscribeToVideo: false,
        maxLagMs: 3000,
      });
      const iterator = (subscriber as AsyncIterable<AudioData>)[Symbol.asyncIterator]();
      const piped = t.rejects(pipeline(endlessTone(440), publisher), { code: 'SLUICE_SESSION_CLOSED' });
      while (!isLoud((await iterator.next()).value as AudioData));
      while (publisher.stats.audio!.durationMs < 1400) await iterator.next();
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
      const quiet: number[] = [];
      for (let i = 0; i < 90; i++) {
        const chunk = (await iterator.next()).value as AudioData;
        if (!isLoud(chunk)) quiet.push(i);
      }
      t.strictSame(quiet, []);
      t.equal(subscriber.stats.audio!.dropped, 0);
      await ann.disconnect();
      await piped;
      await bob.disconnect();
    },
  );

  await t.test('clear() silences what was written', async (t) => {
    const join = newRoom();
    const [ann, bob] = [await join('ann'), await join('bob')];
    const publisher = await ann.publish({ hasVideo: false, highWaterMarkMs: 10_000 });
    const subscriber = await bob.subscribe(await streamNamed(bob, 'ann'), { encoded: true, subscribeToVideo: false });
    const packets = endlessPackets();
    for (let i = 0; i < 400; i++) publisher.write(packets.read());
    const numbers: number[] = [];
    let cleared = false;
    for await (const chunk of subscriber as AsyncIterable<EncodedAudioChunk>) {
      if (chunk.data.length !== 40) continue;
      numbers.push(numberOf(chunk));
      if (!cleared && numbers.length === 5) {
        cleared = true;
        publisher.clear();
        t.equal(publisher.stats.audio!.durationMs, 0);
        publisher.write(packets.read());
      }
      if (numbers.at(-1) === 400) break;
    }
    t.ok(numbers.length < 100, `${numbers.length} of 401 were sent`);
    await Promise.all([ann.disconnect(), bob.disconnect()]);
  });
});
