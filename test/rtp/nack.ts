import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { NackGenerator } from '../../src/engine/rtp/nack.js';

const ms = 1000;

t.test('asks after a little reordering, repeats at the round trip, stops when it came', (t) => {
  const nack = new NackGenerator();
  nack.receive(65535, 0);
  nack.receive(65537, 0);
  t.same(nack.poll(0), [], 'one later packet may be reordering');
  nack.receive(65538, 1 * ms);
  t.same(nack.poll(1 * ms), [65536]);
  t.same(nack.poll(15 * ms), []);
  t.same(nack.poll(21 * ms), [65536]);
  t.same(nack.poll(45 * ms, 40 * ms), [], 'a round trip of 40 ms');
  t.same(nack.poll(61 * ms, 40 * ms), [65536]);
  t.same(nack.poll(112 * ms, 900 * ms), [65536], 'but never longer than 50 ms');
  nack.receive(65536, 113 * ms);
  t.same(nack.poll(500 * ms), []);
  t.match(nack, { missing: 1, recovered: 1, givenUp: 0, pending: 0, requested: 4 });
  nack.receive(65540, 600 * ms);
  t.same(nack.poll(609 * ms), []);
  t.same(nack.poll(610 * ms), [65539], 'without later packets it is asked for after 10 ms');
  t.equal(nack.takeKeyFrameRequest(), false);
  t.end();
});

t.test('gives up after ten requests, after a second, and far behind', (t) => {
  const nack = new NackGenerator();
  nack.receive(0, 0);
  nack.receive(3, 0);
  let asked = 0;
  for (let at = 10; at <= 400; at += 10) asked += nack.poll(at * ms).length;
  t.equal(asked, 20);
  t.same(nack.takeGivenUp(), [1, 2]);
  t.same(nack.takeGivenUp(), []);
  t.equal(nack.takeKeyFrameRequest(), true);
  t.equal(nack.takeKeyFrameRequest(), false);
  nack.receive(5, 0);
  nack.poll(1000 * ms);
  t.same(nack.takeGivenUp(), [4]);
  nack.receive(7, 1000 * ms);
  for (let at = 8; at <= 1007; at++) nack.receive(at, 1000 * ms);
  t.same(nack.takeGivenUp(), [6], 'more than 1000 behind');
  nack.receive(5000, 1000 * ms);
  t.same(nack.poll(1100 * ms), [], 'a gap too large to fill');
  t.match(nack, { missing: 3992 + 4, givenUp: 3992 + 4, pending: 0 });
  t.equal(nack.takeKeyFrameRequest(), true);
  t.end();
});

t.test('a request fits a datagram', (t) => {
  const nack = new NackGenerator();
  nack.receive(0, 0);
  nack.receive(1000, 0);
  const first = nack.poll(20 * ms);
  t.equal(first.length, 200);
  t.equal(nack.poll(20 * ms)[0], 201);
  t.end();
});

t.test('missing = recovered + given up + pending, and nothing is asked for that came', (t) => {
  const event = fc.record({ step: fc.integer({ min: -60, max: 30 }), waitMs: fc.integer({ min: 0, max: 30 }) });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 400 }), (events) => {
      const nack = new NackGenerator({ maxBehind: 50 });
      const received = new Set<number>([0]);
      nack.receive(0, 0);
      let highest = 0;
      let nowUs = 0;
      for (const { step, waitMs } of events) {
        const sequence = Math.max(0, highest + step);
        nowUs += waitMs * ms;
        highest = Math.max(highest, sequence);
        received.add(sequence);
        nack.receive(sequence, nowUs);
        for (const wanted of nack.poll(nowUs))
          assert.ok(!received.has(wanted) && wanted < highest && wanted >= highest - 50);
        assert.equal(nack.missing, nack.recovered + nack.givenUp + nack.pending);
        assert.ok(nack.pending <= 50);
      }
      nack.reset();
      assert.equal(nack.missing, nack.recovered + nack.givenUp);
    }),
  );
  t.end();
});
