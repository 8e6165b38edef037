import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { BandwidthEstimator } from '../../src/engine/rtp/bandwidth/bandwidth-estimator.js';
import { ByteRate } from '../../src/engine/rtp/bandwidth/byte-rate.js';
import { DelayTrend, type PathUse } from '../../src/engine/rtp/bandwidth/delay-trend.js';
import { FeedbackWatch } from '../../src/engine/rtp/bandwidth/feedback-watch.js';
import { LossLimit } from '../../src/engine/rtp/bandwidth/loss-limit.js';
import { ProbeMeasurement } from '../../src/engine/rtp/bandwidth/probe-measurement.js';
import { RateControl } from '../../src/engine/rtp/bandwidth/rate-control.js';
import { PACKET_STATE, SentPackets } from '../../src/engine/rtp/bandwidth/sent-packets.js';
import { TwccRecorder, parseTwccFeedback } from '../../src/engine/rtp/twcc.js';

const ms = 1000;

t.test('sent packets: the newest are known, with what was noted, however the ring grows', (t) => {
  const packets = fc.array(
    fc.record({ skip: fc.nat(3), size: fc.integer({ min: 1, max: 1500 }), gapUs: fc.nat(9000) }),
    {
      minLength: 1,
      maxLength: 3000,
    },
  );
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 200_000 }), packets, (start, list) => {
      const sent = new SentPackets();
      const noted = new Map<number, { size: number; atUs: number }>();
      let sequence = start;
      let nowUs = 0;
      for (const { skip, size, gapUs } of list) {
        sequence += 1 + (skip === 3 ? 2 : 0);
        nowUs += gapUs;
        sent.add(sequence, size, nowUs, 0);
        noted.set(sequence, { size, atUs: nowUs });
      }
      assert.equal(sent.unwrap(sequence & 0xffff), sequence);
      assert.equal(sent.unwrap((sequence - 100) & 0xffff), sequence - 100);
      assert.ok(sequence - sent.oldest < 8192);
      for (let at = Math.max(start, sent.oldest); at <= sequence; at++) {
        const { size, atUs } = noted.get(at) ?? {};
        if (!sent.has(at) || size === undefined) {
          assert.ok(!sent.has(at) || sent.state(at) === PACKET_STATE.none);
          continue;
        }
        assert.deepEqual([sent.state(at), sent.sizeBytes(at), sent.sentUs(at)], [PACKET_STATE.sent, size, atUs]);
      }
      // Two seconds are remembered as long as that is not more than 8192 packets.
      const forgotten = noted.get(sent.oldest - 1);
      assert.ok(!forgotten || nowUs - forgotten.atUs >= 1_900_000);
    }),
    { numRuns: 50 },
  );
  t.end();
});

t.test('byte rate: of a window, with pauses, and of late packets', (t) => {
  const rate = new ByteRate();
  t.equal(rate.bps(500 * ms), undefined);
  for (let at = 0; at <= 100; at += 5) rate.add(at * ms, 500);
  t.equal(rate.bps(500 * ms), undefined, 'too short to tell');
  for (let at = 105; at <= 2000; at += 5) rate.add(at * ms, 500);
  t.equal(rate.bps(500 * ms), 800_000);
  for (let at = 2005; at <= 2300; at += 5) rate.add(at * ms, 100);
  t.ok(Math.abs(rate.bps(300 * ms)! - 170_000) < 10_000, 'a short look tells sooner');
  t.ok(rate.bps(500 * ms)! > 400_000);
  t.equal(rate.bps(500 * ms, 2700 * ms)! < 40_000, true, 'a silence counts when the time is told');
  for (let at = 12_000; at <= 13_000; at += 5) rate.add(at * ms, 500);
  t.equal(rate.bps(500 * ms), 800_000, 'the long pause before does not');
  rate.add(12_900 * ms, 5000);
  t.equal(rate.bps(500 * ms), 880_000, 'one that comes late counts');
  rate.add(11_000 * ms, 1e6);
  t.equal(rate.bps(500 * ms), 880_000, 'one that comes too late does not');
  for (let at = 0; at <= 1000; at += 5) rate.add(at * ms, 250);
  t.equal(rate.bps(500 * ms), 400_000, 'time by another clock');
  t.end();
});

