import t, { type Test } from 'tap';
import { openLayeredEncoder } from '../../src/codecs/codec-thread.js';
import { type LayerChunk, type LayerOrder, createLayeredEncoder } from '../../src/codecs/layered-encoder.js';
import type { TemporalPlace } from '../../src/codecs/temporal-layers.js';
import { createVideoDecoder } from '../../src/codecs/video-decoder.js';
import { drawPattern, readPattern } from '../../src/media/pattern.js';
import type { VideoFrame } from '../../src/media/video-frame.js';
import { blackFrame, i420Planes } from '../../src/media/yuv.js';

const WIDTH = 320;
const HEIGHT = 192;
const L1T3 = { codec: 'vp8', scalabilityMode: 'L1T3' } as const;

function order(more: Partial<LayerOrder> = {}): LayerOrder {
  return { layer: 0, width: WIDTH, height: HEIGHT, bitrate: 200_000, frameRate: 30, keyFrame: false, ...more };
}

/** The numbered pattern over a ground that moves and is never the same, so that pictures have to build on each other. */
function picture(number: number): VideoFrame {
  const frame = blackFrame(WIDTH, HEIGHT, number * 33_333);
  frame.data.set(drawPattern(number, WIDTH, HEIGHT));
  const { y } = i420Planes(frame);
  for (let row = HEIGHT / 4; row < HEIGHT; row++)
    for (let x = 0; x < WIDTH; x++) y.data[row * WIDTH + x] = 60 + (((x + number * 2) * (row + 40)) % 131);
  return frame;
}

/** Encodes pictures 0 to `count`, as ordered. */
async function encode(count: number, ordered: (number: number) => Partial<LayerOrder> = () => ({})) {
  const encoder = await createLayeredEncoder(L1T3);
  const chunks: LayerChunk[] = [];
  for (let i = 0; i < count; i++) {
    const [chunk] = encoder.encode(picture(i), i * 33_333, [order(ordered(i))]);
    if (!chunk) throw new Error(`picture ${i} was left out`);
    chunks.push(chunk);
  }
  encoder.close();
  return chunks;
}

/** The picture of each chunk. */
async function decode(chunks: readonly LayerChunk[]): Promise<VideoFrame[]> {
  const decoder = await createVideoDecoder({ codec: 'vp8' });
  const frames = chunks.map((chunk) => {
    const frame = decoder.decode(chunk);
    if (!frame) throw new Error(`the picture at ${chunk.timestamp} µs cannot be decoded`);
    return frame;
  });
  decoder.close();
  return frames;
}

function placeOf({ temporal }: LayerChunk): TemporalPlace {
  if (!temporal) throw new Error('a chunk does not say its place');
  return temporal;
}

function describe(chunk: LayerChunk): string {
  const { temporalId, layerSync, nonReference } = placeOf(chunk);
  return `${chunk.type === 'key' ? 'K' : ''}${temporalId}${layerSync ? 'Y' : ''}${nonReference ? 'N' : ''}`;
}

/** Pixel by pixel what they are with all layers, and the right pictures at that. */
async function assertSame(t: Test, kept: readonly LayerChunk[], all: ReadonlyMap<number, VideoFrame>, what: string) {
  const frames = await decode(kept);
  const broken = frames.filter(({ data, timestamp }) => !Buffer.from(data).equals(all.get(timestamp)!.data));
  t.same(
    broken.map(({ timestamp }) => timestamp),
    [],
    `${what}: as with all layers`,
  );
  t.same(
    frames.map((frame) => readPattern(frame)),
    kept.map(({ timestamp }) => Math.round(timestamp / 33_333)),
    `${what}: each what it should be`,
  );
}

t.test('three temporal layers: every fourth picture, every other, all; four pictures build on one', async (t) => {
  const chunks = await encode(10, (number) => ({ keyFrame: number === 6 }));
  t.same(chunks.map(describe), ['K0', '2YN', '1Y', '2N', '0', '2YN', 'K0', '2YN', '1Y', '2N']);
});

