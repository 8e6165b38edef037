import t from 'tap';
import { writeRtp } from '../../src/engine/rtp/packet-writer.js';
import { PACER_PRIORITY } from '../../src/engine/rtp/pacer.js';
import { writeRemb } from '../../src/engine/rtp/rtcp-writer.js';
import { SUBSCRIBED, SimulcastSource } from './layered-source.js';
import { SimulatedSubscriber } from './simulated-subscriber.js';

/** Layers of about 150, 850 and 2500 kbit/s. */
const camera = (): SimulcastSource => {
  const source = new SimulcastSource();
  for (const [rid, bytes] of [
    ['q', 700],
    ['h', 4000],
    ['f', 12_000],
  ] as const)
    source.layer(rid).pictureBytes = bytes;
  return source;
};

const quantile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? NaN;

const rank = (subscriber: SimulatedSubscriber, index = 0): number => subscriber.downs[index]?.sending?.rank ?? -1;

t.test('a slow connection gets the low layer, and the high one when it is fast again', (t) => {
  const subscriber = new SimulatedSubscriber([camera()], { rateBps: 300_000, delayMs: 20 });
  const [shown] = subscriber.shown;
  const first = subscriber.run(2000, () => shown?.pictures.length === 1);
  t.ok(first < 500, `the first picture after ${first} ms`);
  subscriber.run(10_000);
  t.equal(rank(subscriber), 0);
  const wait = quantile(subscriber.waitsMs, 0.9);
  t.ok(wait < 100, `nine of ten packets wait less than ${wait} ms`);
  subscriber.link.set({ rateBps: undefined }, subscriber.nowUs);
  const high = subscriber.run(10_000, () => rank(subscriber) === 2);
  t.ok(high < 10_000, `the high layer after ${high} ms`);
  subscriber.run(3000);
  t.same(shown?.faults(false), []);
  t.ok(shown && shown.longestGapMs() < 300, `${shown?.longestGapMs()} ms between two pictures`);
  t.end();
});

t.test('a connection that becomes slow is relieved within a second and not filled again', (t) => {
  const subscriber = new SimulatedSubscriber([camera()], { delayMs: 20 });
  subscriber.run(10_000, () => rank(subscriber) === 2);
  subscriber.run(2000);
  subscriber.link.set({ rateBps: 1_200_000 }, subscriber.nowUs);
  const lower = subscriber.run(3000, () => rank(subscriber) < 2);
  t.ok(lower < 1000, `lower after ${lower} ms`);
  subscriber.run(3000);
  subscriber.waitsMs.length = 0;
  const switches = subscriber.downs[0]?.layerSwitches ?? 0;
  subscriber.run(20_000);
  const wait = quantile(subscriber.waitsMs, 0.9);
  t.ok(wait < 100, `nine of ten packets wait less than ${wait} ms`);
  t.equal(rank(subscriber), 1);
  t.ok((subscriber.downs[0]?.layerSwitches ?? 0) - switches <= 2, 'without going up and down');
  t.end();
});

t.test('twenty changes of what a connection bears, and no freeze', (t) => {
  const subscriber = new SimulatedSubscriber([camera()], { rateBps: 1_600_000, delayMs: 20 });
  subscriber.run(8000);
  const [down] = subscriber.downs;
  const before = down?.layerSwitches ?? 0;
  for (let i = 0; i < 40 && (down?.layerSwitches ?? 0) < before + 20; i++) {
    subscriber.link.set({ rateBps: i % 2 === 0 ? 400_000 : 1_600_000 }, subscriber.nowUs);
    const wanted = i % 2;
    subscriber.run(15_000, () => rank(subscriber) === wanted);
    subscriber.run(500);
  }
  t.ok((down?.layerSwitches ?? 0) >= before + 20, `${(down?.layerSwitches ?? 0) - before} changes`);
  const gap = subscriber.shown[0]?.longestGapMs() ?? Infinity;
  t.ok(gap < 300, `${gap} ms between two pictures`);
  t.end();
});

t.test('audio goes on when there is room for nothing else, and the subscriber is told what is paused', (t) => {
  const subscriber = new SimulatedSubscriber([camera(), camera()], { rateBps: 2_000_000, delayMs: 20 });
  let sent = 0;
  const speak = (ms: number): void => {
    for (let at = 0; at < ms; at += 20) {
      const packet = writeRtp({
        payloadType: 111,
        ssrc: 99,
        sequenceNumber: sent++,
        timestamp: sent * 960,
        payload: Buffer.alloc(80),
        extensions: [
          { id: 2, data: Buffer.alloc(3) },
          { id: 3, data: Buffer.alloc(2) },
        ],
      });
      subscriber.sender.enqueue(packet, PACER_PRIORITY.audio, subscriber.nowUs);
      subscriber.run(20);
    }
  };
  speak(5000);
  t.equal(subscriber.paused.size, 0);
  subscriber.link.set({ rateBps: 96_000 }, subscriber.nowUs);
  speak(10_000);
  t.equal(subscriber.paused.size, 2);
  const [heard, spoken] = [subscriber.audioPackets, sent];
  speak(5000);
  t.ok(subscriber.audioPackets - heard >= sent - spoken - 5, `${subscriber.audioPackets - heard} of ${sent - spoken}`);
  subscriber.link.set({ rateBps: 2_000_000 }, subscriber.nowUs);
  speak(12_000);
  t.equal(subscriber.paused.size, 0);
  t.ok(rank(subscriber, 0) >= 0 && rank(subscriber, 1) >= 0);
  t.end();
});

t.test('a subscriber that tells what its connection bears is believed, one that tells nothing gets everything', (t) => {
  const plain = { ...SUBSCRIBED, extensions: { mid: 4, absSendTime: 2 } };
  const subscriber = new SimulatedSubscriber([camera()], { delayMs: 20 }, plain);
  subscriber.run(1000);
  t.equal(rank(subscriber), 2);
  t.equal(subscriber.sender.targetBps, undefined);
  const tell = (bps: number, ms: number): void => {
    for (let at = 0; at < ms; at += 500) {
      subscriber.sender.receive(writeRemb(1, bps, [subscriber.downs[0]?.ssrc ?? 0]), subscriber.nowUs);
      subscriber.run(500);
    }
  };
  tell(300_000, 2000);
  t.equal(rank(subscriber), 0);
  t.equal(subscriber.sender.targetBps, 300_000);
  tell(1_200_000, 4000);
  t.equal(rank(subscriber), 1);
  tell(5_000_000, 4000);
  t.equal(rank(subscriber), 2);
  t.same(subscriber.shown[0]?.faults(false), []);
  t.end();
});

t.test('several cameras share a connection', (t) => {
  const subscriber = new SimulatedSubscriber([camera(), camera(), camera()], { rateBps: 2_600_000, delayMs: 20 });
  subscriber.run(15_000);
  const ranks = subscriber.downs.map((_, i) => rank(subscriber, i));
  t.same(ranks, [1, 1, 1], 'none has more at the cost of another');
  t.end();
});
