import { once } from 'node:events';
import type { EncodedAudioChunk } from '../../../src/index.js';
import { endlessPackets, numberOf, streamNamed } from '../live-room.js';
import { onEveryCluster } from './clusters.js';
import { Room } from './lab.js';
import { write } from './meters.js';

const PACKET_MS = 20;
const BUFFER_MS = 5_000;

onEveryCluster('what waits to be sent', async (t, cluster) => {
  for (const [how, leave] of [
    ['says that it goes away', 'shutDown'],
    ['is killed', 'kill'],
  ] as const) {
    await t.test(`is sent at the next server when one ${how}`, async (t) => {
      const [first, second] = await cluster.pair(t);
      await first.start();
      const room = new Room(t, [first, second]);
      const [ann, bob] = [await room.join('ann'), await room.join('bob')];
      const publisher = await ann.publish({ name: 'Packets', hasVideo: false, highWaterMarkMs: BUFFER_MS });
      const stream = await streamNamed(bob, 'Packets');
      const subscriber = await bob.subscribe(stream, { subscribeToVideo: false, encoded: true });
      const numbers: number[] = [];
      subscriber.on('data', (chunk: EncodedAudioChunk) => {
        if (chunk.data.length === 40) numbers.push(numberOf(chunk));
      });
      write(endlessPackets(), publisher);
      while (numbers.length < 25) await once(subscriber, 'data');
      await second.start();

      const migrating = once(ann, 'migrating');
      const moved = [ann, bob].map((session) => once(session, 'migrated'));
      first[leave]();
      await migrating;
      const [playedUs, waitingMs] = [publisher.played, publisher.stats.audio?.durationMs ?? 0];
      const sent = Math.round(playedUs / 1000 / PACKET_MS);
      t.ok(waitingMs > BUFFER_MS - 100, `${waitingMs} ms wait`);
      await Promise.all(moved);
      const last = sent + BUFFER_MS / PACKET_MS;
      while ((numbers.at(-1) ?? 0) < last) await once(subscriber, 'data');
      const missing = missed(numbers).filter((number) => number < last);
      const lost = missing.filter((number) => number >= sent);
      t.comment(
        `${cluster.name}: ${sent} packets had left when the session began to move, ${missing.length - lost.length} of them ` +
          `came to nobody, and ${lost.length} of those that left later, before both were there`,
      );
      t.strictSame(
        numbers,
        [...new Set(numbers)].sort((a, b) => a - b),
        'none came twice, and all in their order',
      );
      t.strictSame(lost, range(sent, sent + lost.length), 'what was lost is what left first');
      t.ok(publisher.played > playedUs);
    });
  }
});

/** Numbers that are missing in between. */
function missed(numbers: readonly number[]): number[] {
  const there = new Set(numbers);
  return range(numbers[0] ?? 0, numbers.at(-1) ?? 0).filter((number) => !there.has(number));
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
