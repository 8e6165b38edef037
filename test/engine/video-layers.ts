import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { BitBudget } from '../../src/engine/video/bit-budget.js';
import { LayerAllocation } from '../../src/engine/video/layer-allocation.js';
import { type LayerRates, layerRates, planLayers, recommendedBitrate } from '../../src/engine/video/layer-plan.js';
import { QualityLadder } from '../../src/engine/video/quality-ladder.js';
import { SourceRate } from '../../src/engine/video/source-rate.js';

const THREE: readonly LayerRates[] = [layerRates(320, 180, 30), layerRates(640, 360, 30), layerRates(1280, 720, 30)];

t.test('the larger a picture, the more layers it is published in', (t) => {
  const plan = (width: number, height: number, simulcast = true): string =>
    planLayers(width, height, simulcast)
      .map(({ rid, scale }) => `${rid}/${scale}`)
      .join(' ');
  t.equal(plan(1280, 720), 'q/4 h/2 f/1');
  t.equal(plan(720, 1280), 'q/4 h/2 f/1', 'upright too');
  t.equal(plan(960, 540), 'q/4 h/2 f/1');
  t.equal(plan(640, 480), 'q/2 h/1');
  t.equal(plan(640, 360), 'q/2 h/1');
  t.equal(plan(638, 360), '/1');
  t.equal(plan(1280, 200), '/1');
  t.equal(plan(1280, 720, false), '/1');
  t.end();
});

t.test('what pictures should cost is what LiveKit spends on them, and grows with size and rate', (t) => {
  t.same(
    [recommendedBitrate(320, 180, 30), recommendedBitrate(640, 360, 30), recommendedBitrate(1280, 720, 30)],
    [150_000, 450_000, 1_700_000],
  );
  t.equal(recommendedBitrate(1920, 1080, 30), 3_000_000);
  t.equal(recommendedBitrate(640, 360, 15), 337_500);
  fc.assert(
    fc.property(
      fc.integer({ min: 16, max: 1920 }),
      fc.integer({ min: 16, max: 1080 }),
      fc.integer({ min: 1, max: 30 }),
      (width, height, rate) => {
        const bps = recommendedBitrate(width, height, rate);
        assert.ok(bps > 0 && bps <= 3_000_000);
        assert.ok(recommendedBitrate(width + 16, height, rate) >= bps);
        const { minBps, targetBps, maxBps } = layerRates(width, height, rate);
        assert.ok(minBps <= Math.max(30_000, targetBps) && targetBps <= maxBps);
      },
    ),
  );
  t.end();
});

t.test('where the path does not bear all layers, the upper ones go first', (t) => {
  const allocation = new LayerAllocation(3);
  const at = (ms: number, kbps: number, rates: readonly (LayerRates | undefined)[] = THREE): number[] =>
    allocation.allocate(kbps * 1000, rates, ms * 1000).map((bps) => Math.round(bps / 1000));
  t.same(at(-300, Infinity), [150, 450, 1700], 'no more than looks good');
  t.same(at(-250, 600), [150, 450, 0]);
  t.same(at(-200, 2300), [150, 450, 1700], 'what has only just begun may begin again');
  t.same(at(100, 1250), [150, 450, 650]);
  t.same(at(200, 1100), [150, 810, 0], "what is left is the highest remaining one's, within reason");
  t.same(at(300, 3000), [150, 810, 0], 'not again so soon');
  t.same(at(3300, 1250), [150, 810, 0], 'to begin takes more than to go on');
  t.same(at(3400, 1300), [150, 450, 700]);
  t.same(at(3500, 100), [100, 0, 0], 'the lowest is always there');
  t.same(at(3600, 0), [0, 0, 0]);
  t.same(at(9000, 2000, [undefined, THREE[1], undefined]), [0, 450, 0], 'only what somebody takes');
  t.same(at(9100, 50, [undefined, THREE[1], THREE[2]]), [0, 50, 0], 'the lowest that is taken');
  t.same(at(9200, 9000, [undefined, undefined, undefined]), [0, 0, 0]);
  t.end();
});

