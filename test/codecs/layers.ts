import t from 'tap';
import { openLayeredEncoder } from '../../src/codecs/codec-thread.js';
import { type LayerChunk, type LayerOrder, createLayeredEncoder } from '../../src/codecs/layered-encoder.js';
import { createVideoDecoder } from '../../src/codecs/video-decoder.js';
import { VIDEO_CODECS, type VideoCodec } from '../../src/media/encoded-chunk.js';
import type { VideoFrame } from '../../src/media/video-frame.js';
import { blackFrame, i420Planes } from '../../src/media/yuv.js';
import { numbered, readNumber } from './pictures.js';

const SIZES = [
  [160, 90],
  [320, 180],
  [640, 360],
] as const;

function order(layer: 0 | 1 | 2, more: Partial<LayerOrder> = {}): LayerOrder {
  const [width, height] = SIZES[layer];
  return { layer, width, height, bitrate: 300_000 * (layer + 1), frameRate: 30, keyFrame: false, ...more };
}

/** What the chunks of one layer show: the numbers of the pictures, with their sizes and times. */
async function shown(codec: VideoCodec, chunks: readonly LayerChunk[], layer: number): Promise<string[]> {
  const decoder = await createVideoDecoder({ codec });
  const out = chunks
    .filter((chunk) => chunk.layer === layer)
    .map((chunk) => {
      const frame = decoder.decode(chunk);
      return frame ? `${readNumber(frame)} ${frame.width}x${frame.height} @${frame.timestamp}` : 'nothing';
    });
  decoder.close();
  return out;
}

for (const codec of VIDEO_CODECS) {
  await t.test(`${codec}: each layer shows each picture in its own size`, async (t) => {
    const encoder = await createLayeredEncoder({ codec });
    const chunks: LayerChunk[] = [];
    for (let i = 0; i < 3; i++) {
      chunks.push(...encoder.encode(numbered(640, 360, i), i * 33_333, [order(0), order(1), order(2)]));
    }
    for (const layer of [0, 1, 2]) {
      const [width, height] = SIZES[layer as 0 | 1 | 2];
      t.same(
        await shown(codec, chunks, layer),
        [0, 1, 2].map((i) => `${i} ${width}x${height} @${i * 33_333}`),
      );
    }
    t.same(
      chunks.map((chunk) => `${chunk.layer} ${chunk.type} ${chunk.width}x${chunk.height}`),
      ['key', 'delta', 'delta'].flatMap((type) => [`2 ${type} 640x360`, `1 ${type} 320x180`, `0 ${type} 160x90`]),
    );
    encoder.close();
    t.throws(() => encoder.encode(undefined, 0, []), { code: 'SLUICE_STATE_INVALID' });
  });
}

await t.test('only what is ordered is made; a layer that comes back begins with a key frame', async (t) => {
  const encoder = await createLayeredEncoder({ codec: 'vp8' });
  t.throws(() => encoder.encode(undefined, 0, [order(0)]), { code: 'SLUICE_STATE_INVALID' }, 'no picture yet');
  const chunks: LayerChunk[] = [];
  const show = (number: number | undefined, atMs: number, ...orders: LayerOrder[]): string => {
    const made = encoder.encode(number === undefined ? undefined : numbered(640, 360, number), atMs * 1000, orders);
    chunks.push(...made);
    return made.map((chunk) => `${chunk.layer} ${chunk.type}`).join(', ');
  };
  t.equal(show(1, 0, order(2)), '2 key');
  t.equal(show(2, 33, order(0), order(2)), '2 delta, 0 key');
  t.equal(show(undefined, 66, order(0)), '0 delta', 'the last picture again');
  t.equal(show(3, 100, order(0, { keyFrame: true }), order(2)), '2 delta, 0 key', 'a key frame for one of them');
  t.equal(show(4, 133), '');
  for (let i = 0; i < 120; i++) show(5, 166 + i * 33, order(0));
  t.equal(show(6, 8000, order(0), order(2)), '2 key, 0 delta', 'it was closed in the meantime');
  t.equal(show(7, 8033, order(0, { width: 80, height: 46 }), order(2)), '2 delta, 0 key', 'another size');
  t.same((await shown('vp8', chunks, 2)).slice(-2), ['6 640x360 @8000000', '7 640x360 @8033000']);
  t.same((await shown('vp8', chunks, 0)).slice(0, 3), ['2 160x90 @33000', '2 160x90 @66000', '3 160x90 @100000']);
  encoder.close();
});

await t.test('a layer that leaves pictures out saves their bits: it is not given them later', async (t) => {
  const bits = async (keep: (i: number) => boolean): Promise<number> => {
    const encoder = await createLayeredEncoder({ codec: 'vp8' });
    let sum = 0;
    for (let i = 0; i < 90; i++) {
      if (!keep(i)) continue;
      const one = order(1, { bitrate: 200_000 });
      for (const chunk of encoder.encode(texture(i), i * 33_333, [one])) if (i >= 30) sum += chunk.data.length * 8;
    }
    encoder.close();
    return sum;
  };
  const all = await bits(() => true);
  const most = await bits((i) => i % 3 > 0);
  t.ok(all > 320_000 && all < 480_000, `${all} in 2 s`);
  t.ok(most < all * 0.8, `${most} with every third picture left out`);
});

await t.test('in a codec thread: given pictures are taken over, chunks come in order, errors are told', async (t) => {
  const encoder = await openLayeredEncoder({ codec: 'vp8' });
  const chunks: LayerChunk[] = [];
  const errors: string[] = [];
  const answered = async (): Promise<void> => {
    while (encoder.pending > 0)
      await new Promise<void>((resolve) => {
        encoder.onAnswer(resolve);
      });
  };
  encoder.onChunk((chunk) => chunks.push(chunk));
  encoder.onError((error) => errors.push(error.code));
  const given = numbered(640, 360, 1);
  const kept = numbered(640, 360, 2);
  encoder.encode(given, 0, [order(0), order(1)], { transfer: true });
  encoder.encode(kept, 33_000, [order(0), order(1)]);
  encoder.encode(undefined, 66_000, [order(1)]);
  t.equal(encoder.pending, 3);
  t.equal(given.data.length, 0, 'given away');
  t.equal(readNumber(kept), 2);
  await answered();
  t.same(await shown('vp8', chunks, 1), ['1 320x180 @0', '2 320x180 @33000', '2 320x180 @66000']);
  t.same(await shown('vp8', chunks, 0), ['1 160x90 @0', '2 160x90 @33000']);
  encoder.encode({ ...kept, width: 3 }, 99_000, [order(0)]);
  await answered();
  t.same(errors, ['SLUICE_FORMAT_MISMATCH']);
  await encoder.close();
});

/** A texture that moves. */
function texture(number: number): VideoFrame {
  const frame = blackFrame(640, 360);
  const { y } = i420Planes(frame);
  for (let row = 0; row < 360; row++)
    for (let x = 0; x < 640; x++) y.data[row * 640 + x] = 80 + (((x + number * 3) * (row + number)) % 97);
  return frame;
}
