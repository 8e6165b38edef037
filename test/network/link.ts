import fc from 'fast-check';
import t from 'tap';
import type { LinkConditions } from '../support/network/conditions.js';
import { DeliveryQueue } from '../support/network/delivery-queue.js';
import { Link, type Verdict } from '../support/network/link.js';
import { LinkStatistics } from '../support/network/link-statistics.js';

/** Datagrams of 1000 bytes with headers, one every 10 ms. */
function run(link: Link, count: number, { fromMs = 0, everyMs = 10 } = {}): Verdict[] {
  return Array.from({ length: count }, (_, i) => link.send(972, (fromMs + i * everyMs) * 1000));
}

const lost = (verdicts: readonly Verdict[]): number => verdicts.filter(({ dropped }) => dropped).length;
/** How long each took that came, in ms. */
const latencies = (verdicts: readonly Verdict[]): number[] =>
  verdicts.flatMap(({ deliveriesUs }, i) => deliveriesUs.slice(0, 1).map((atUs) => atUs / 1000 - i * 10));

t.test('one direction of a network', async (t) => {
  t.test('does nothing without conditions', async (t) => {
    t.same(new Link(1).send(100, 5000), { dropped: undefined, deliveriesUs: [5000], queuedUs: 0, reordered: false });
  });

  t.test('loses a share, the same datagrams for the same seed', async (t) => {
    const verdicts = run(new Link(7, { loss: 0.05 }), 20_000);
    t.ok(Math.abs(lost(verdicts) / 20_000 - 0.05) < 0.005, `${lost(verdicts)} of 20000`);
    const numbersLost = (list: readonly Verdict[]): string =>
      list.flatMap(({ dropped }, i) => (dropped === undefined ? [] : i)).join();
    t.equal(numbersLost(run(new Link(7, { loss: 0.05 }), 1000)), numbersLost(verdicts.slice(0, 1000)));
    t.not(numbersLost(run(new Link(8, { loss: 0.05 }), 1000)), numbersLost(verdicts.slice(0, 1000)));
    const changed = new Link(7, { delayMs: 40, jitterMs: 30 });
    run(changed, 100);
    changed.set({ loss: 0.05 }, 1e6);
    const later = numbersLost(run(changed, 900, { fromMs: 1000 }));
    t.equal(later, numbersLost(verdicts.slice(100, 1000)), 'by number, not by history');
  });

  t.test('loses a share of its own during a burst only', async (t) => {
    const link = new Link(3);
    link.set({ burst: { loss: 1, durationMs: 50 } }, 100_000);
    const verdicts = run(link, 10, { fromMs: 100 });
    t.same(
      verdicts.map(({ dropped }) => dropped),
      ['burst', 'burst', 'burst', 'burst', 'burst', undefined, undefined, undefined, undefined, undefined],
    );
  });

  t.test('delays and spreads evenly, and keeps the order', async (t) => {
    t.same(latencies(run(new Link(1, { delayMs: 40 }), 3)), [40, 40, 40]);
    const all = latencies(run(new Link(1, { delayMs: 20, jitterMs: 8 }), 5000));
    t.ok(all.every((ms) => ms >= 20 && ms <= 28));
    t.ok(Math.abs(all.reduce((a, b) => a + b) / 5000 - 24) < 0.1, 'in the middle on average');
    const times = run(new Link(1, { jitterMs: 60 }), 1000).map(({ deliveriesUs }) => deliveriesUs[0]!);
    t.ok(times.every((at, i) => i === 0 || at >= times[i - 1]!));
  });

  t.test('lets others pass by those it reorders, and doubles', async (t) => {
    const verdicts = run(new Link(1, { delayMs: 5, reorder: 0.1, reorderMs: 25 }), 1000);
    const late = verdicts.filter(({ reordered }) => reordered).length;
    t.ok(late > 70 && late < 130, `${late} of 1000`);
    latencies(verdicts).forEach((ms, i) => {
      if (Math.abs(ms - (verdicts[i]!.reordered ? 30 : 5)) > 1e-6) t.fail(`number ${i} took ${ms} ms`);
    });
    const doubled = run(new Link(1, { duplicate: 0.2 }), 1000).filter(({ deliveriesUs }) => deliveriesUs.length === 2);
    t.ok(doubled.length > 150 && doubled.length < 250, `${doubled.length} of 1000`);
  });

  t.test('lets through no more than the rate, and drops what would wait too long', async (t) => {
    // 1000 bytes at 400 kbit/s take 20 ms, and come every 10 ms.
    const link = new Link(1, { rateBps: 400_000, queueMs: 100 });
    const verdicts = run(link, 100);
    t.same(
      verdicts.slice(0, 4).map(({ queuedUs }) => queuedUs / 1000),
      [20, 30, 40, 50],
    );
    const sent = verdicts.filter(({ dropped }) => dropped === undefined);
    t.ok(sent.every(({ queuedUs }) => queuedUs <= 120_000));
    t.ok(Math.abs(sent.length - 55) <= 1, `${sent.length}: 1 s and the queue at 50 a second`);
    t.ok(verdicts.every(({ dropped }) => dropped === undefined || dropped === 'queue'));
    link.set({ rateBps: undefined }, 2e6);
    t.equal(link.send(972, 2e6).queuedUs, 0, 'until the limit is taken away');
  });

  t.test('refuses conditions that cannot be meant', async (t) => {
    const bad: LinkConditions[] = [
      { loss: 1.5 },
      { delayMs: -1 },
      { rateBps: 0 },
      { burst: { loss: 0.2, durationMs: NaN } },
    ];
    for (const conditions of bad) t.throws(() => new Link(1, conditions), RangeError);
  });
});

t.test('statistics look back over a window', async (t) => {
  const link = new Link(5, { rateBps: 400_000, queueMs: 100, loss: 0.1 });
  const statistics = new LinkStatistics();
  for (let i = 0; i < 200; i++) statistics.add(link.send(972, i * 10_000), 972, i * 10_000);
  const { forwarded, bytes, dropped, bitsPerSecond, queueMs } = statistics.read(2e6, 1000);
  t.equal(forwarded + dropped.loss + dropped.queue, 200);
  t.equal(bytes, forwarded * 972);
  t.ok(Math.abs(bitsPerSecond - 50 * 972 * 8) <= 972 * 8, `${bitsPerSecond}`);
  t.ok(queueMs.p50 > 100 && queueMs.p50 <= queueMs.p90 && queueMs.p90 <= queueMs.p99 && queueMs.p99 <= 120);
  t.match(statistics.read(10e6, 1000), { forwarded, bitsPerSecond: 0, queueMs: { p99: 0 } });
});

t.test('deliveries come by time, then by order', async (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(50)), (times) => {
      const queue = new DeliveryQueue<readonly [number, number]>();
      times.forEach((at, i) => {
        queue.push(at, [at, i]);
      });
      const taken: (readonly [number, number])[] = [];
      for (let now = 0; now <= 50; now++) {
        for (let next = queue.take(now); next; next = queue.take(now)) {
          if (next[0] !== now) throw new Error('not in time');
          taken.push(next);
        }
      }
      const wanted = times.map((at, i) => [at, i] as const).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      t.strictSame(taken, wanted);
    }),
  );
});
