import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import t from 'tap';
import type { EncodedVideoChunk } from '../../src/media/encoded-chunk.js';
import { pictureSize } from '../../src/codecs/picture-size.js';
import { parseOptions, portsOf } from '../../src/media/node.js';
import type { VideoFrame } from '../../src/media/video-frame.js';
import { videoDecoder } from '../../src/nodes/video-decoder.js';
import { videoEncoder } from '../../src/nodes/video-encoder.js';
import { HEIGHT, WIDTH, make, numbers, codecsAtRest, pictures, through, upTo, videoOf } from './media-lab.js';
import { collect, settle, testContext } from './node-lab.js';

for (const codec of ['vp8', 'h264'] as const) {
  await t.test(`video codecs: every picture comes out of ${codec}, in its place`, async (t) => {
    const chunks = await videoOf(45, 7_000_000, { codec, keyFrameIntervalMs: 500 });
    t.same(
      chunks.map(({ type }) => type),
      upTo(45).map((i) => (i % 15 === 0 ? 'key' : 'delta')),
    );
    t.ok(chunks.every((chunk) => chunk.codec === codec));
    const frames = await through<VideoFrame>(videoDecoder, {}, chunks);
    t.same(numbers(frames), upTo(45));
    t.same(
      frames.map(({ timestamp }) => timestamp),
      pictures(45, { startUs: 7_000_000 }).map(({ timestamp }) => timestamp),
    );
  });
}

await t.test('video-encoder: a key frame when it is asked for', async (t) => {
  const stream = (await make(videoEncoder, {})) as Duplex & { requestKeyFrame(): void };
  const chunks = collect<EncodedVideoChunk>(stream);
  for (const [i, frame] of pictures(10).entries()) {
    if (i === 6) stream.requestKeyFrame();
    await new Promise((resolve) => stream.write(frame, resolve));
  }
  stream.end();
  t.same(
    (await chunks).map(({ type }) => type),
    upTo(10).map((i) => (i === 0 || i === 6 ? 'key' : 'delta')),
  );
});

await t.test('video-encoder: size and bitrate', async (t) => {
  const sizeOf = async (options: object): Promise<object | undefined> => {
    const [key] = await through<EncodedVideoChunk>(videoEncoder, options, pictures(1, { width: 333, height: 251 }));
    return key && pictureSize(key);
  };
  t.same(await sizeOf({}), { width: 333, height: 251 });
  t.same(await sizeOf({ codec: 'h264' }), { width: 332, height: 250 }, 'even for H.264');
  t.same(await sizeOf({ width: 192 }), { width: 192, height: 144 }, 'the shape is kept');
  t.same(await sizeOf({ width: 192, height: 128 }), { width: 192, height: 128 });
  const mixed = [...pictures(5), ...pictures(5, { first: 5, width: 384, height: 256, startUs: 200_000 })];
  const frames = await through<VideoFrame>(videoDecoder, {}, await through<EncodedVideoChunk>(videoEncoder, {}, mixed));
  t.same(
    frames.map(({ width }) => width),
    upTo(10).map((n) => (n < 5 ? WIDTH : 384)),
    'each as large as it came',
  );
  const fixed = await through<EncodedVideoChunk>(videoEncoder, { width: 192, height: 128 }, mixed);
  const sized = await through<VideoFrame>(videoDecoder, {}, fixed);
  t.ok(
    sized.every(({ width, height }) => width === 192 && height === 128),
    'or all as it is asked for',
  );
  t.equal(fixed.filter(({ type }) => type === 'key').length, 1, 'without another key frame');
  t.same(numbers(frames), upTo(10));
  const noisy = pictures(60).map((frame, n) => ({
    ...frame,
    data: frame.data.map((luma, i) => luma + (((i * 7919 + n * 104_729) % 251) % 16)),
  }));
  for (const bitrate of [100_000, 1_000_000]) {
    const chunks = await through<EncodedVideoChunk>(videoEncoder, { bitrate }, noisy);
    const bitsPerSecond = (chunks.slice(1).reduce((sum, { data }) => sum + data.length, 0) * 8) / 2;
    t.ok(bitsPerSecond > bitrate / 2 && bitsPerSecond < bitrate * 1.3, `${bitsPerSecond} bit/s for ${bitrate}`);
  }
  t.throws(() => parseOptions(videoEncoder, { width: 1920, height: 1920 }), { code: 'SLUICE_CONFIG_INVALID' });
  await t.rejects(through(videoEncoder, {}, [{ ...(pictures(1)[0] as VideoFrame), width: 64 }]), {
    code: 'SLUICE_FORMAT_MISMATCH',
  });
});