t.test('never more than there is, never an upper layer without those below it', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 4_000_000 }), fc.integer({ min: 0, max: 7 })), { maxLength: 60 }),
      (steps) => {
        const allocation = new LayerAllocation(3);
        for (const [index, [bps, taken]] of steps.entries()) {
          const rates = THREE.map((layer, at) => ((taken >> at) & 1 ? layer : undefined));
          const granted = allocation.allocate(bps, rates, index * 700_000);
          assert.ok(granted.reduce((sum, one) => sum + one, 0) <= bps);
          const wanted = granted.filter((_, at) => rates[at]);
          const firstOff = wanted.indexOf(0);
          if (bps > 0 && firstOff !== -1) assert.ok(wanted.slice(firstOff).every((one) => one === 0));
          for (const [at, layer] of rates.entries()) if (!layer) assert.equal(granted[at], 0);
        }
      },
    ),
  );
  t.end();
});

t.test('fewer bits: first every other picture is left out, then pictures get smaller, and back after a while', (t) => {
  const ladder = new QualityLadder();
  const at = (ms: number, kbps: number): string => {
    const { scale, frameRate } = ladder.choose(kbps * 1000, 1280, 720, 30, ms * 1000);
    return `1/${scale} ${frameRate}`;
  };
  t.equal(at(0, 1700), '1/1 30');
  t.equal(at(100, 700), '1/1 30');
  t.notOk(ladder.limited);
  t.equal(at(200, 600), '1/1 30', 'for a moment only');
  t.equal(at(300, 700), '1/1 30');
  t.equal(at(400, 600), '1/1 30');
  t.equal(at(800, 600), '1/1 15', 'it lasts');
  t.ok(ladder.limited);
  t.equal(at(900, 200), '1/2 30', 'a deep fall counts at once');
  t.equal(at(1400, 40), '1/4 15');
  t.equal(at(1500, 1700), '1/4 15', 'a rise has to last');
  t.equal(at(2500, 500), '1/4 15');
  t.equal(at(4000, 1700), '1/1 15', 'and then is as high as its lowest moment');
  t.equal(at(4100, 10), '1/4 15', 'there is an end to it');
  t.match(
    new QualityLadder().choose(5000, 160, 90, 8, 0),
    { scale: 1, frameRate: 5 },
    'small pictures stay as they are',
  );
  t.end();
});

t.test('an encoder that makes too much has to leave pictures out', (t) => {
  const budget = new BitBudget();
  budget.setRate(100_000, 0);
  budget.spend(30_000, 0);
  t.notOk(budget.isSpent(0), 'a key frame is let pass');
  budget.spend(10_000, 0);
  t.ok(budget.isSpent(0));
  t.notOk(budget.isSpent(100_000), 'a while later it goes on');
  let nowUs = 1_000_000;
  let left = 0;
  for (let i = 0; i < 300; i++) {
    nowUs += 33_333;
    if (budget.isSpent(nowUs)) left++;
    else budget.spend(5000, nowUs);
  }
  const madeBps = ((300 - left) * 5000) / 10;
  t.ok(madeBps > 100_000 && madeBps < 116_000, `${madeBps} bit/s of an encoder that would make 150,000`);
  t.end();
});

t.test('the rate of the source is measured, up to what was announced; pauses say nothing', (t) => {
  const rate = new SourceRate(30);
  t.equal(Math.round(rate.perSecond), 30);
  let dueUs = 0;
  for (let i = 0; i < 60; i++) rate.add((dueUs += 100_000));
  t.ok(Math.abs(rate.perSecond - 10) < 0.5, `${rate.perSecond}`);
  rate.add((dueUs += 60_000_000));
  t.ok(rate.perSecond > 7, `${rate.perSecond}`);
  for (let i = 0; i < 60; i++) rate.add((dueUs += 10_000));
  t.equal(rate.perSecond, 30);
  t.end();
});
