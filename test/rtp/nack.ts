import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { NackGenerator } from '../../src/engine/rtp/nack.js';

const ms = 1000;

t.test('asks after a little reordering, repeats twice in a round trip, stops when it came', (t) => {
  const nack = new NackGenerator();
  nack.receive(65535, 0);
  nack.receive(65537, 0);
  t.same(nack.poll(0), [], 'one later packet may be reordering');
  nack.receive(65538, 1 * ms);
  t.same(nack.poll(1 * ms), [65536]);
  t.same(nack.poll(15 * ms), []);
  t.same(nack.poll(21 * ms), [65536]);
  t.same(nack.poll(45 * ms, 60 * ms), [], 'a round trip of 60 ms');
  t.same(nack.poll(54 * ms, 60 * ms), [65536]);
  t.same(nack.poll(87 * ms, 60 * ms), [65536]);
  t.same(nack.poll(300 * ms, 900 * ms), [], 'or half of a very long way');
  nack.receive(65536, 313 * ms);
  t.same(nack.poll(500 * ms), []);
  t.match(nack, { missing: 1, recovered: 1, givenUp: 0, pending: 0, requested: 4 });
  nack.receive(65540, 600 * ms);
  t.same(nack.poll(604 * ms), []);
  t.equal(nack.nextUs(), 600 * ms + nack.reorderUs);
  t.same(nack.poll(605 * ms), [65539], 'without later packets it is asked for after 5 ms');
  t.equal(nack.nextUs(), 625 * ms);
  t.equal(nack.takeKeyFrameRequest(), false);
  nack.receive(65539, 606 * ms, true);
  t.equal(nack.nextUs(), Infinity);
  t.end();
});

t.test('it learns how late packets come that are only out of order, and forgets it where they are lost', (t) => {
  const nack = new NackGenerator();
  let sequence = 0;
  let nowUs = 0;
  const overtake = (lateMs: number): number => {
    nack.receive(sequence + 1, nowUs, false);
    nack.receive(sequence + 2, nowUs, false);
    let asked = 0;
    for (let late = 0; late < lateMs; late++) asked += nack.poll(nowUs + late * ms, 100 * ms).length;
    nack.receive(sequence, nowUs + lateMs * ms, false);
    sequence += 3;
    nowUs += 50 * ms;
    return asked;
  };
  nack.receive(sequence++, nowUs, false);
  const first = Array.from({ length: 10 }, () => overtake(15)).reduce((sum, asked) => sum + asked);
  t.ok(first > 0 && first < 10, `${first} of 10 asked for in vain at first`);
  const later = Array.from({ length: 50 }, () => overtake(14)).reduce((sum, asked) => sum + asked);
  t.equal(later, 0);
  t.equal(overtake(60), 1, 'but nothing is waited for longer than 40 ms');
  t.equal(nack.reordered, 61);
  for (let i = 0; i < 40; i++) {
    nack.receive(sequence + 1, nowUs, false);
    nack.poll(nowUs + 41 * ms);
    nack.receive(sequence, nowUs + 100 * ms, true);
    sequence += 2;
    nowUs += 200 * ms;
  }
  t.equal(nack.repaired, 40);
  t.ok(nack.reorderUs < 3 * ms, `${nack.reorderUs} µs`);
  t.end();
});

t.test('what nobody waits for any more is given up quietly', (t) => {
  const nack = new NackGenerator();
  nack.receive(0, 0);
  nack.receive(5, 0);
  nack.forgetBefore(3);
  t.same(nack.poll(20 * ms), [3, 4]);
  t.match(nack, { missing: 4, givenUp: 2, pending: 2 });
  t.same(nack.takeGivenUp(), []);
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
