import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { FlowQueues } from '../../src/engine/rtp/flow-queues.js';
import { PACER_PRIORITY, Pacer, type PacerPriority } from '../../src/engine/rtp/pacer.js';

const ms = 1000;

class Item {
  readonly name: string;
  readonly byteLength: number;

  constructor(name: string, byteLength = 1000) {
    this.name = name;
    this.byteLength = byteLength;
  }
}

function poll(pacer: Pacer<Item>, nowUs: number): string[] {
  const names: string[] = [];
  pacer.poll(nowUs, (item) => names.push(item.name));
  return names;
}

t.test('ten packets every five milliseconds, the most important first', (t) => {
  const pacer = new Pacer<Item>();
  for (let i = 0; i < 25; i++) pacer.enqueue(new Item(`v${i}`), PACER_PRIORITY.video, 0);
  pacer.enqueue(new Item('p'), PACER_PRIORITY.padding, 0);
  pacer.enqueue(new Item('r'), PACER_PRIORITY.retransmission, 0);
  pacer.enqueue(new Item('a'), PACER_PRIORITY.audio, 0);
  t.same(poll(pacer, 0), ['a', 'r', 'v0', 'v1', 'v2', 'v3', 'v4', 'v5', 'v6', 'v7']);
  t.same(poll(pacer, 0.4 * ms), []);
  t.same(poll(pacer, 1 * ms), ['v8', 'v9']);
  t.equal(poll(pacer, 60 * ms).length, 10, 'no more after a pause');
  t.equal(pacer.waitMs(60 * ms), 60);
  t.same(poll(pacer, 65 * ms), ['v20', 'v21', 'v22', 'v23', 'v24', 'p']);
  t.match(pacer, { enqueued: 28, sent: 28, held: 0, heldBytes: 0 });
  t.equal(pacer.waitMs(99 * ms), 0);
  t.end();
});

t.test('a bitrate holds all but audio back', (t) => {
  const pacer = new Pacer<Item>({ bitrateBps: 800_000 });
  for (let i = 0; i < 200; i++) pacer.enqueue(new Item('v'), PACER_PRIORITY.video, 0);
  let video = 0;
  let audio = 0;
  for (let at = 0; at < 1000; at += 5) {
    if (at % 20 === 0) pacer.enqueue(new Item('a', 100), PACER_PRIORITY.audio, at * ms);
    for (const name of poll(pacer, at * ms)) {
      if (name === 'v') video++;
      else audio++;
    }
    if (at % 20 === 0) assert.equal(audio, at / 20 + 1, 'audio leaves at once');
  }
  // 100,000 bytes a second, of which 5,000 are audio's.
  t.ok(video >= 94 && video <= 97, `${video} packets of 1000 bytes`);
  pacer.setBitrate(undefined);
  t.equal(poll(pacer, 1005 * ms).length, 10);
  t.end();
});

t.test('tracks take turns within a priority, each in its own order', (t) => {
  const pacer = new Pacer<Item>();
  for (let i = 0; i < 30; i++) pacer.enqueue(new Item(`a${i}`), PACER_PRIORITY.video, 0, 1);
  for (let i = 0; i < 3; i++) pacer.enqueue(new Item(`b${i}`), PACER_PRIORITY.video, 0, 2);
  pacer.enqueue(new Item('c0'), PACER_PRIORITY.video, 0, 3);
  t.same(poll(pacer, 0), ['a0', 'b0', 'c0', 'a1', 'b1', 'a2', 'b2', 'a3', 'a4', 'a5']);
  pacer.enqueue(new Item('b3'), PACER_PRIORITY.video, 0, 2);
  for (let i = 0; i < 3; i++) pacer.enqueue(new Item(`r${i}`), PACER_PRIORITY.retransmission, 0, 4);
  t.same(poll(pacer, 3 * ms), ['r0', 'r1', 'r2', 'b3', 'a6', 'a7'], 'and retransmissions of others go before');
  t.end();
});

