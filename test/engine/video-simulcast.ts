import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { createVideoDecoder } from '../../src/codecs/video-decoder.js';
import { PUBLISHER_LEVELS } from '../../src/engine/port.js';
import { planLayers } from '../../src/engine/video/layer-plan.js';
import { VideoSender } from '../../src/engine/video/video-sender.js';
import { VirtualClock } from '../../src/media/clock.js';
import { drawPattern, readPattern } from '../../src/media/pattern.js';
import { type SentPacket, capturedLayers, pictures } from './capture.js';

const WIDTH = 960;
const HEIGHT = 540;
const RIDS = ['q', 'h', 'f'];

/** A sender of 25 pictures a second in three layers; `show` also waits for the codec thread. */
function setUp() {
  const clock = new VirtualClock();
  const layers = capturedLayers(clock, RIDS);
  const events: string[] = [];
  const sender = new VideoSender({
    codec: 'vp8',
    width: WIDTH,
    height: HEIGHT,
    fps: 25,
    layers: planLayers(WIDTH, HEIGHT, true),
    levels: new BigInt64Array(new SharedArrayBuffer(8 * PUBLISHER_LEVELS.length)),
    clock,
    onDrained: () => undefined,
    onConsumed: () => undefined,
    onKeyFrameRequested: () => events.push('key frame wanted'),
    onError: (error) => t.fail(String(error)),
  });
  t.teardown(() => {
    sender.close();
  });
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
  const made = (): number[] => sender.layers.map((layer) => layer.framesEncoded);
  /** Lets `ms` pass and waits until each layer has sent so many pictures in all. */
  const show = async (ms: number, ...expected: number[]): Promise<void> => {
    clock.advance(ms);
    while (made().some((frames, index) => frames < expected[index]!)) await wait(1);
  };
  return { clock, sender, write, show, made, events, layers, captures: layers.map(({ capture }) => capture) };
}

/** Number, size and kind of each picture. */
async function seen(packets: readonly SentPacket[]): Promise<string[]> {
  const decoder = await createVideoDecoder({ codec: 'vp8' });
  const out = pictures(packets, 'vp8').map((chunk) => {
    const frame = decoder.decode(chunk);
    return frame ? `${readPattern(frame)} ${frame.width}x${frame.height} ${chunk.type}` : 'nothing';
  });
  decoder.close();
  return out;
}

await t.test('each picture goes out in three sizes, with the same time stamps', async (t) => {
  const { sender, write, show, layers, captures } = setUp();
  sender.attach(layers.map(({ stream }) => stream));
  await show(0, 1, 1, 1);
  for (let i = 1; i <= 3; i++) {
    write(i);
    await show(40, 1 + i, 1 + i, 1 + i);
  }
  const stamps = captures.map(({ sent }) => [...new Set(sent.map(({ buffer }) => buffer.readUInt32BE(4)))]);
  t.equal(stamps[0]!.length, 4);
  t.same(stamps, [stamps[0], stamps[0], stamps[0]]);
  for (const [index, size] of ['240x135', '480x270', '960x540'].entries()) {
    t.same((await seen(captures[index]!.sent)).slice(1), [`1 ${size} delta`, `2 ${size} delta`, `3 ${size} delta`]);
  }
});

await t.test('what nobody takes is not made; who comes back gets a key frame', async (t) => {
  const { clock, sender, write, show, made, layers, captures } = setUp();
  sender.attach(layers.map(({ stream }) => stream));
  await show(0, 1, 1, 1);
  sender.setWanted([true, false, false]);
  write(1);
  await show(40, 2, 1, 1);
  sender.setWanted([false, false, false]);
  for (let i = 2; i < 30; i++) {
    write(i);
    clock.advance(40);
  }
  clock.advance(1000);
  t.same(made(), [2, 1, 1], 'nothing at all');
  t.equal(sender.heldUs, 0, 'but written pictures pass');
  for (const capture of captures) capture.take();
  sender.setWanted([true, false, true]);
  await show(5, 3, 1, 2);
  t.same(await seen(captures[0]!.take()), ['29 240x135 key'], 'at once, though nothing is written');
  t.same(await seen(captures[2]!.take()), ['29 960x540 key']);
  t.same(captures[1]!.take(), []);
});

await t.test('the upper layers go where there is not room for all', async (t) => {
  const { sender, write, show, made, layers } = setUp();
  sender.attach(layers.map(({ stream }) => stream));
  await show(0, 1, 1, 1);
  sender.setBudget(600_000);
  write(1);
  await show(40, 2, 2, 1);
  sender.setBudget(60_000);
  write(2);
  await show(40, 3, 2, 1);
  t.same(made(), [3, 2, 1]);
  t.same(
    sender.layers.map((layer) => sender.limitation(layer)),
    ['bandwidth', 'bandwidth', 'bandwidth'],
  );
  const { minBps, maxBps } = sender.demand(0);
  t.ok(minBps < 60_000 && maxBps > 1_000_000, 'it goes on asking for all');
});

await t.test('a request for a key frame is about one layer', async (t) => {
  const { sender, write, show, layers, captures } = setUp();
  sender.attach(layers.map(({ stream }) => stream));
  await show(0, 1, 1, 1);
  for (let i = 1; i < 10; i++) {
    write(i);
    await show(40, 1 + i, 1 + i, 1 + i);
  }
  sender.requestKeyFrame(1);
  write(10);
  await show(40, 11, 11, 11);
  t.same(
    captures.map(({ sent }) => pictures(sent, 'vp8').at(-1)!.type),
    ['delta', 'key', 'delta'],
  );
  t.same(
    sender.layers.map((layer) => layer.pliCount),
    [0, 1, 0],
  );
});

await t.test('encoded pictures go out once, as the highest layer that the server takes', async (t) => {
  const { clock, sender, layers, captures, events } = setUp();
  sender.attach([layers[0]!.stream, layers[1]!.stream, undefined]);
  const data = new Uint8Array(3000).fill(9);
  data[0] = 0;
  sender.write({ kind: 'encoded-video', codec: 'vp8', type: 'key', data, timestamp: 0, duration: 40_000 });
  clock.advance(40);
  t.same(
    captures.map((capture) => pictures(capture.take(), 'vp8').map((chunk) => chunk.data.length)),
    [[], [3000], []],
  );
  t.ok(sender.passesThrough);
  t.same(sender.demand(200_000), { minBps: 200_000, maxBps: 300_000, weight: 200_000 }, 'it cannot be made smaller');
  sender.setBudget(1000);
  clock.advance(300);
  sender.requestKeyFrame(1);
  t.same(events, ['key frame wanted']);
});