t.test('a probe is measured by what arrives, bursts and jitter or not', (t) => {
  const measure = (linkBps: number, jitterMs = 0, sizeBytes = 500, burstMs = 5): number | undefined => {
    const measurement = new ProbeMeasurement();
    let freeUs = 0;
    let noise = 7;
    // 30 ms of 2 Mbit/s.
    for (let bytes = 0; bytes < 7500; bytes += sizeBytes) {
      const sentUs = Math.floor(bytes / ((burstMs * 2e6) / 8e3)) * burstMs * ms;
      freeUs = Math.max(freeUs, sentUs) + (sizeBytes * 8e6) / linkBps;
      noise = (Math.imul(noise, 1103515245) + 12345) >>> 0;
      measurement.add(sizeBytes, sentUs, freeUs + (noise / 2 ** 32) * jitterMs * ms);
    }
    return measurement.bps();
  };
  const near = (bps: number | undefined, wanted: number, part: number): boolean =>
    bps !== undefined && Math.abs(bps / wanted - 1) < part;
  t.ok(near(measure(100e6), 2e6, 0.1), `a wide path bears it: ${measure(100e6)}`);
  t.ok(near(measure(1e6), 0.95e6, 0.05), `a narrow one tells what it bears: ${measure(1e6)}`);
  t.ok(near(measure(1.5e6), 0.95 * 1.5e6, 0.1), `${measure(1.5e6)}`);
  t.ok(near(measure(100e6, 5, 250), 2e6, 0.25), `5 ms of jitter: ${measure(100e6, 5, 250)}`);
  t.ok(near(measure(1e6, 5, 250), 0.95e6, 0.2), `5 ms of jitter, narrow: ${measure(1e6, 5, 250)}`);
  const clumped = new ProbeMeasurement();
  for (let i = 0; i < 10; i++) clumped.add(500, i * 3 * ms, 100 * ms);
  t.equal(clumped.bps(), undefined, 'all at one moment tells nothing');
  t.end();
});

t.test('the delay trend: growth is overuse, draining underuse, noise and drift are neither', (t) => {
  const uses = (owdMs: (seconds: number) => number, seconds = 10): string[] => {
    const trend = new DelayTrend();
    const seen: string[] = [];
    for (let us = 0; us < seconds * 1e6; us += 10 * ms) {
      trend.packet(us, us + 1e12 + owdMs(us / 1e6) * ms);
      if (seen.at(-1) !== trend.use) seen.push(trend.use);
    }
    return seen;
  };
  const noise = (i: number): number => ((Math.imul(Math.round(i * 1e4) + 1, 2654435761) >>> 8) % 1000) / 1000;
  t.same(
    uses(() => 20),
    ['normal'],
  );
  t.same(
    uses((s) => s * 0.2),
    ['normal'],
    'clocks that drift apart by 200 ppm',
  );
  t.same(
    uses((s) => noise(s) * 5, 30),
    ['normal'],
    '5 ms of noise',
  );
  t.same(
    uses((s) => noise(s) * 30, 30),
    ['normal'],
    '30 ms of noise',
  );
  t.same(uses((s) => (s < 5 ? 0 : 40)).slice(-1), ['normal'], 'a way that is longer from now on');
  const ramp = uses((s) => Math.max(0, Math.min(s - 3, 6 - s)) * 200);
  t.same(
    ramp,
    ['normal', 'overuse', 'normal', 'underuse', 'normal'].filter((use) => ramp.includes(use)),
  );
  t.ok(ramp.includes('overuse') && ramp.includes('underuse'));
  const trend = new DelayTrend();
  for (let us = 0; us < 1e6; us += 10 * ms) trend.packet(us, us);
  for (let us = 1e6; us < 2e6; us += 10 * ms) trend.packet(us, us + 70 * ms);
  t.ok(Math.abs(trend.queueMs - 70) < 1, `a queue of ${trend.queueMs} ms`);
  t.end();
});

