import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { setImmediate as turn } from 'node:timers/promises';
import type { Test } from 'tap';
import { Readable } from 'node:stream';
import type { AudioData, EncodedAudioChunk, Publisher, Session } from '../../../src/index.js';
import { endlessPackets, endlessTone, hear, hears, isLoud, listen, numberOf, streamNamed } from '../live-room.js';
import { SMALL_VIDEO, endlessHalves, loudMsIn, atBest, run } from './content.js';
import type { Playout } from '../../../src/media/playout.js';
import { onEveryBackend, onEveryServer } from './servers.js';

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
});

onEveryBackend('the buffers of a publisher', async (t, lab) => {
  await t.test('are counted at once, tell once when they run dry, and tell what was played', async (t) => {
    const room = lab.room(t);
    const ann = await room.join('ann');
    const publisher = await ann.publish({ name: 'Bot', hasVideo: false });
    const source = endlessTone(440);
    let drained = 0;
    publisher.on('mediaBufferDrained', () => drained++);
    for (let round = 1; round <= 2; round++) {
      const dry = once(publisher, 'mediaBufferDrained');
      for (let i = 0; i < 5; i++) publisher.write(source.read());
      t.ok(isNear(heldAndPlayedMs(publisher), round * 100), `${heldAndPlayedMs(publisher)} ms were written`);
      t.strictSame(await dry, [{ audio: { durationMs: 0 } }, 'audio']);
      t.equal(drained, round);
      t.equal(publisher.played, round * 100_000);
    }
  });

  await t.test('of pictures tell once when they run dry as well', async (t) => {
    const room = lab.room(t);
    const ann = await room.join('ann', { settings: SMALL_VIDEO });
    const publisher = await ann.publish({ name: 'Show', hasAudio: false });
    const source = endlessHalves(60, 190);
    for (let round = 1; round <= 2; round++) {
      const dry = once(ann, 'mediaBufferDrained');
      for (let i = 0; i < 4; i++) publisher.write(source.read());
      const { durationMs } = publisher.stats.video!;
      t.ok(durationMs > 0 && durationMs <= 200, `${durationMs} ms wait`);
      t.strictSame(await dry, [{ video: { durationMs: 0 } }, 'video', publisher]);
    }
  });

  await t.test('hold no more than what has not been heard', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann'), await room.watch()];
    const publisher = await ann.publish({ name: 'Bot', hasVideo: false, highWaterMarkMs: 5000 });
    const subscriber = await bob.subscribe(await streamNamed(bob, 'Bot'), { encoded: true, subscribeToVideo: false });
    // The packets of the tone are large.
    let packets = 0;
    const errorsMs: number[] = [];
    const measured = new Promise<void>((resolve) => {
      subscriber.on('data', ({ data }: EncodedAudioChunk) => {
        if (data.length < 20) return;
        packets++;
        const leftMs = 2000 - publisher.stats.audio!.durationMs;
        errorsMs.push(leftMs - packets * 20);
        if (packets === 90) resolve();
      });
    });
    await once(subscriber, 'data');
    const source = endlessTone(440);
    for (let i = 0; i < 100; i++) publisher.write(source.read());
    t.ok(isNear(heldAndPlayedMs(publisher), 2000), `${heldAndPlayedMs(publisher)} ms were written`);
    if (lab.name !== 'Vonage') await countsWhatIsSent(t, ann, publisher);
    await measured;
    t.ok(Math.min(...errorsMs) >= -20, `what was heard has left: ${Math.min(...errorsMs)} ms at least`);
  });

  await t.test('are emptied by clear(): the tone ends at once, and what follows is heard', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann'), await room.watch()];
    const publisher = await ann.publish({ name: 'Bot', hasVideo: false, highWaterMarkMs: 20_000 });
    const stream = await streamNamed(bob, 'Bot');
    const packets = await bob.subscribe(stream, { encoded: true, subscribeToVideo: false });
    const subscriber = await bob.subscribe(stream, { subscribeToVideo: false });
    const [low, high] = [endlessTone(440), endlessTone(1200)];
    const came: EncodedAudioChunk[] = [];
    packets.on('data', (packet: EncodedAudioChunk) => came.push(packet));
    await once(packets, 'data');
    const { sentMs, heardMs } = await atBest(
      async () => {
        came.length = 0;
        const beganUs = publisher.played;
        for (let i = 0; i < 500; i++) publisher.write(low.read());
        t.ok(await hears(subscriber, 440));
        const sentMs = (publisher.played - beganUs) / 1000;
        publisher.clear();
        t.equal(publisher.stats.audio!.durationMs, 0);
        await once(publisher, 'mediaBufferDrained');
        await silent(subscriber);
        return { sentMs, heardMs: await loudMsIn(came) };
      },
      (one) => one.heardMs <= one.sentMs + 60,
    );
    t.ok(heardMs <= sentMs + 60, `${heardMs} ms of the tone are heard, ${sentMs} had been sent`);
    for (let i = 0; i < 200; i++) publisher.write(high.read());
    const heard = await listen(subscriber, 200, ({ amplitude }) => amplitude(1200) > 7000 && amplitude(440) < 500);
    t.ok(heard.amplitude(1200) > 7000 && heard.amplitude(440) < 500, 'ten seconds of it would have come first');
  });

  for (const into of lab.name === 'Vonage' ? [] : (['a publisher', 'its audio'] as const)) {
    await t.test(
      `tell a source that is piped into ${into} how far it was played, to the packet, when it is cut`,
      async (t) => {
        const room = lab.room(t);
        const [ann, bob] = [await room.join('ann'), await room.watch()];
        const publisher = await ann.publish({ name: 'Bot', hasVideo: false, highWaterMarkMs: 2000 });
        const subscriber = await bob.subscribe(await streamNamed(bob, 'Bot'), {
          encoded: true,
          subscribeToVideo: false,
        });
        const seen: number[] = [];
        const heard = new Map<number, () => void>();
        subscriber.on('data', (chunk: EncodedAudioChunk) => {
          if (chunk.data.length !== 40) return;
          seen.push(numberOf(chunk));
          heard.get(numberOf(chunk))?.();
        });
        const packets = endlessPackets();
        let playout: Playout | undefined;
        const source = Object.assign(new Readable({ objectMode: true, read: () => undefined }), {
          playedBy: (by: Playout | undefined) => (playout = by),
        });
        run(source, into === 'its audio' ? publisher.audio : publisher);
        if (!playout) throw new Error('it was not told');
        let [first, given] = [0, 80];
        for (const count of [25, 40]) {
          const wanted = first + count;
          const reached = new Promise<void>((resolve) => heard.set(wanted, resolve));
          for (let i = 0; i < 80; i++) source.push(packets.read());
          await reached;
          const cutUs = await playout.cut();
          t.equal(playout.playedUs(), 0, 'what comes now counts from the beginning');
          // One more, so that all before it have come.
          source.push(packets.read());
          const marker = first + given;
          await new Promise<void>((resolve) => heard.set(marker, resolve));
          t.equal(seen.at(-2), first + cutUs / 20_000 - 1, `${cutUs} µs had left, from ${first}`);
          // It counts already.
          [first, given] = [marker, 81];
        }
        source.push(null);
        await finished(publisher);
      },
    );
  }

  await t.test('take audio when the session says so, which it does after publish()', async (t) => {
    const room = lab.room(t);
    const ann = await room.join('ann');
    let ready = 0;
    ann.on('readyForAudio', () => ready++);
    const pictures = await ann.publish({ name: 'Pictures', hasAudio: false });
    await pictures.close();
    t.equal(ready, 0);
    await ann.publish({ name: 'Voice', hasVideo: false });
    t.equal(ready, 0);
    await once(ann, 'readyForAudio');
    t.equal(ready, 1);
  });
});

