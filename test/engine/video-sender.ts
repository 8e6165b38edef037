import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { createVideoDecoder } from '../../src/codecs/video-decoder.js';
import { AudioSender } from '../../src/engine/audio/audio-sender.js';
import { SendBeat } from '../../src/engine/audio/send-beat.js';
import { PUBLISHER_LEVELS } from '../../src/engine/port.js';
import { VideoSender, type VideoSenderOptions } from '../../src/engine/video/video-sender.js';
import { audioData } from '../../src/media/audio-data.js';
import { VirtualClock } from '../../src/media/clock.js';
import type { EncodedVideoChunk } from '../../src/media/encoded-chunk.js';
import { drawPattern, readPattern } from '../../src/media/pattern.js';
import { type SentPacket, captured, pictures } from './capture.js';

const WIDTH = 192;
const HEIGHT = 128;

/** A sender of 25 pictures a second at 192x128; `show` also waits for the codec thread. */
function setUp(more: Partial<VideoSenderOptions> = {}) {
  const clock = new VirtualClock();
  const { capture, stream } = captured(clock, 'video');
  const events: string[] = [];
  const note = (name: string) => () => events.push(`${name} ${clock.nowUs() / 1000}`);
  const levels = new BigInt64Array(new SharedArrayBuffer(8 * PUBLISHER_LEVELS.length));
  const sender = new VideoSender({
    codec: 'vp8',
    width: WIDTH,
    height: HEIGHT,
    fps: 25,
    levels,
    clock,
    onDrained: note('drained'),
    onConsumed: () => undefined,
    onKeyFrameRequested: note('wanted'),
    onError: (error) => t.fail(String(error)),
    ...more,
  });
  sender.attach([stream]);
  const frames = (): number => pictures(capture.sent, 'vp8').length;
  /** Lets `ms` pass and waits until `expected` pictures have left since the last `take`. */
  const show = async (ms: number, expected: number): Promise<void> => {
    clock.advance(ms);
    while (sender.framesSent < expected) await wait(1);
  };
  const write = (number: number, timestamp = number * 40_000): void => {
    sender.write({
      kind: 'video',
      data: drawPattern(number, WIDTH, HEIGHT),
      width: WIDTH,
      height: HEIGHT,
      format: 'YUV420P',
      timestamp,
    });
  };
  const consumedUs = (): number => Number(levels[PUBLISHER_LEVELS.videoConsumedUs]);
  t.teardown(() => {
    sender.close();
  });
  return { clock, capture, sender, events, frames, show, write, consumedUs };
}

/** What can be seen: the number of the pattern, or `black`, with the RTP time in ms. */
async function seen(packets: readonly SentPacket[]): Promise<string[]> {
  const decoder = await createVideoDecoder({ codec: 'vp8' });
  const out = pictures(packets, 'vp8').map((chunk) => {
    const frame = decoder.decode(chunk);
    const luma = frame?.data.subarray(0, frame.width * frame.height);
    const black = luma?.every((value) => Math.abs(value - 16) < 10);
    return `${black ? 'black' : frame && readPattern(frame)}@${Math.round(chunk.timestamp)}`;
  });
  decoder.close();
  return out;
}

/** A chunk that no decoder is asked to read. */
function chunk(number: number, type: 'key' | 'delta'): EncodedVideoChunk {
  const data = new Uint8Array(3000).fill(number);
  data[0] = type === 'key' ? 0 : 1;
  return { kind: 'encoded-video', codec: 'vp8', type, data, timestamp: number * 40_000, duration: 40_000 };
}

await t.test('black until the first picture, then the last one again for 2 s, then black', async (t) => {
  const { capture, show, write, events, consumedUs } = setUp();
  await show(5, 1);
  for (let i = 0; i < 4; i++) await show(200, 2 + i);
  write(1);
  write(2);
  await show(5, 6);
  await show(40, 7);
  t.equal(consumedUs(), 80_000);
  for (let i = 0; i < 10; i++) await show(200, 8 + i);
  for (let i = 0; i < 3; i++) await show(200, 18 + i);
  write(3);
  await show(5, 21);
  t.same(await seen(capture.take()), [
    ...[0, 200, 400, 600, 800].map((at) => `black@${at}`),
    '1@801',
    '2@840',
    ...Array.from({ length: 10 }, (_, i) => `2@${1040 + i * 200}`),
    ...[3040, 3240, 3440].map((at) => `black@${at}`),
    '3@3445',
  ]);
  t.same(events, ['drained 925'], 'dry when two pictures are missing, once');
});

await t.test('pictures keep the distance of their time stamps', async (t) => {
  const { capture, show, write, consumedUs, sender } = setUp();
  for (const [number, at] of [
    [1, 500],
    [2, 540],
    [3, 600],
    [4, 610],
  ] as const)
    write(number, at * 1000);
  t.equal(sender.heldUs, 120_000, 'the first is due when it comes');
  await show(5, 1);
  await show(40, 2);
  await show(60, 3);
  await show(10, 4);
  t.same(await seen(capture.take()), ['1@0', '2@40', '3@100', '4@110']);
  t.equal(consumedUs(), 160_000);
  await sender.drained();
});

