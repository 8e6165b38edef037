import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { shareBitrate } from '../../src/engine/bitrate-share.js';

t.test('everyone gets the least it needs, then parts by weight, and what one leaves is for the others', (t) => {
  const demand = (minBps: number, maxBps: number, weight = 1) => ({ minBps, maxBps, weight });
  t.same(shareBitrate(1000, []), []);
  t.same(shareBitrate(1000, [demand(100, 5000), demand(100, 5000)]), [500, 500]);
  t.same(shareBitrate(1000, [demand(100, 5000, 3), demand(100, 5000, 1)]), [700, 300]);
  t.same(shareBitrate(1000, [demand(100, 200), demand(100, 5000), demand(0, 0)]), [200, 800, 0]);
  t.same(shareBitrate(100, [demand(100, 5000), demand(100, 5000)]), [100, 100], 'the least even where it is not there');
  t.same(shareBitrate(9000, [demand(0, 1000), demand(500, 2000)]), [1000, 2000]);
  t.end();
});

t.test('nothing is left while somebody has use for it', (t) => {
  const demand = fc
    .tuple(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 1, max: 9 }))
    .map(([minBps, more, weight]) => ({ minBps, maxBps: minBps + more, weight }));
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 20_000 }), fc.array(demand, { maxLength: 8 }), (totalBps, demands) => {
      const shares = shareBitrate(totalBps, demands);
      const sum = shares.reduce((all, one) => all + one, 0);
      const least = demands.reduce((all, { minBps }) => all + minBps, 0);
      const most = demands.reduce((all, { maxBps }) => all + maxBps, 0);
      for (const [at, { minBps, maxBps }] of demands.entries()) {
        assert.ok(shares[at]! >= minBps - 1e-6 && shares[at]! <= maxBps + 1e-6);
      }
      assert.ok(Math.abs(sum - Math.min(most, Math.max(least, totalBps))) <= 2);
    }),
  );
  t.end();
});
