import t from 'tap';
import { DelayEstimator } from '../../src/engine/rtp/delay-estimator.js';
import { DriftEstimator } from '../../src/engine/rtp/drift-estimator.js';
import { hasOpusFec } from '../../src/engine/rtp/opus-fec.js';
import { PlayoutDelay } from '../../src/engine/rtp/playout-delay.js';
import { noise } from '../engine/audio-simulation.js';

const PACKET_US = 20_000;

t.test('the delay estimate is the quantile of what packets were later than the fastest', (t) => {
  const estimator = new DelayEstimator();
  for (let i = 0; i < 5000; i++) estimator.update(i * PACKET_US + noise(1, i) * 100_000, i * PACKET_US);
  const [half, most] = [estimator.delayMs(0.5), estimator.delayMs(0.98)];
  t.ok(Math.abs(half - 50) <= 6, `half within ${half} ms`);
  t.ok(Math.abs(most - 98) <= 4, `98 % within ${most} ms`);
  t.ok(estimator.baseUs >= 0 && estimator.baseUs < 2000);
  t.end();
});

t.test('one late packet is nothing, a few are, at the beginning as later', (t) => {
  const after = (late: number, punctual: number): number => {
    const estimator = new DelayEstimator();
    for (let i = 0; i < punctual + late; i++)
      estimator.update(i * PACKET_US + (i < punctual ? 0 : 70_000), i * PACKET_US);
    return estimator.delayMs(0.98);
  };
  for (const punctual of [1, 1000]) t.same([after(1, punctual), after(12, punctual)], [2, 72]);
  t.end();
});

t.test('hours do not blunt it, and a jump of the clock begins anew', (t) => {
  const estimator = new DelayEstimator();
  let i = 0;
  for (; i < 200_000; i++) estimator.update(i * PACKET_US, i * PACKET_US);
  for (const end = i + 12; i < end; i++) estimator.update(i * PACKET_US + 40_000, i * PACKET_US);
  t.equal(estimator.delayMs(0.98), 42);
  for (const end = i + 2000; i < end; i++) estimator.update(i * PACKET_US, i * PACKET_US - 9e6);
  t.equal(estimator.baseUs, 9e6);
  t.ok(estimator.delayMs(0.98) <= 42);
  t.end();
});

t.test('where all of half a second came later, the way is longer, or the source stood still', (t) => {
  const delay = new PlayoutDelay();
  let i = 0;
  const run = (packets: number, laterUs: number): void => {
    for (const end = i + packets; i < end; i++) delay.arrived(i * PACKET_US + laterUs, i * 960, 960);
  };
  run(100, 0);
  run(20, 250_000);
  t.equal(delay.targetMs, 200, 'at first it may be that they are late');
  run(10, 250_000);
  t.equal(delay.dueUs(0), 250_000 + delay.holdMs * 1000, 'then they are not');
  t.equal(delay.targetMs, 22);
  run(1, 0);
  t.equal(delay.dueUs(0), delay.holdMs * 1000, 'and one that is faster shows the way that there is');
  t.end();
});

t.test('loss makes packets wait for the copy in the next one, as long as there is loss and copies', (t) => {
  const delay = new PlayoutDelay();
  const run = (packets: number, lossPercent: number, fec: boolean): number => {
    for (let i = 0; i < packets; i++) {
      delay.arrived(i * PACKET_US, i * 960, 960);
      delay.wasDue(i % 100 < lossPercent, fec);
    }
    return delay.targetMs;
  };
  t.equal(run(1000, 0, true), 22);
  t.equal(run(1000, 5, false), 22, 'without copies there is nothing to wait for');
  t.equal(run(1000, 5, true), 42);
  t.equal(run(2000, 0, true), 22);
  t.end();
});

t.test('the target keeps to its bounds, and says what it would be without', (t) => {
  const delay = new PlayoutDelay({ minDelayMs: 60, maxDelayMs: 100 });
  for (let i = 0; i < 100; i++) delay.arrived(i * PACKET_US, i * 960, 960);
  t.same([delay.targetMs, delay.unboundedMs, delay.holdMs], [60, 22, 40]);
  for (let i = 100; i < 300; i++) delay.arrived(i * PACKET_US + 150_000 * noise(2, i), i * 960, 960);
  t.equal(delay.targetMs, 100);
  t.ok(delay.unboundedMs > 150);
  t.end();
});

/** What is known of a drift after so many seconds. */
function driftAfter(
  seconds: number,
  ppm: number,
  delayUs: (i: number) => number,
  drift = new DriftEstimator(),
): number {
  for (let i = 0; i < seconds * 50; i++) drift.update(i * PACKET_US * (1 - ppm / 1e6) + delayUs(i), i * PACKET_US);
  return drift.ppm;
}

t.test('drift is found in jitter: within a minute roughly, within minutes exactly', (t) => {
  for (const ppm of [-200, -20, 50, 200]) {
    const jitter = (i: number): number => 30_000 * noise(3, i) ** 2;
    const [soon, later] = [driftAfter(60, ppm, jitter), driftAfter(300, ppm, jitter)];
    t.ok(Math.abs(soon - ppm) < 15, `${ppm} ppm: ${soon.toFixed(1)} after a minute`);
    t.ok(Math.abs(later - ppm) < 2, `${later.toFixed(1)} after five`);
  }
  t.equal(
    driftAfter(20, 200, () => 0),
    0,
    'nothing is said too soon',
  );
  t.equal(Math.round(driftAfter(600, 0, () => 0)), 0);
  t.end();
});

t.test('a change of the route is no drift', (t) => {
  const drift = new DriftEstimator();
  const found = driftAfter(600, 100, (i) => (i > 10_000 ? 25_000 : 0) + 5000 * noise(4, i), drift);
  t.ok(Math.abs(found - 100) < 2, `${found.toFixed(1)} ppm of 100`);
  drift.reset();
  t.equal(drift.ppm, 0);
  t.end();
});

t.test('a copy of the packet before is seen in the bits of RFC 6716', (t) => {
  const cases: [number[], boolean, string][] = [
    [[0x48, 0b0100_0000], true, 'SILK, 20 ms, mono'],
    [[0x48, 0b1000_0000], false, 'voice, but no copy'],
    [[0x58, 0b0001_0000], true, 'SILK, 60 ms: after three flags of voice'],
    [[0x58, 0b1110_0000], false, 'no copy'],
    [[0x4c, 0b0001_0000], true, 'stereo, the second channel'],
    [[0x4c, 0b1010_0000], false, 'no copy'],
    [[0x78, 0b0100_0000], true, 'hybrid'],
    [[0xf8, 0b0100_0000], false, 'CELT has none'],
    [[0x49, 0b0100_0000, 0, 0], true, 'two frames of one length'],
    [[0x4a, 2, 0b0100_0000, 0, 0], true, 'two frames, the length of the first before them'],
    [[0x4b, 0x42, 1, 0b0100_0000, 0, 0], true, 'more frames, with padding'],
    [[0x4b, 0x82, 1, 0b0100_0000, 0], true, 'more frames, with lengths'],
    [[0x48], false, 'nothing but a header'],
    [[0x4a, 0], false, 'no copy'],
    [[0x4b, 0xff, 255, 255], false, 'cut short'],
    [[], false, 'no copy'],
  ];
  for (const [bytes, expected, name] of cases)
    t.equal(hasOpusFec(Uint8Array.from(bytes)), expected, `${name}: ${bytes.join(' ')}`);
  t.end();
});