t.test('the rate grows fast far from where a queue grew last, slowly near it, not at all into a queue', (t) => {
  const rate = new RateControl(1e6);
  let nowUs = 0;
  const pass = (seconds: number, use: PathUse, queueMs: number, acknowledged = (): number => rate.bps): void => {
    for (const end = nowUs + seconds * 1e6; nowUs < end; nowUs += 50 * ms) {
      rate.update(use, queueMs, acknowledged(), 50 * ms, false, nowUs);
    }
  };
  pass(1, 'normal', 0);
  t.ok(Math.abs(rate.bps - 1.08e6) < 0.01e6, `8 % in a second: ${rate.bps}`);
  const peak = rate.bps;
  pass(0.05, 'overuse', 20);
  t.equal(Math.round((rate.bps / peak) * 100), 85);
  pass(0.1, 'underuse', 10);
  t.equal(Math.round((rate.bps / peak) * 100), 85, 'the queue drains first');
  const near = rate.bps;
  pass(1, 'normal', 0);
  t.ok(rate.bps > near && rate.bps < near * 1.05, `near: ${rate.bps / near}`);
  const before = rate.bps;
  pass(1, 'normal', 120);
  t.equal(rate.bps, before, 'a standing queue is not added to');
  pass(2, 'normal', 0, () => 0.3 * before);
  t.equal(rate.bps, before, 'nor is there growth without proof');
  pass(0.05, 'overuse', 300, () => 0.5e6);
  t.equal(rate.bps, 0.35e6, 'a long queue has to drain');
  t.end();
});

t.test('loss: too narrow a path is told from a lossy one by trying', (t) => {
  const run = (lossAt: (bps: number) => number, start: number, windows: number): LossLimit => {
    const limit = new LossLimit();
    for (let i = 0; i < windows; i++) {
      const bps = Math.min(start, limit.bps);
      const packets = Math.round((bps * 0.25) / 8000);
      const lost = Math.round(packets * lossAt(bps));
      limit.judge({ packets, lost, bytes: packets * 1000, durationUs: 250_000 }, bps, false);
    }
    return limit;
  };
  const lossy = run(() => 0.06, 2e6, 40);
  t.equal(lossy.bps, Infinity);
  t.ok(Math.abs(lossy.inherent - 0.06) < 0.01, `inherent ${lossy.inherent}`);
  const narrow = run((bps) => Math.max(0, 1 - 1e6 / bps), 2e6, 40);
  t.ok(narrow.bps > 0.8e6 && narrow.bps < 1.2e6, `narrow ${narrow.bps}`);
  t.ok(narrow.inherent < 0.02);
  const both = run((bps) => 0.05 + 0.95 * Math.max(0, 1 - 1e6 / bps), 2e6, 60);
  t.ok(both.bps > 0.7e6 && both.bps < 1.3e6, `both ${both.bps}`);
  t.ok(run(() => 0.6, 2e6, 40).bps < 0.5e6, 'no path is taken to lose most of all');
  t.equal(run(() => 0.015, 2e6, 40).bps, Infinity, 'a little is put up with');
  const idle = new LossLimit();
  idle.judge({ packets: 40, lost: 6, bytes: 20_000, durationUs: 500_000 }, 3e6, false);
  t.ok(idle.bps > 2.5e6, 'who sends little is not thrown back to it');
  t.end();
});

