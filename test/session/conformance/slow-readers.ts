import type { Readable } from 'node:stream';
import type { EncodedAudioChunk, Overflow, VideoFrame } from '../../../src/index.js';
import { readPattern } from '../../../src/media/pattern.js';
import { testPattern } from '../../../src/nodes.js';
import { endlessPackets, numberOf, streamNamed } from '../live-room.js';
import { run } from './content.js';
import { onEveryServer } from './servers.js';

const PATTERN = { resolution: { width: 192, height: 128 }, fps: 20 } as const;
const SLOWNESS = 10;

/** Reads all of one stream, and of another stream one value for so many of the first. Gives how far behind each of those was. */
async function readSlowly(
  fast: Readable,
  slow: Readable,
  numberIn: (value: unknown) => number | undefined,
  values: number,
): Promise<{ numbers: number[]; behind: number[] }> {
  const [numbers, behind]: [number[], number[]] = [[], []];
  const reading = (slow as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  let count = 0;
  for await (const value of fast.iterator({ destroyOnReturn: false }) as AsyncIterable<unknown>) {
    const newest = numberIn(value);
    if (newest === undefined || count++ % SLOWNESS !== 0) continue;
    const number = numberIn((await reading.next()).value);
    if (number !== undefined) {
      numbers.push(number);
      behind.push(newest - number);
    }
    if (count >= values) break;
  }
  return { numbers, behind };
}

onEveryServer('a reader that is ten times too slow', async (t, lab) => {
  await t.test('loses the oldest packets, each of which is told of, and no more wait than may', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann'), await room.join('bob')];
    run(endlessPackets(), await ann.publish({ hasVideo: false }));
    const stream = await streamNamed(bob, 'ann');
    const settings = { encoded: true, subscribeToVideo: false } as const;
    const fast = await bob.subscribe(stream, settings);
    const slow = await bob.subscribe(stream, { ...settings, maxLagMs: 200 });
    let told = 0;
    slow.on('overflow', ({ kind, values, durationMs }: Overflow) => {
      if (kind === 'audio' && durationMs === values * 20) told += values;
    });
    const numberIn = (value: unknown): number | undefined => {
      const chunk = value as EncodedAudioChunk;
      return chunk.data.length === 40 ? numberOf(chunk) : undefined;
    };
    const { numbers, behind } = await readSlowly(fast, slow, numberIn, 300);
    // Ten that wait in the engine, five in the Readable, which go at a tenth of the speed that they came at.
    const most = 10 + 5 * SLOWNESS + 5;
    t.ok(Math.max(...behind) <= most, `${Math.max(...behind)} packets behind at most`);
    const gaps = numbers.slice(1).map((number, i) => number - numbers[i]! - 1);
    t.ok(
      gaps.every((gap) => gap >= 0),
      'in order',
    );
    const missing = gaps.reduce((sum, gap) => sum + gap, 0);
    const { dropped, delivered, received, held } = slow.stats.audio!;
    t.equal(received, delivered + dropped + held);
    t.equal(told, dropped);
    t.ok(missing > 150 && missing <= dropped, `${missing} missing so far, of ${dropped} that were dropped`);
    t.ok(dropped - missing <= most, 'and the others are yet to be missed');
  });

  await t.test('gets the newest pictures, and those that it misses are told of', async (t) => {
    const room = lab.room(t);
    const ann = await room.join('ann', { settings: { av: { videoPublisher: PATTERN } } });
    const bob = await room.join('bob');
    const { resolution, fps } = PATTERN;
    run(testPattern({ ...resolution, fps, live: true }), await ann.publish({ hasAudio: false }));
    const stream = await streamNamed(bob, 'ann');
    const fast = await bob.subscribe(stream, { subscribeToAudio: false });
    const slow = await bob.subscribe(stream, { subscribeToAudio: false, maxLagMs: 200 });
    let told = 0;
    slow.on('overflow', ({ values }: Overflow) => (told += values));
    const { numbers, behind } = await readSlowly(fast, slow, (value) => readPattern(value as VideoFrame), 120);
    // The Readable has two pictures of its own.
    const latest = behind.slice(4);
    t.ok(Math.max(...latest) <= 3 * SLOWNESS + 4, `${Math.max(...latest)} pictures behind at most`);
    t.ok(
      numbers.every((number, i) => i === 0 || number > numbers[i - 1]!),
      'in order, none twice',
    );
    const { dropped, delivered, received, held } = slow.stats.video!;
    t.equal(received, delivered + dropped + held);
    t.equal(told, dropped);
    t.ok(dropped > 50, `${dropped} dropped of ${received}`);
  });
});
