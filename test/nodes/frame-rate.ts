import * as fc from 'fast-check';
import t from 'tap';
import { parseOptions, portsOf } from '../../src/media/node.js';
import type { VideoFrame } from '../../src/media/video-frame.js';
import { frameRate } from '../../src/nodes/frame-rate.js';
import { numbers, pictures, through, upTo } from './media-lab.js';
import { testContext } from './node-lab.js';

/** One picture, stamped with any times: only those count here. */
function at(...timesUs: number[]): VideoFrame[] {
  const [picture] = pictures(1) as [VideoFrame];
  return timesUs.map((timestamp) => ({ ...picture, timestamp }));
}

const timesOf = (frames: readonly VideoFrame[]): number[] => frames.map(({ timestamp }) => timestamp);

await t.test('frame-rate: fewer pictures', async (t) => {
  const context = testContext();
  const out = await through<VideoFrame>(frameRate, { frameRate: 10 }, pictures(30), context);
  t.same(
    numbers(out),
    upTo(10).map((index) => index * 3),
    'every third',
  );
  t.same(
    timesOf(out),
    upTo(10).map((index) => index * 100_000),
    'at an even distance',
  );
  t.same([...context.drops], [['more pictures than wanted', 20]], 'what is left out is counted');
});

await t.test('frame-rate: more pictures', async (t) => {
  const context = testContext();
  const input = pictures(4);
  const out = await through<VideoFrame>(frameRate, { frameRate: 60 }, input, context);
  t.same(numbers(out), [0, 0, 1, 1, 2, 2, 3], 'each is repeated until the next comes');
  t.same(timesOf(out), [0, 16_667, 33_333, 50_000, 66_667, 83_333, 100_000]);
  t.equal(out[1]?.data, input[0]?.data, 'pixels are shared');
  t.same([...context.drops], []);
});

await t.test('frame-rate: rates that do not divide', async (t) => {
  const input = at(0, 40_000, 80_000, 120_000, 160_000, 200_000);
  const out = timesOf(await through<VideoFrame>(frameRate, { frameRate: 30 }, input));
  t.same(out, [0, 33_333, 66_667, 100_000, 133_333, 166_667, 200_000], '25 to 30');
});

await t.test('frame-rate: the right number comes out as it is', async (t) => {
  const input = pictures(5);
  const out = await through<VideoFrame>(frameRate, {}, input);
  t.ok(
    out.every((frame, index) => frame === input[index]),
    'the very same',
  );
});

await t.test('frame-rate: jitter is made even, a pause stays a pause', async (t) => {
  const jittery = await through<VideoFrame>(frameRate, { frameRate: 20 }, at(7000, 50_000, 112_000, 149_000));
  t.same(timesOf(jittery), [7000, 57_000, 107_000, 157_000]);
  const paused = await through<VideoFrame>(frameRate, { frameRate: 20 }, at(0, 50_000, 9_000_000, 9_050_000));
  t.same(timesOf(paused), [0, 50_000, 9_000_000, 9_050_000], 'nothing is made for it');
});

await t.test('frame-rate: any times come out even, in order, and near where they were', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 60 }),
      fc.array(fc.integer({ min: 0, max: 400_000 }), { minLength: 1, maxLength: 40 }),
      async (perSecond, steps) => {
        let now = 0;
        const input = at(...steps.map((step) => (now += step)));
        const context = testContext();
        const out = timesOf(await through<VideoFrame>(frameRate, { frameRate: perSecond }, input, context));
        const intervalUs = 1_000_000 / perSecond;
        const first = input[0]?.timestamp ?? 0;
        const last = input.at(-1)?.timestamp ?? 0;
        return (
          out.every((time, index) => Math.abs(time - first - index * intervalUs) <= 1) &&
          last - (out.at(-1) ?? 0) <= 0.75 * intervalUs + 2 &&
          (out.at(-1) ?? 0) - last <= 0.25 * intervalUs + 2
        );
      },
    ),
    { numRuns: 50 },
  );
  t.pass('for any times without a pause');
});

await t.test('frame-rate: options and formats', async (t) => {
  t.throws(() => parseOptions(frameRate, { frameRate: 0 }), { code: 'SLUICE_CONFIG_INVALID' });
  const flowing = new Map([['in', [{ kind: 'video', width: 640, height: 480, frameRate: 30 }] as const]]);
  t.same(portsOf(frameRate, parseOptions(frameRate, { frameRate: 10 }), flowing).outputs[0]?.formats, [
    { kind: 'video', width: 640, height: 480, frameRate: 10 },
  ]);
  t.end();
});