t.test('queues of flows: in turn, or the oldest first', (t) => {
  const queues = new FlowQueues<string>();
  for (const [flow, item, at] of [
    [1, 'a0', 0],
    [2, 'b0', 1],
    [2, 'b1', 2],
    [3, 'c0', 3],
    [3, 'c1', 4],
  ] as const) {
    queues.push(flow, item, at);
  }
  t.equal(queues.oldestUs(), 0);
  t.equal(queues.takeNext(), 'a0');
  t.equal(queues.takeNext(), 'b0');
  t.equal(queues.takeOldest(), 'b1');
  queues.push(4, 'd0', 5);
  t.equal(queues.takeNext(), 'c0', 'a flow that ran dry does not shift the turns');
  t.same([queues.takeNext(), queues.takeNext()], ['d0', 'c1']);
  t.equal(queues.length, 0);
  t.equal(queues.oldestUs(), Infinity);
  t.end();
});

t.test('a key frame that has just left does not hold audio', (t) => {
  const pacer = new Pacer<Item>();
  for (let i = 0; i < 20; i++) pacer.enqueue(new Item(`v${i}`), PACER_PRIORITY.video, 0, 1);
  t.equal(poll(pacer, 0).length, 10);
  for (let i = 0; i < 7; i++) pacer.enqueue(new Item(`a${i}`, 100), PACER_PRIORITY.audio, 100, i);
  t.same(poll(pacer, 100), ['a0', 'a1', 'a2', 'a3', 'a4'], 'half an interval ahead');
  t.same(poll(pacer, 5 * ms), ['a5', 'a6', 'v10', 'v11', 'v12'], 'which is paid back');
  t.end();
});

t.test('audio of a hundred tracks leaves as fast as it comes, spread over its period', (t) => {
  const pacer = new Pacer<Item>();
  let most = 0;
  for (let at = 0; at < 2000; at += 5) {
    if (at % 20 === 0) {
      for (let i = 0; i < 100; i++) pacer.enqueue(new Item(`a${i}`, 100), PACER_PRIORITY.audio, at * ms, i);
      assert.ok(pacer.waitMs(at * ms) <= 20, `${pacer.waitMs(at * ms)} ms`);
    }
    most = Math.max(most, poll(pacer, at * ms).length);
  }
  t.ok(most < 70, `${most} at a time`);
  t.match(pacer, { dropped: { overflow: 0, expired: 0, cleared: 0 } });

  const late = new Pacer<Item>({ maxWaitMs: 50 });
  poll(late, 0);
  for (let i = 0; i < 40; i++) late.enqueue(new Item(`a${i}`, 100), PACER_PRIORITY.audio, 0, i);
  for (let i = 0; i < 40; i++) late.enqueue(new Item(`v${i}`), PACER_PRIORITY.video, 100 * ms);
  t.equal(poll(late, 100 * ms).length, 10, 'what audio that expired would have been allowed is not for others');
  t.end();
});

t.test('a beat that comes late is made up for, a pause is not', (t) => {
  const pacer = new Pacer<Item>({ bitrateBps: 4_000_000 });
  poll(pacer, 0);
  for (let i = 0; i < 60; i++) pacer.enqueue(new Item(`v${i}`), PACER_PRIORITY.video, 10 * ms);
  t.equal(poll(pacer, 10 * ms).length, 3, '5 ms worth after a pause of 10');
  let sent = 0;
  for (let at = 25; at <= 85; at += 15) sent += poll(pacer, at * ms).length;
  t.ok(sent >= 36 && sent <= 38, `${sent} of 37.5 in 75 ms`);
  t.end();
});

t.test('room for padding is what the bitrate leaves, when nothing waits', (t) => {
  const pacer = new Pacer<Item>({ bitrateBps: 8_000_000 });
  poll(pacer, 0);
  poll(pacer, 5 * ms);
  t.equal(pacer.spareBytes, 5000);
  pacer.enqueue(new Item('v', 1200), PACER_PRIORITY.video, 5 * ms);
  t.equal(pacer.spareBytes, 0, 'not before what waits');
  poll(pacer, 5 * ms);
  t.equal(pacer.spareBytes, 3800);
  pacer.setBitrate(undefined);
  t.equal(pacer.spareBytes, 0, 'no measure, no padding');
  t.end();
});