t.test('a day of wraps: sequence numbers, feedback times and send times', (t) => {
  const estimator = new BandwidthEstimator({ startBps: 500_000 });
  // The reporter's clock wraps half a day later, 24 bits of 64 ms.
  const recorder = new TwccRecorder(1);
  const offsetUs = 0x1000000 * 64_000 - 12 * 3600e6;
  const step = 200 * ms;
  let sequence = 65_000;
  for (let us = 0; us < 24 * 3600e6; us += step) {
    estimator.packetSent(sequence, 12_500, us);
    recorder.record(sequence & 0xffff, us + 20 * ms + offsetUs);
    sequence++;
    if (sequence % 5 !== 0) continue;
    for (const packet of recorder.build(1)) assert.ok(estimator.feedback(packet, us + 50 * ms));
    assert.equal(estimator.pathUse, 'normal');
    assert.equal(estimator.lossRatio, 0);
    assert.ok(estimator.targetBps >= 500_000);
    assert.ok(us < 2e6 || Math.abs(estimator.acknowledgedBps! / 500_000 - 1) < 0.25, `${estimator.acknowledgedBps}`);
  }
  t.ok(sequence - 65_000 > 6 * 65_536, `${sequence - 65_000} packets`);
  t.ok(estimator.queueMs < 1);
  let overuse = false;
  const before = estimator.targetBps;
  for (let us = 24 * 3600e6; us < 24 * 3600e6 + 10e6; us += step / 5) {
    estimator.packetSent(sequence, 2500, us);
    recorder.record(sequence & 0xffff, us + 20 * ms + offsetUs + (us - 24 * 3600e6) * 0.1);
    sequence++;
    for (const packet of recorder.build(1)) estimator.feedback(packet, us + 50 * ms);
    overuse ||= estimator.pathUse === 'overuse';
  }
  t.ok(overuse && estimator.targetBps < before, 'and a queue that grows is still seen');
  t.ok(Math.abs(estimator.acknowledgedBps! / 455_000 - 1) < 0.1, `and what arrives: ${estimator.acknowledgedBps}`);
  t.end();
});

t.test('feedback is missed when it stays away for longer than this receiver takes', (t) => {
  /** Feedback each `intervalMs`, but for what is lost of it; whether it was ever missed. */
  const missed = (intervalMs: number, isLost: (number: number) => boolean): boolean => {
    const watch = new FeedbackWatch();
    let found = false;
    for (let atMs = 0, number = 0; atMs < 30_000; atMs += 20) {
      if (atMs % intervalMs === 0 && !isLost(number++)) watch.came(atMs * ms, atMs * ms);
      found ||= watch.check(1e6, 50 * ms, atMs * ms) !== undefined;
    }
    return found;
  };
  t.notOk(missed(60, (number) => number % 10 === 5));
  t.notOk(
    missed(300, (number) => number % 10 > 7),
    'two in a row are lost of a receiver that takes its time',
  );
  t.ok(missed(60, (number) => number > 100));
  t.ok(missed(300, (number) => number > 30));
  t.end();
});

t.test('feedback that lies, or is of someone else, does no harm', (t) => {
  const fresh = (): BandwidthEstimator => {
    const estimator = new BandwidthEstimator({ startBps: 500_000, maxBps: 2_000_000 });
    for (let i = 0; i < 100; i++) estimator.packetSent(i, 1000, i * 10 * ms);
    return estimator;
  };
  const unsent = new BandwidthEstimator({ startBps: 500_000 });
  const recorder = new TwccRecorder(1);
  for (let i = 0; i < 50; i++) recorder.record(i, i * 10 * ms);
  const [good] = recorder.build(1);
  t.equal(unsent.feedback(good!, 0), false, 'nothing was sent');
  t.equal(fresh().feedback(good!, 1e6), true);
  t.equal(fresh().feedback(good!.subarray(0, 19), 1e6), false);
  const endless = Buffer.from(good!);
  endless.writeUInt16BE(40_000, 14);
  for (let chunk = 0; chunk < 5; chunk++) endless.writeUInt16BE(8000, 20 + 2 * chunk);
  t.equal(parseTwccFeedback(endless)?.arrivalUs.length, 40_000);
  t.equal(fresh().feedback(endless, 1e6), false, 'about more packets than there can be');
  const future = Buffer.from(good!);
  future.writeUInt16BE(20_000, 12);
  t.equal(fresh().feedback(future, 1e6), false, 'about packets that were not sent');
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 0, maxLength: 60 }), { maxLength: 20 }), (bodies) => {
      const estimator = fresh();
      bodies.forEach((body, i) => {
        const packet = Buffer.concat([good!.subarray(0, 12), body]);
        estimator.feedback(packet, 1e6 + i * 50 * ms);
        estimator.tick(1e6 + i * 50 * ms);
        assert.ok(estimator.targetBps >= 30_000 && estimator.targetBps <= 2_000_000);
        assert.ok(Number.isFinite(estimator.queueMs) && Number.isFinite(estimator.targetBps));
      });
    }),
  );
  t.end();
});