await t.test('after a pause the next picture is due when it comes', async (t) => {
  const { capture, show, write, events } = setUp();
  write(1, 0);
  await show(5, 1);
  await show(200, 2);
  t.equal(events.length, 1);
  write(2, 900_000);
  write(3, 950_000);
  await show(5, 3);
  await show(50, 4);
  t.same(await seen(capture.take()), ['1@0', '1@200', '2@205', '3@255']);
});

await t.test('a request is answered by a key frame, and many at once by one', async (t) => {
  const { capture, clock, show, write, sender } = setUp();
  write(1);
  await show(5, 1);
  for (let i = 0; i < 5; i++) await show(200, 2 + i);
  clock.advance(100);
  sender.requestKeyFrame();
  sender.requestKeyFrame();
  await show(5, 7);
  for (let i = 0; i < 2; i++) await show(200, 8 + i);
  const chunks = pictures(capture.take(), 'vp8');
  // The encoder may make one by itself later on.
  t.same(
    chunks.slice(0, 8).flatMap(({ type }, i) => (type === 'key' ? [i] : [])),
    [0, 6],
  );
  t.equal(Math.round(chunks[6]!.timestamp), 1105, 'at once, though the picture stands still');
  t.equal(sender.layers[0]!.pliCount, 2);
  t.equal(sender.keyFramesSent, chunks.filter(({ type }) => type === 'key').length);
});

await t.test('a picture of another size goes on with a key frame of that size', async (t) => {
  const { capture, show, write, sender } = setUp();
  write(1);
  await show(5, 1);
  sender.write({
    kind: 'video',
    data: drawPattern(9, 384, 256),
    width: 384,
    height: 256,
    format: 'YUV420P',
    timestamp: 80_000,
  });
  await show(40, 2);
  const packets = capture.take();
  t.same(
    pictures(packets, 'vp8').map(({ type }) => type),
    ['key', 'key'],
  );
  t.same(await seen(packets), ['1@0', '9@40']);
});

await t.test('clear() drops what waits and keeps the last picture', async (t) => {
  const { capture, show, write, sender, events, consumedUs } = setUp();
  for (let i = 1; i <= 20; i++) write(i);
  await show(5, 1);
  const drained = sender.drained();
  sender.clear();
  await drained;
  t.equal(sender.heldUs, 0);
  t.equal(consumedUs(), 800_000);
  await show(200, 2);
  t.same(await seen(capture.take()), ['1@0', '1@200']);
  t.same(events, ['drained 80']);
  write(5, 0);
  await show(5, 3);
  t.equal(events.length, 1);
});

await t.test('encoded chunks pass as they are, from the first key chunk on', async (t) => {
  const { capture, clock, sender, events, consumedUs } = setUp();
  for (const [number, type] of [
    [1, 'delta'],
    [2, 'delta'],
    [3, 'key'],
    [4, 'delta'],
  ] as const)
    sender.write(chunk(number, type));
  clock.advance(200);
  const passed = pictures(capture.take(), 'vp8');
  t.same(
    passed.map(({ data, type }) => [data.length, data[1], type]),
    [
      [3000, 3, 'key'],
      [3000, 4, 'delta'],
    ],
  );
  t.same(
    passed.map(({ timestamp }) => timestamp),
    [0, 40],
  );
  t.equal(sender.framesLeftOut, 2);
  t.equal(consumedUs(), 160_000, 'those that are left out have left the queue too');
  t.equal(events[0], 'wanted 0', 'the writer is asked for a key frame');
  clock.advance(1000);
  t.same(capture.take(), [], 'a receiver goes on showing the last one');
  sender.requestKeyFrame();
  t.equal(events.at(-1), 'wanted 1200');
  sender.clear();
  sender.write(chunk(50, 'delta'));
  sender.write(chunk(51, 'key'));
  clock.advance(100);
  t.same(
    pictures(capture.take(), 'vp8').map(({ data }) => data[1]),
    [51],
    'after a clear too',
  );
});

await t.test('2 s after the last encoded chunk it turns black; raw pictures take over with a key frame', async (t) => {
  const { capture, show, sender, write } = setUp();
  sender.write(chunk(1, 'key'));
  await show(2005, 1);
  t.equal(sender.framesSent, 1);
  await show(5, 2);
  t.same(
    (await seen(capture.take().slice(-1))).map((text) => text.split('@')[0]),
    ['black'],
  );
  sender.write(chunk(2, 'delta'));
  sender.write(chunk(3, 'key'));
  await show(45, 3);
  write(7, 160_000);
  await show(40, 4);
  const packets = capture.take();
  t.same(
    pictures(packets, 'vp8').map(({ type }) => type),
    ['key', 'key'],
  );
  t.match((await seen(packets.filter(({ rtp }) => rtp === packets.at(-1)!.rtp)))[0], /^7@/);
});

