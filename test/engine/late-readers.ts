import t from 'tap';
import { createVideoEncoder } from '../../src/codecs/video-encoder.js';
import { MediaReader } from '../../src/engine/media-reader.js';
import type { EngineEvents } from '../../src/engine/port.js';
import { VideoReading } from '../../src/engine/video/video-reading.js';
import { VideoReceiver } from '../../src/engine/video/video-receiver.js';
import { VirtualClock } from '../../src/media/clock.js';
import type { EncodedVideoChunk } from '../../src/media/encoded-chunk.js';
import { drawPattern, readPattern } from '../../src/media/pattern.js';
import type { VideoFrame } from '../../src/media/video-frame.js';

const WIDTH = 192;
const HEIGHT = 128;
const FRAME_MS = 1000 / 30;

/** Chunks of numbered pictures, the first of which alone is a key frame. */
async function pictures(count: number): Promise<EncodedVideoChunk[]> {
  const options = { codec: 'vp8', width: WIDTH, height: HEIGHT, frameRate: 30, bitrate: 300_000 } as const;
  const encoder = await createVideoEncoder(options);
  const chunks = Array.from({ length: count }, (_, number) => {
    const data = drawPattern(number, WIDTH, HEIGHT);
    const timestamp = Math.round(number * FRAME_MS * 1000);
    const frame = { kind: 'video', data, width: WIDTH, height: HEIGHT, format: 'YUV420P', timestamp } as const;
    return encoder.encode(frame, { keyFrame: number === 0 })!;
  });
  encoder.close();
  return chunks;
}

function setUp(maxLagMs: number) {
  const clock = new VirtualClock();
  const shown: (number | undefined)[] = [];
  let lost = 0;
  let requests = 0;
  let told = (): void => undefined;
  const reader = new MediaReader(1, 'video', maxLagMs, (name, args) => {
    if (name === 'media') shown.push(readPattern((args as EngineEvents['media']).value as VideoFrame));
    else lost += (args as EngineEvents['overflow']).values;
    told();
  });
  const source = new VideoReceiver({
    clock,
    roundTripUs: () => 0,
    requestPackets: () => undefined,
    requestKeyFrame: () => {
      requests++;
      return true;
    },
  });
  const reading = new VideoReading({
    clock,
    reader,
    encoded: false,
    pixelFormat: 'YUV420P',
    maxLagMs,
    onError: (error) => t.fail(String(error)),
  });
  reading.attach(source);
  /** Waits until so many pictures have been shown. */
  const until = async (count: number): Promise<void> => {
    while (shown.length < count) await new Promise<void>((resolve) => (told = resolve));
  };
  return { clock, reading, shown, until, lost: () => lost, requests: () => requests };
}

t.test('a reader that is too slow gets the newest picture, once it has fallen behind as far as it may', async (t) => {
  const chunks = await pictures(150);
  const { clock, reading, shown, until, lost, requests } = setUp(300);
  const delays: number[] = [];
  reading.grant(1);
  for (const [number, chunk] of chunks.entries()) {
    reading.encodedVideo({ ...chunk, data: Buffer.from(chunk.data) });
    if (number % 5 === 0) {
      await until(1 + number / 5);
      delays.push(number - shown.at(-1)!);
      reading.grant(1);
    }
    clock.advance(FRAME_MS);
  }
  t.comment(`${shown.length} of ${chunks.length} shown, ${lost()} dropped; behind by pictures: ${delays.join(' ')}`);
  t.ok(Math.max(...delays.slice(0, 4)) > 5, 'it fell behind at first');
  t.ok(
    delays.slice(5).every((delay) => delay <= 5),
    'and no more: the newest at the time when it asked',
  );
  t.notOk(shown.includes(undefined), 'every picture is whole');
  t.equal(requests(), 1, 'no key frame was needed but the first');
  const held = chunks.length - shown.length - lost();
  t.ok(held >= 0 && held <= 9, `${held} wait`);
  reading.close();
});

t.test(
  'who reads pictures ten times too slowly for a minute has no more waiting than may, and gets the newest',
  async (t) => {
    const maxLagMs = 300;
    const chunks = await pictures(1800);
    const { clock, reading, shown, until, lost, requests } = setUp(maxLagMs);
    const delays: number[] = [];
    let mostHeld = 0;
    reading.grant(1);
    for (const [number, chunk] of chunks.entries()) {
      reading.encodedVideo({ ...chunk, data: Buffer.from(chunk.data) });
      mostHeld = Math.max(mostHeld, number + 1 - shown.length - lost());
      if (number % 10 === 0) {
        await until(1 + number / 10);
        delays.push(number - shown.at(-1)!);
        reading.grant(1);
      }
      clock.advance(FRAME_MS);
    }
    t.equal(shown.length, 180);
    t.ok(mostHeld * FRAME_MS <= maxLagMs + 2 * FRAME_MS, `${mostHeld} pictures waited at most`);
    t.ok(
      delays.slice(3).every((delay) => delay <= 10),
      `the newest when it asked: ${Math.max(...delays.slice(3))} behind at most`,
    );
    t.notOk(shown.includes(undefined), 'every picture is whole');
    t.equal(requests(), 1, 'no key frame was needed but the first');
    const held = chunks.length - shown.length - lost();
    t.ok(held >= 0 && held <= mostHeld, `in = out + dropped + the ${held} that wait`);
    reading.close();
  },
);

t.test('a reader that catches up gets every picture again', async (t) => {
  const chunks = await pictures(60);
  const { clock, reading, shown, until, lost } = setUp(300);
  reading.grant(1);
  for (const chunk of chunks.slice(0, 20)) {
    reading.encodedVideo({ ...chunk, data: Buffer.from(chunk.data) });
    if (chunk === chunks[0]) await until(1);
    clock.advance(FRAME_MS);
  }
  const before = lost();
  t.ok(before > 5);
  reading.grant(100);
  await until(2);
  for (const chunk of chunks.slice(20)) {
    const count = shown.length;
    reading.encodedVideo({ ...chunk, data: Buffer.from(chunk.data) });
    await until(count + 1);
    clock.advance(FRAME_MS);
  }
  t.same(
    shown.slice(-40),
    chunks.slice(20).map((_, i) => 20 + i),
  );
  t.ok(shown.at(-41)! <= 19 && shown.length === 42, 'after the newest of those that waited');
  t.equal(shown.length + lost(), 60);
  reading.close();
});

t.test(
  'for a reader that does not read nothing is decoded or asked for; when it does, it begins with a key frame',
  async (t) => {
    const chunks = await pictures(100);
    const { clock, reading, shown, until, requests, lost } = setUp(500);
    reading.grant(1);
    for (const [number, chunk] of chunks.entries()) {
      reading.encodedVideo({ ...chunk, data: Buffer.from(chunk.data) });
      if (number === 0) await until(1);
      clock.advance(FRAME_MS);
    }
    t.equal(requests(), 1);
    const decoded = reading.framesDecoded;
    t.ok(lost() >= 80);
    reading.grant(10);
    t.equal(requests(), 2, 'it reads again');
    const count = shown.length;
    reading.encodedVideo({ ...chunks[99]!, data: Buffer.from(chunks[99]!.data) });
    reading.encodedVideo({ ...chunks[0]!, data: Buffer.from(chunks[0]!.data) });
    await until(count + 1);
    t.equal(shown.at(-1), 0);
    t.ok(decoded <= 20, `${decoded} decoded for nobody`);
    reading.close();
  },
);