/** How many values a stream takes in while nobody reads it. */
async function takenUnread(stream: Duplex, values: readonly unknown[]): Promise<number> {
  let taken = 0;
  for (const value of values) stream.write(value, () => taken++);
  stream.end();
  while (stream.readableLength < stream.readableHighWaterMark) await settle();
  // By the time that others have got so much through a codec, this one would have taken everything.
  for (let i = 0; i < 2; i++) await videoOf(40);
  return taken;
}

await t.test('video codecs: what nobody reads is not taken in, and nothing is lost for it', async (t) => {
  const encoder = await make(videoEncoder);
  const encoded = await takenUnread(encoder, pictures(40));
  t.ok(encoded <= 8, `the encoder took ${encoded} pictures`);
  const chunks = await collect<EncodedVideoChunk>(encoder);
  t.equal(chunks.length, 40);
  const decoder = await make(videoDecoder);
  const decoded = await takenUnread(decoder, chunks);
  t.ok(decoded <= 9, `the decoder took ${decoded} chunks`);
  t.same(numbers(await collect<VideoFrame>(decoder)), upTo(40));
});

await t.test('video-decoder: what cannot be decoded is counted up to the next key frame', async (t) => {
  const chunks = await videoOf(60, 0, { keyFrameIntervalMs: 500 });
  const context = testContext();
  const late = await through<VideoFrame>(videoDecoder, {}, chunks.slice(5), context);
  t.same(numbers(late), upTo(45, 15));
  t.same([...context.drops], [['waiting for a key frame', 10]], 'more than fit into the thread at a time');

  const second = testContext();
  const broken = chunks.map((chunk, i) => (i === 20 ? { ...chunk, data: new Uint8Array(0) } : chunk));
  const frames = await through<VideoFrame>(videoDecoder, {}, broken, second);
  t.same(numbers(frames), [...upTo(20), ...upTo(30, 30)]);
  t.same(
    [...second.drops],
    [
      ['broken chunk', 1],
      ['waiting for a key frame', 9],
    ],
  );
});

await t.test('video-decoder: the codec may change', async (t) => {
  const values = [
    ...(await videoOf(10, 0)),
    ...(await videoOf(10, 400_000, { codec: 'h264' })),
    ...(await videoOf(10, 800_000)).slice(2),
  ];
  const context = testContext();
  const frames = await through<VideoFrame>(videoDecoder, {}, values, context);
  t.same(numbers(frames), [...upTo(10), ...upTo(10)]);
  t.same([...context.drops], [['waiting for a key frame', 8]]);
});

await t.test('video-decoder: pixel formats', async (t) => {
  const chunks = await videoOf(1);
  for (const [format, bytes] of [
    ['RGB24', 3],
    ['ARGB32', 4],
  ] as const) {
    const [frame] = await through<VideoFrame>(videoDecoder, { format }, chunks);
    t.match(frame, { format, width: WIDTH, height: HEIGHT });
    t.equal(frame?.data.length, WIDTH * HEIGHT * bytes);
    t.ok((frame?.data[(8 * WIDTH + 8) * bytes] ?? 0) > 230, 'the first block is white');
    t.match(portsOf(videoDecoder, parseOptions(videoDecoder, { format })).outputs[0]?.formats, [
      { kind: 'video', format },
    ]);
  }
});

await t.test('video codecs: destroyed at any time they leave nothing behind', async (t) => {
  const chunks = await videoOf(8);
  await codecsAtRest();
  for (const [def, values] of [
    [videoEncoder, pictures(8)],
    [videoDecoder, chunks],
  ] as const) {
    for (const when of ['opening', 'working'] as const) {
      const stream = await make(def);
      for (const value of values) stream.write(value);
      if (when === 'working') await once(stream, 'readable');
      const closed = new Promise((resolve) => stream.once('close', resolve));
      stream.destroy();
      await closed;
      // A codec that was still being opened is closed as soon as it is there.
      t.ok(await codecsAtRest(), `${def.type} while ${when}`);
    }
  }
});