/** What was written, in ms: a beat may come between the two. */
function heldAndPlayedMs(publisher: Publisher): number {
  return publisher.stats.audio!.durationMs + publisher.played / 1000;
}

function isNear(ms: number, wantedMs: number): boolean {
  return Math.abs(ms - wantedMs) <= 20;
}

/** What the buffer lost while packets were sent, between two moments that are known to the length of a call each. */
async function countsWhatIsSent(t: Test, session: Session, publisher: Publisher): Promise<void> {
  const heldMs = (): number => publisher.stats.audio!.durationMs;
  const look = async (): Promise<{ most: number; least: number; packets: number }> => {
    const most = heldMs();
    const { outbound } = await session.stats();
    return { most, least: heldMs(), packets: outbound[0]!.packetsSent };
  };
  const first = await look();
  const half = publisher.played + 800_000;
  while (publisher.played < half) await turn();
  const second = await look();
  const sentMs = (second.packets - first.packets) * 20;
  const [least, most] = [first.least - second.most, first.most - second.least];
  t.ok(sentMs >= least - 20 && sentMs <= most + 20, `${least} to ${most} ms less are held when ${sentMs} ms are sent`);
}

/** Reads until 200 ms of silence have come. */
async function silent(readable: Readable): Promise<void> {
  let ms = 0;
  for await (const chunk of readable.iterator({ destroyOnReturn: false }) as AsyncIterable<AudioData>) {
    ms = isLoud(chunk) ? 0 : ms + 20;
    if (ms >= 200) return;
  }
}

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