t.test('too full, the least important and oldest goes; nothing more important makes room', (t) => {
  const pacer = new Pacer<Item>({ maxBytes: 3000 });
  pacer.enqueue(new Item('p0'), PACER_PRIORITY.padding, 0);
  pacer.enqueue(new Item('v0'), PACER_PRIORITY.video, 0);
  pacer.enqueue(new Item('v1'), PACER_PRIORITY.video, 0);
  t.equal(pacer.enqueue(new Item('v2'), PACER_PRIORITY.video, 0), true);
  t.equal(pacer.enqueue(new Item('v3'), PACER_PRIORITY.video, 0), true);
  t.equal(pacer.enqueue(new Item('a0'), PACER_PRIORITY.audio, 0), true);
  t.equal(pacer.enqueue(new Item('p1'), PACER_PRIORITY.padding, 0), false);
  t.equal(pacer.enqueue(new Item('huge', 4000), PACER_PRIORITY.padding, 0), false);
  t.same(poll(pacer, 0), ['a0', 'v2', 'v3']);
  t.same(pacer.dropped, { overflow: 5, expired: 0, cleared: 0 });
  t.end();
});

t.test('what waited too long is dropped', (t) => {
  const pacer = new Pacer<Item>({ maxWaitMs: 100 });
  pacer.enqueue(new Item('old'), PACER_PRIORITY.video, 0);
  pacer.enqueue(new Item('new'), PACER_PRIORITY.video, 50 * ms);
  t.same(poll(pacer, 101 * ms), ['new']);
  pacer.enqueue(new Item('v'), PACER_PRIORITY.video, 200 * ms);
  pacer.enqueue(new Item('a'), PACER_PRIORITY.audio, 200 * ms);
  pacer.clear(PACER_PRIORITY.video);
  t.same(poll(pacer, 200 * ms), ['a']);
  t.same(pacer.dropped, { overflow: 0, expired: 1, cleared: 1 });
  t.end();
});

t.test('every packet is counted, order is kept within a priority, limits hold', (t) => {
  const event = fc.record({
    priority: fc.constantFrom<PacerPriority>(0, 1, 2, 3),
    size: fc.integer({ min: 1, max: 1200 }),
    count: fc.integer({ min: 0, max: 8 }),
    waitMs: fc.integer({ min: 0, max: 12 }),
    polls: fc.boolean(),
    bitrate: fc.option(fc.integer({ min: 0, max: 5_000_000 }), { nil: undefined, freq: 5 }),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 150, size: 'max' }), (events) => {
      const pacer = new Pacer<Item>({ maxBytes: 20_000, maxWaitMs: 60 });
      const last = [-1, -1, -1, -1];
      let nowUs = 0;
      let number = 0;
      let audioWaiting = 0;
      for (const { priority, size, count, waitMs, polls, bitrate } of events) {
        nowUs += waitMs * ms;
        if (bitrate !== undefined) pacer.setBitrate(bitrate);
        for (let i = 0; i < count; i++) pacer.enqueue(new Item(`${priority}:${number++}`, size), priority, nowUs);
        if (priority === PACER_PRIORITY.audio) audioWaiting += count;
        assert.ok(pacer.heldBytes <= 20_000);
        if (polls) {
          const waiting = Math.min(audioWaiting, pacer.held);
          const names = poll(pacer, nowUs);
          const others = names.filter((name) => !name.startsWith('0')).length;
          audioWaiting = waiting - (names.length - others);
          assert.ok(others <= 10);
          // Half an interval more for audio alone, and as much as all of it where more than that waits.
          assert.ok(names.length <= Math.max(15, waiting));
          for (const name of names) {
            const [of, at] = name.split(':').map(Number);
            assert.ok(at! > last[of!]!);
            last[of!] = at!;
          }
          assert.ok(pacer.waitMs(nowUs) <= 60);
        }
        const { overflow, expired, cleared } = pacer.dropped;
        assert.equal(pacer.enqueued, pacer.sent + overflow + expired + cleared + pacer.held);
      }
      pacer.clear();
      assert.deepEqual([pacer.held, pacer.heldBytes], [0, 0]);
    }),
  );
  t.end();
});
