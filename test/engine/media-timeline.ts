import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { MediaTimeline } from '../../src/engine/media-timeline.js';

t.test('the time line is that of the packet which came fastest', (t) => {
  const timeline = new MediaTimeline(48_000);
  // 20 ms apart, sent from 1 s on, and late by so much.
  const lateMs = [30, 12, 50, 5, 40, 40];
  for (const [i, late] of lateMs.entries()) timeline.observe(i * 960, 1_000_000 + i * 20_000 + late * 1000);
  const leakUs = 0.04 * 500;
  t.ok(Math.abs(timeline.timestampUs(0) - 1_005_000 - leakUs) < 0.1, String(timeline.timestampUs(0)));
  t.equal(timeline.timestampUs(48_000) - timeline.timestampUs(0), 1_000_000);
  t.end();
});

t.test('it follows a sender whose clock is slow or fast by 100 ppm, and stays within its jitter', (t) => {
  for (const ppm of [-100, 100]) {
    const timeline = new MediaTimeline(90_000);
    for (let i = 0; i < 60 * 30; i++) {
      const sentUs = (i / 30) * 1_000_000 * (1 + ppm / 1e6);
      timeline.observe(i * 3000, sentUs + (i % 7) * 3000);
    }
    const errorUs = timeline.timestampUs(60 * 90_000) - 60_000_000 * (1 + ppm / 1e6);
    t.ok(Math.abs(errorUs) < 1000, `${ppm} ppm: ${errorUs} us off after a minute`);
  }
  t.end();
});

t.test('no packet is said to have been sent after it came', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: -3, max: 10 }), fc.integer({ min: 0, max: 100_000 })), {
        minLength: 1,
        maxLength: 200,
      }),
      (packets) => {
        const timeline = new MediaTimeline(48_000);
        let rtpTime = 100_000;
        let arrivalUs = 0;
        for (const [step, waitedUs] of packets) {
          rtpTime += step * 960;
          arrivalUs += waitedUs;
          timeline.observe(rtpTime, arrivalUs);
          assert.ok(timeline.timestampUs(rtpTime) <= arrivalUs + 0.01);
        }
      },
    ),
  );
  const timeline = new MediaTimeline(48_000);
  timeline.observe(960, 5000);
  timeline.reset();
  timeline.observe(960, 90_000);
  t.equal(timeline.timestampUs(960), 90_000, 'a reset forgets');
  t.end();
});