t.test('pictures are the same without the layers above them', async (t) => {
  // Key frames in the middle of a group, and steps of the bitrate, which open another encoder.
  const chunks = await encode(240, (number) => ({
    keyFrame: [33, 102, 104, 171].includes(number),
    bitrate: number < 120 ? 200_000 : number < 200 ? 60_000 : 500_000,
  }));
  const keys = chunks.flatMap(({ type }, number) => (type === 'key' ? [number] : []));
  t.ok(keys.includes(120) && keys.length > 6, `keys at ${keys.join(', ')}`);
  t.ok(chunks.every(({ type, temporal }) => type === 'delta' || temporal?.temporalId === 0));
  const frames = await decode(chunks);
  const all = new Map(frames.map((frame) => [frame.timestamp, frame]));
  for (const limit of [0, 1, 2]) {
    const kept = chunks.filter((chunk) => placeOf(chunk).temporalId <= limit);
    await assertSame(t, kept, all, `up to layer ${limit}`);
  }
  await assertSame(
    t,
    chunks.filter((chunk) => !placeOf(chunk).nonReference || chunk.timestamp % 2 === 0),
    all,
    'without some that nobody needs',
  );
});

t.test('a layer can be taken up again where its picture says so', async (t) => {
  const chunks = await encode(160, (number) => ({ keyFrame: number === 70 }));
  const all = new Map((await decode(chunks)).map((frame) => [frame.timestamp, frame]));
  for (const stepwise of [true, false]) {
    let shown = 2;
    const kept = chunks.filter((chunk, number) => {
      const { temporalId, layerSync } = placeOf(chunk);
      const wanted = [2, 0, 2, 1, 0, 1, 2][Math.floor((number + 1) / 10) % 7]!;
      if (shown > wanted) shown = wanted;
      // One by one, or as LiveKit's server does it: to whatever layer has such a picture.
      const next = stepwise ? temporalId === shown + 1 : temporalId > shown;
      if (layerSync && next && temporalId <= wanted) shown = temporalId;
      return temporalId <= shown;
    });
    t.ok(kept.length > 70 && kept.length < 110, `${kept.length} of 160`);
    await assertSame(t, kept, all, stepwise ? 'one layer at a time' : 'two at once');
  }
});

t.test('pictures that are left out before they are encoded do not upset the order', async (t) => {
  const encoder = await createLayeredEncoder(L1T3);
  const chunks: LayerChunk[] = [];
  for (let i = 0; i < 90; i++) {
    // Every other one for a while, now and then one more: what the quality ladder and the bit budget do.
    if ((i >= 30 && i < 60 && i % 2 === 1) || i % 13 === 5) continue;
    const frameRate = i >= 30 && i < 60 ? 15 : 30;
    chunks.push(...encoder.encode(picture(i), i * 33_333, [order({ frameRate })]));
  }
  encoder.close();
  t.same(
    chunks.map((chunk) => placeOf(chunk).temporalId),
    chunks.map((_, index) => [0, 2, 1, 2][index % 4]),
  );
  const all = new Map((await decode(chunks)).map((frame) => [frame.timestamp, frame]));
  for (const limit of [0, 1, 2]) {
    const kept = chunks.filter((chunk) => placeOf(chunk).temporalId <= limit);
    await assertSame(t, kept, all, `up to layer ${limit}`);
  }
});

t.test('the bitrate is kept to; the base takes its share of it', async (t) => {
  const chunks = (await encode(240, () => ({ bitrate: 260_000 }))).slice(60);
  const bitsPerSecond = (limit: number): number =>
    chunks.reduce((sum, chunk) => sum + (placeOf(chunk).temporalId <= limit ? chunk.data.length * 8 : 0), 0) / 6;
  const [base, half, all] = [bitsPerSecond(0), bitsPerSecond(1), bitsPerSecond(2)];
  t.ok(all > 220_000 && all < 286_000, `${all} bit/s of 260,000`);
  t.ok(Math.abs(base / all - 0.45) < 0.05 && Math.abs(half / all - 0.6) < 0.06, `${base} and ${half} of ${all}`);
});

t.test('places come through the codec thread; without temporal layers there are none', async (t) => {
  for (const scalabilityMode of ['L1T3', 'L1T1'] as const) {
    const encoder = await openLayeredEncoder({ codec: 'vp8', scalabilityMode });
    const places: (number | undefined)[] = [];
    encoder.onChunk(({ temporal }) => places.push(temporal?.temporalId));
    for (let i = 0; i < 4; i++) encoder.encode(picture(i), i * 33_333, [order()]);
    while (encoder.pending > 0)
      await new Promise<void>((resolve) => {
        encoder.onAnswer(resolve);
      });
    t.same(places, scalabilityMode === 'L1T3' ? [0, 2, 1, 2] : [undefined, undefined, undefined, undefined]);
    await encoder.close();
  }
  const refused = openLayeredEncoder({ codec: 'h264', scalabilityMode: 'L1T3' });
  await t.rejects(refused, { code: 'SLUICE_CONFIG_INVALID' });
});
