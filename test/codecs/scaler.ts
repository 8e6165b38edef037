import t from 'tap';
import fc from 'fast-check';
import { createScaler } from '../../src/codecs/scaler.js';
import {
  type PixelFormat,
  type VideoFrame,
  PIXEL_FORMATS,
  checkVideoFrame,
  frameSizeBytes,
} from '../../src/media/video-frame.js';
import { BLACK, WHITE, blackFrame, fillRect, greyRamp, i420Planes } from '../../src/media/yuv.js';
import { meanDifference, numbered, readNumber } from './pictures.js';

function solid(width: number, height: number, format: PixelFormat, pixel: readonly number[]): VideoFrame {
  const data = new Uint8Array(frameSizeBytes(format, width, height));
  for (let i = 0; i < data.length; i++) data[i] = pixel[i % pixel.length] ?? 0;
  return { kind: 'video', data, width, height, format, timestamp: 7 };
}

t.test('pictures of YUV maths', (t) => {
  const black = blackFrame(5, 3, 42);
  checkVideoFrame(black);
  t.same([...black.data], [...Array<number>(15).fill(16), ...Array<number>(12).fill(128)]);
  t.equal(black.timestamp, 42);
  const { y, u, v } = i420Planes(black);
  t.same([y.width, y.height, u.width, u.height, v.data.length], [5, 3, 3, 2, 6]);
  fillRect(black, { x: 3, y: -1, width: 9, height: 3 }, { y: 200, u: 10, v: 20 });
  t.same([...y.data], [16, 16, 16, 200, 200, 16, 16, 16, 200, 200, 16, 16, 16, 16, 16]);
  t.same([...u.data], [128, 10, 10, 128, 128, 128]);
  t.same([...v.data], [128, 20, 20, 128, 128, 128]);
  fillRect(black, { x: 5, y: 0, width: 4, height: 4 }, WHITE);
  t.equal(y.data[4], 200, 'a rectangle outside changes nothing');
  const ramp = i420Planes(greyRamp(256, 2)).y.data;
  t.same([ramp[0], ramp[255], ramp[256], ramp[511]], [16, 235, 16, 235]);
  t.equal(greyRamp(1, 1).data[0], BLACK.y);
  t.end();
});

t.test('RGB24 is B,G,R and ARGB32 is B,G,R,A', async (t) => {
  const scaler = await createScaler();
  const red = { y: 81, u: 90, v: 240 };
  const rgb = scaler.scale(blackFrame(32, 16, 7, red), { width: 32, height: 16, format: 'RGB24' });
  checkVideoFrame(rgb);
  const [b = 0, g = 0, r = 0] = rgb.data;
  t.ok(b < 8 && g < 8 && r > 247, `red is ${b},${g},${r}`);
  t.equal(rgb.timestamp, 7);
  const argb = scaler.scale(solid(32, 16, 'RGB24', [255, 0, 0]), { width: 32, height: 16, format: 'ARGB32' });
  t.same([...argb.data.subarray(0, 8)], [255, 0, 0, 255, 255, 0, 0, 255], 'blue, and opaque');
  const back = scaler.scale(solid(32, 16, 'ARGB32', [255, 0, 0, 255]), { width: 32, height: 16, format: 'YUV420P' });
  const planes = i420Planes(back);
  t.ok(Math.abs((planes.y.data[0] ?? 0) - 41) < 3 && Math.abs((planes.u.data[0] ?? 0) - 240) < 3, 'blue in BT.601');
  scaler.close();
});

t.test('every format and odd sizes come back as they were', async (t) => {
  const scaler = await createScaler();
  for (const [width, height] of [
    [64, 48],
    [63, 47],
    [1, 1],
    [2, 1],
    [17, 31],
    [426, 240],
  ] as const) {
    const picture = numbered(width, height, 0xa5);
    for (const format of PIXEL_FORMATS) {
      const there = scaler.scale(picture, { width, height, format });
      checkVideoFrame(there);
      const back = scaler.scale(there, { width, height, format: 'YUV420P' });
      const difference = meanDifference(picture.data, back.data);
      t.ok(difference < 6, `${format} at ${width}x${height}: ${difference}`);
    }
  }
  scaler.close();
});

t.test('identity gives the same frame, and results are not overwritten by later ones', async (t) => {
  const scaler = await createScaler();
  const picture = numbered(320, 180, 77);
  t.equal(scaler.scale(picture, { width: 320, height: 180, format: 'YUV420P' }), picture);
  const small = scaler.scale(picture, { width: 160, height: 90, format: 'YUV420P' });
  const copy = small.data.slice();
  t.equal(readNumber(small), 77);
  t.equal(readNumber(scaler.scale(numbered(320, 180, 12), { width: 160, height: 90, format: 'YUV420P' })), 12);
  t.ok(Buffer.from(copy).equals(small.data), 'the first one is what it was');
  t.equal(readNumber(scaler.scale(picture, { width: 640, height: 360, format: 'YUV420P' })), 77, 'larger');
  scaler.close();
  t.throws(() => scaler.scale(picture, { width: 8, height: 8, format: 'YUV420P' }), { code: 'SLUICE_STATE_INVALID' });
});

t.test('any size can be made of any other', async () => {
  const scaler = await createScaler();
  const side = fc.integer({ min: 1, max: 130 });
  const format = fc.constantFrom(...PIXEL_FORMATS);
  fc.assert(
    fc.property(side, side, format, side, side, format, (width, height, from, toWidth, toHeight, to) => {
      const out = scaler.scale(solid(width, height, from, [128]), { width: toWidth, height: toHeight, format: to });
      checkVideoFrame(out);
      return (
        out.width === toWidth &&
        out.height === toHeight &&
        out.data.every((byte) => byte === 255 || Math.abs(byte - 128) < 5)
      );
    }),
    { numRuns: 60 },
  );
  scaler.close();
});

t.test('impossible pictures are refused', async (t) => {
  const scaler = await createScaler();
  const picture = blackFrame(16, 16);
  for (const [width, height] of [
    [0, 4],
    [1.5, 4],
    [4000, 4000],
    [NaN, 1],
  ] as const) {
    t.throws(() => scaler.scale(picture, { width, height, format: 'RGB24' }), { code: 'SLUICE_FORMAT_MISMATCH' });
  }
  t.throws(() => scaler.scale({ ...picture, width: 20 }, { width: 8, height: 8, format: 'RGB24' }), {
    code: 'SLUICE_FORMAT_MISMATCH',
  });
  scaler.close();
});
