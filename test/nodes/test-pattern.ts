import * as fc from 'fast-check';
import t from 'tap';
import { parseOptions } from '../../src/media/node.js';
import { drawPattern, readPattern } from '../../src/media/pattern.js';
import { frameSizeBytes, type VideoFrame } from '../../src/media/video-frame.js';
import { testPattern } from '../../src/nodes/test-pattern.js';
import { collect, testContext } from './node-lab.js';

const SIZES = [
  [192, 128],
  [320, 240],
  [640, 480],
  [1280, 720],
  [333, 251],
] as const;

/** Half the size, each pixel the mean of four. */
function halved(data: Uint8Array, width: number, height: number): { data: Uint8Array; width: number; height: number } {
  const small = { width: width >> 1, height: height >> 1 };
  const out = new Uint8Array(frameSizeBytes('YUV420P', small.width, small.height));
  for (let y = 0; y < small.height; y++) {
    for (let x = 0; x < small.width; x++) {
      const at = 2 * y * width + 2 * x;
      out[y * small.width + x] =
        ((data[at] ?? 0) + (data[at + 1] ?? 0) + (data[at + width] ?? 0) + (data[at + width + 1] ?? 0)) / 4;
    }
  }
  return { data: out, ...small };
}

await t.test('test-pattern: the number reads back', async (t) => {
  for (const [width, height] of SIZES) {
    fc.assert(
      fc.property(fc.nat(65_535), fc.integer(), (number, seed) => {
        const data = drawPattern(number, width, height);
        if (data.length !== frameSizeBytes('YUV420P', width, height)) return false;
        // Noise of a third of the whole range stands for what coding does.
        let random = seed | 1;
        const noisy = data.map((luma) => {
          random = (Math.imul(random, 1_103_515_245) + 12_345) | 0;
          return Math.min(255, Math.max(0, luma + ((random >> 16) % 40)));
        });
        const small = halved(noisy, width, height);
        return [
          readPattern({ data, width, height }),
          readPattern({ data: noisy, width, height }),
          readPattern(small),
        ].every((read) => read === number);
      }),
      { numRuns: width > 700 ? 3 : 20 },
    );
  }
  t.pass('as drawn, with noise, and at half the size');
  t.end();
});

await t.test('test-pattern: a picture without a number has none', async (t) => {
  const [width, height] = [320, 240];
  const size = frameSizeBytes('YUV420P', width, height);
  for (const luma of [0, 16, 128, 235, 255])
    t.equal(readPattern({ data: new Uint8Array(size).fill(luma), width, height }), undefined, `all ${luma}`);
  const data = drawPattern(1234, width, height);
  for (let block = 0; block < 24; block++) {
    const broken = data.slice();
    const top = Math.floor(block / 12) * 30;
    const left = Math.round(((block % 12) * width) / 12);
    for (let y = top; y < top + 30; y++)
      for (let x = left; x < left + 26; x++) broken[y * width + x] = 251 - (broken[y * width + x] ?? 0);
    t.equal(readPattern({ data: broken, width, height }), undefined, `block ${block} turned over is noticed`);
  }
  t.end();
});

await t.test('test-pattern: pictures in order, moving', async (t) => {
  const options = parseOptions(testPattern, { width: 192, height: 128, fps: 25, durationMs: 1000, live: false });
  const frames = await collect<VideoFrame>(await testPattern.create(options, testContext()));
  t.same(
    frames.map(readPattern),
    Array.from({ length: 25 }, (_, index) => index),
  );
  t.same(
    frames.map((frame) => frame.timestamp),
    Array.from({ length: 25 }, (_, index) => index * 40_000),
  );
  const bottom = (frame: VideoFrame | undefined): string => String(frame?.data.subarray(127 * 192, 128 * 192));
  t.not(bottom(frames[0]), bottom(frames[1]), 'the bars move');
  t.throws(() => parseOptions(testPattern, { width: 4000, height: 1000 }), { code: 'SLUICE_CONFIG_INVALID' });
});
