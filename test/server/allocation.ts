import t from 'tap';
import fc from 'fast-check';
import { type AllocationRequest, allocate, costOf } from '../../src/server/forwarding/allocation.js';
import type { LayerOption, LayerTarget, LayerWish } from '../../src/server/forwarding/layer-choice.js';
import { EVERYTHING } from '../../src/server/forwarding/layer-choice.js';
import { type ControlledTrack, LayerController } from '../../src/server/forwarding/layer-controller.js';

const request = (costs: number[], current = -1, priority = 0): AllocationRequest => ({ costs, current, priority });
const CAMERA = [100, 200, 500, 1500];

t.test('everyone gets the least before anyone gets more', (t) => {
  t.same(allocate(10_000, [request(CAMERA), request(CAMERA), request([300])]), [3, 3, 0]);
  t.same(allocate(500, [request(CAMERA), request(CAMERA), request([300])]), [0, 0, 0]);
  t.same(allocate(700, [request(CAMERA), request(CAMERA), request([300])]), [1, 1, 0]);
  t.same(allocate(1000, [request(CAMERA), request(CAMERA)]), [2, 2]);
  t.same(allocate(1100, [request(CAMERA), request([100, 600])]), [2, 1], 'by steps, not by bits');
  t.same(allocate(50, [request(CAMERA)]), [-1], 'or nothing at all');
  t.same(allocate(250, [request([300]), request([100]), request([])]), [-1, 0, -1], 'the cheapest first');
  t.same(allocate(Infinity, [request(CAMERA)]), [3]);
  t.end();
});

t.test('the more important come first, in the least and in what is more', (t) => {
  t.same(allocate(300, [request([200], -1, 0), request([300], -1, 1)]), [-1, 0]);
  t.same(allocate(1700, [request(CAMERA, -1, 0), request(CAMERA, -1, 1)]), [1, 3]);
  t.end();
});

t.test('a step up needs room to spare, what is there does not', (t) => {
  t.same(allocate(500, [request(CAMERA, 2)], 1.2), [2]);
  t.same(allocate(500, [request(CAMERA, 1)], 1.2), [1]);
  t.same(allocate(600, [request(CAMERA, 1)], 1.2), [2]);
  t.same(allocate(499, [request(CAMERA, 2)], 1.2), [1]);
  t.end();
});

t.test('never more than there is, and nothing left that someone could use', (t) => {
  const arbitrary = fc.record({
    costs: fc
      .array(fc.integer({ min: 1, max: 1000 }), { maxLength: 6 })
      .map((steps) => steps.map((_, i) => steps.slice(0, i + 1).reduce((sum, step) => sum + step, 0))),
    current: fc.constant(-1),
    priority: fc.integer({ min: 0, max: 2 }),
  });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 8000 }), fc.array(arbitrary, { maxLength: 8 }), (budget, requests) => {
      const chosen = allocate(budget, requests);
      const cost = costOf(requests, chosen);
      if (cost > budget) throw new Error(`${cost} of ${budget}`);
      for (const [i, { costs }] of requests.entries()) {
        const now = chosen[i]!;
        const next = (costs[now + 1] ?? Infinity) - (costs[now] ?? 0);
        // Who has nothing came too late for the least, and does not get it from what others could not use.
        if (now >= 0 && cost + next <= budget) throw new Error(`track ${i} could have had more`);
      }
    }),
  );
  t.end();
});

/** A track with three layers of two temporal ones. */
class Camera implements ControlledTrack {
  wish: LayerWish = EVERYTHING;
  target: LayerTarget | undefined;
  unmeasured = false;
  bitrates: readonly (readonly [number, number, number])[] = [
    [0, 0, 60],
    [0, 1, 100],
    [1, 0, 250],
    [1, 1, 400],
    [2, 0, 1000],
    [2, 1, 1600],
  ];

  options(): LayerOption[] {
    return this.bitrates.map(([rank, temporalId, kbps]) => ({ rank, temporalId, bitrateBps: kbps * 1000 }));
  }

  hasUnmeasured(): boolean {
    return this.unmeasured;
  }

  get layer(): string {
    return this.target ? `${this.target.rank}.${this.target.temporalId}` : 'paused';
  }
}

t.test('layers go down at once and up with room to spare, later each time it was too early', (t) => {
  const controller = new LayerController();
  const camera = new Camera();
  controller.add(camera);
  let nowUs = 0;
  const at = (kbps: number, ms: number): string => {
    for (const end = nowUs + ms * 1000; nowUs < end; nowUs += 100_000) controller.update(kbps * 1000, true, nowUs);
    return camera.layer;
  };
  t.equal(at(130, 100), '0.1', 'the lowest first');
  t.equal(at(2000, 100), '2.1');
  t.equal(controller.wantedBps, 1_600_000, 'and nothing more is looked for');
  t.equal(at(1500, 100), '2.0', 'down at once');
  t.equal(Math.round(controller.wantedBps), 1_840_000, 'with room to spare');
  t.equal(at(420, 100), '1.1');
  t.equal(at(2000, 1500), '1.1', 'not up again right after');
  t.equal(at(2000, 1000), '2.1');
  const flips: string[] = [];
  for (let i = 0; i < 600; i++) {
    const before = camera.layer;
    at(i % 2 === 0 ? 1900 : 1500, 100);
    if (camera.layer !== before) flips.push(camera.layer);
  }
  t.ok(flips.length <= 25, `${flips.length} changes in a minute of an estimate that jumps`);
  t.end();
});

t.test('who does not fit at all is paused, but not for a key frame', (t) => {
  const controller = new LayerController();
  const [one, two] = [new Camera(), new Camera()];
  two.wish = { ...EVERYTHING, priority: 1 };
  controller.add(one);
  controller.add(two);
  let nowUs = 0;
  const at = (kbps: number, ms: number): string[] => {
    for (const end = nowUs + ms * 1000; nowUs < end; nowUs += 100_000) controller.update(kbps * 1000, true, nowUs);
    return [one.layer, two.layer];
  };
  t.same(at(130, 500), ['0.0', '0.0']);
  t.same(at(70, 2500), ['0.0', '0.0']);
  t.same(at(130, 100), ['0.0', '0.0']);
  t.same(at(100, 5000), ['0.0', '0.0'], 'nor when it almost fits');
  t.same(at(70, 3100), ['paused', '0.0'], 'the less important one');
  t.same(at(10, 3200), ['paused', 'paused']);
  t.ok(controller.wantedBps > 0, 'and more is looked for');
  t.same(at(200, 3000), ['0.0', '0.1']);
  controller.remove(two);
  t.equal(at(130, 3000)[0], '0.1');
  t.end();
});

t.test('nobody is paused for want of proof', (t) => {
  const controller = new LayerController();
  const camera = new Camera();
  controller.add(camera);
  for (let nowUs = 0; nowUs < 20e6; nowUs += 100_000) controller.update(10_000, false, nowUs);
  t.equal(camera.layer, '0.0');
  t.end();
});

t.test('who tells nothing of the connection gets everything, who wants nothing nothing', (t) => {
  const controller = new LayerController();
  const camera = new Camera();
  controller.add(camera);
  controller.update(Infinity, false, 0);
  t.equal(camera.layer, '2.1');
  camera.unmeasured = true;
  controller.update(Infinity, false, 100_000);
  t.equal(camera.layer, 'Infinity.Infinity', 'layers too new to be measured too');
  camera.unmeasured = false;
  camera.bitrates = [];
  controller.update(400_000, false, 200_000);
  t.equal(controller.wantedBps, 0);
  t.end();
});
