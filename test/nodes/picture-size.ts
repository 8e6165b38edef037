import fc from 'fast-check';
import t from 'tap';
import { pictureSize, sizeFor } from '../../src/codecs/picture-size.js';
import { createVideoEncoder } from '../../src/codecs/video-encoder.js';
import type { EncodedVideoChunk } from '../../src/media/encoded-chunk.js';
import { blackFrame } from '../../src/media/yuv.js';

async function keyOf(codec: 'vp8' | 'h264', width: number, height: number): Promise<EncodedVideoChunk> {
  const encoder = await createVideoEncoder({ codec, width, height, frameRate: 30, bitrate: 300_000 });
  const chunk = encoder.encode(blackFrame(width, height)) ?? encoder.flush()[0];
  encoder.close();
  if (!chunk) throw new Error('no chunk');
  return chunk;
}

await t.test('picture size: what the encoder was set to', async (t) => {
  for (const codec of ['vp8', 'h264'] as const) {
    for (const [width, height] of [
      [16, 16],
      [192, 128],
      [640, 480],
      [854, 480],
      [1280, 720],
      [1920, 1080],
      [50, 34],
    ] as const) {
      t.same(pictureSize(await keyOf(codec, width, height)), { width, height }, `${codec} ${width}x${height}`);
    }
  }
  t.same(pictureSize(await keyOf('vp8', 333, 251)), { width: 333, height: 251 }, 'odd');
  t.equal(pictureSize({ ...(await keyOf('vp8', 64, 64)), type: 'delta' }), undefined);
});

await t.test('picture size: high profile, scaling lists and interlaced fields', async (t) => {
  // Written by hand after section 7.3.2.1.1: profile 100, 4:2:2, one flat scaling list, fields, 16 lines cropped.
  const bits = [
    '01100100',
    '00000000',
    '00101000',
    ue(0),
    ue(2),
    ue(0),
    ue(0),
    '0',
    '1',
    '1',
    ue(15),
    '1'.repeat(15),
    '0'.repeat(7),
    ue(0),
    ue(0),
    ue(0),
    ue(1),
    '0',
    ue(119),
    ue(33),
    '0',
    '1',
    '1',
    '1',
    ue(0),
    ue(0),
    ue(0),
    ue(4),
    '1',
  ].join('');
  const bytes = (bits.padEnd(Math.ceil(bits.length / 8) * 8, '0').match(/.{8}/g) ?? []).map((byte) =>
    parseInt(byte, 2),
  );
  const data = Uint8Array.from([0, 0, 0, 1, 0x67, ...bytes]);
  t.same(pictureSize({ kind: 'encoded-video', codec: 'h264', type: 'key', data, timestamp: 0, duration: 0 }), {
    width: 1920,
    height: 1080,
  });
});

await t.test('picture size: any bytes give a size or nothing', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isH264) => {
      const data = isH264 ? Uint8Array.from([0, 0, 1, 0x67, ...bytes]) : bytes;
      const codec = isH264 ? 'h264' : 'vp8';
      const size = pictureSize({ kind: 'encoded-video', codec, type: 'key', data, timestamp: 0, duration: 0 });
      return size === undefined || (size.width > 0 && size.height > 0);
    }),
    { numRuns: 500 },
  );
  for (const codec of ['vp8', 'h264'] as const) {
    const chunk = await keyOf(codec, 64, 48);
    t.equal(pictureSize({ ...chunk, data: chunk.data.subarray(0, 9) }), undefined, `${codec} cut off`);
  }
});

await t.test('picture size: a side that is left out keeps the shape', async (t) => {
  const picture = { width: 1280, height: 720 };
  t.equal(sizeFor(picture, {}), picture);
  t.same(sizeFor(picture, { width: 640 }), { width: 640, height: 360 });
  t.same(sizeFor(picture, { height: 100 }), { width: 178, height: 100 });
  t.same(sizeFor(picture, { width: 10, height: 300 }), { width: 10, height: 300 });
  t.same(sizeFor({ width: 1000, height: 2 }, { width: 10 }), { width: 10, height: 2 });
});

function ue(value: number): string {
  const binary = (value + 1).toString(2);
  return '0'.repeat(binary.length - 1) + binary;
}