await t.test('picture and sound of one source leave together, whichever was written first', async (t) => {
  for (const [audioMs, videoMs] of [
    [0, 300],
    [300, 0],
  ] as const) {
    const clock = new VirtualClock();
    const sound = captured(clock, 'audio');
    const image = captured(clock, 'video');
    const levels = new BigInt64Array(new SharedArrayBuffer(8 * PUBLISHER_LEVELS.length));
    const fail = (error: unknown): void => {
      t.fail(String(error));
    };
    const nothing = (): void => undefined;
    const audio = await AudioSender.open({
      format: { sampleRate: 48_000, numberOfChannels: 1 },
      stereo: false,
      dtx: false,
      silenceToleranceMs: 200,
      levels,
      clock,
      onDrained: nothing,
      onConsumed: nothing,
      onError: fail,
    });
    const video = new VideoSender({
      codec: 'vp8',
      width: WIDTH,
      height: HEIGHT,
      fps: 25,
      levels,
      clock,
      reference: audio.timelineUs,
      onDrained: nothing,
      onConsumed: nothing,
      onKeyFrameRequested: nothing,
      onError: fail,
    });
    audio.attach(sound.stream);
    video.attach([image.stream]);
    new SendBeat(clock, fail).add(audio);
    clock.advance(Math.min(audioMs, videoMs));
    const speak = (): void => {
      for (let i = 0; i < 100; i++)
        audio.write(audioData(new Int16Array(960).fill(i), 48_000, 1, 10_000_000 + i * 20_000));
    };
    const show = (): void => {
      for (let i = 0; i < 50; i++)
        video.write({ ...chunk(i, i === 0 ? 'key' : 'delta'), timestamp: 10_000_000 + i * 40_000 });
    };
    (audioMs < videoMs ? speak : show)();
    clock.advance(300);
    (audioMs < videoMs ? show : speak)();
    clock.advance(1500);
    const leftAt = new Map(
      pictures(image.capture.sent, 'vp8').map(({ data, timestamp }) => [
        data[1]!,
        timestamp + image.capture.sent[0]!.atMs,
      ]),
    );
    // The sound begins where its level first rises above silence: period 1, 20 ms into the media.
    const soundAt = sound.capture.sent.find(({ level }) => level < 127)!.atMs - 20;
    const skews = [25, 30, 35].map((number) => Math.round(leftAt.get(number)! - (soundAt + number * 40)));
    t.ok(
      skews.every((skew) => Math.abs(skew) <= 20),
      `sound at ${audioMs} ms, pictures at ${videoMs}: ${skews.join(', ')} ms apart`,
    );
    audio.close();
    video.close();
  }
});

await t.test('muted, nothing is sent, raw or encoded; what comes after begins with a key frame', async (t) => {
  const { clock, capture, sender, show, write, frames, events, consumedUs } = setUp();
  for (let number = 0; number < 5; number++) {
    write(number);
    await show(40, number + 1);
  }
  sender.setMuted(true);
  capture.take();
  for (let number = 5; number < 15; number++) {
    write(number);
    clock.advance(40);
  }
  clock.advance(3000);
  t.equal(frames(), 0, 'no black pictures either');
  t.equal(consumedUs(), 600_000);
  sender.setMuted(false);
  write(15, 5_000_000);
  await show(100, 7);
  const packets = capture.take();
  t.equal(pictures(packets, 'vp8')[0]?.type, 'key');
  t.same(await seen(packets), ['black@3600', '15@3601']);

  sender.write(chunk(200, 'key'));
  clock.advance(50);
  sender.setMuted(true);
  capture.take();
  sender.write(chunk(201, 'key'));
  clock.advance(50);
  t.equal(frames(), 0);
  events.length = 0;
  sender.setMuted(false);
  t.ok(
    events.some((event) => event.startsWith('wanted')),
    'the writer is asked for one',
  );
  sender.write(chunk(202, 'delta'));
  clock.advance(50);
  t.equal(frames(), 0);
  sender.write(chunk(203, 'key'));
  clock.advance(50);
  t.equal(frames(), 1);
});

await t.test(
  'muted from the beginning it is black for a second, so that servers tell of the track, then nothing',
  async (t) => {
    const { clock, capture, sender, show, write, frames } = setUp();
    sender.setMuted(true);
    for (let number = 0; number < 5; number++) {
      write(number);
      await show(200, number + 1);
    }
    const packets = capture.take();
    for (const picture of await seen(packets)) t.match(picture, /^black@/);
    clock.advance(5000);
    t.equal(frames(), 0);
    sender.detach();
    const { capture: next, stream } = captured(clock, 'video');
    sender.attach([stream]);
    for (let number = 5; number < 10; number++) await show(200, number + 1);
    const [first] = pictures(next.sent, 'vp8');
    t.equal(first?.type, 'key');
    for (const picture of await seen(next.take())) t.match(picture, /^black@/);
    clock.advance(5000);
    t.equal(next.sent.length, 0, 'the same at another server');
  },
);
