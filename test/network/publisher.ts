import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { type OutboundStats, PUBLISHER_LEVELS } from '../../src/engine/port.js';
import { getEngine } from '../../src/engine/thread.js';
import type { VideoFrame } from '../../src/media/video-frame.js';
import { blackFrame, i420Planes } from '../../src/media/yuv.js';
import { startServer } from '../../src/server/index.js';
import { type Member, joinRoom } from '../engine/programs/room.js';
import { type ImpairedNetwork, impairedNetwork } from '../support/network/impaired-network.js';

const WIDTH = 1280;
const HEIGHT = 720;
const FPS = 30;
/** What is sent is looked at over so long. */
const WINDOW_MS = 3000;
/** Pixels from one random level to the next. */
const GRAIN = 16;

const engine = getEngine();

t.test('a publisher of ours on a narrow path', { timeout: 90_000 }, async (t) => {
  const server = await startServer({ port: 0, logLevel: 'error' });
  t.teardown(() => server.close());
  const network = await impairedNetwork({ serverUrl: server.url, seed: 1, up: { rateBps: 1_000_000, delayMs: 10 } });
  t.teardown(() => network.close());
  const ann = await joinRoom(network.url, 'ann');
  t.teardown(() => ann.leave());
  const bob = await joinRoom(server.url, 'bob');
  t.teardown(() => bob.leave());
  const camera = await publishCamera(ann);
  t.teardown(camera.close);
  const picture = await watch(bob, (await bob.stream()).streamId);

  await t.test(
    'through 1.0 Mbit/s what is sent fills the path and does not queue up; the highest layer is left out',
    async (t) => {
      const fromMs = performance.now();
      let up = (await network.stats(WINDOW_MS)).up;
      // A machine that is busy with other things makes delays of its own, and what is sent falls for a while.
      while (!settled(up, 1_000_000) || performance.now() - fromMs < WINDOW_MS) {
        await wait(250);
        up = (await network.stats(WINDOW_MS)).up;
      }
      const layers = await layersOf(ann);
      t.comment(`after ${((performance.now() - fromMs) / 1000).toFixed(1)} s:`, figures(up));
      t.comment(await estimateOf(ann), describe(layers));
      t.same(
        layers.map(({ active, rid }) => `${rid} ${active}`),
        ['q true', 'h true', 'f false'],
      );
      t.match(layers[2], { qualityLimitationReason: 'bandwidth', targetBitrate: 0 });
      t.match(picture.size(), /^(320x180|640x360)$/);
    },
  );

  await t.test('through 5 Mbit/s all three layers are there', async (t) => {
    const fromMs = performance.now();
    await network.set({ up: { rateBps: 5_000_000, delayMs: 10 } });
    while (!(await layersOf(ann)).every((layer) => layer.active)) await wait(50);
    const activeMs = performance.now() - fromMs;
    while (picture.size() !== `${WIDTH}x${HEIGHT}`) await wait(20);
    const { up } = await network.stats(1000);
    t.comment(
      `all layers after ${activeMs.toFixed(0)} ms, seen after ${(performance.now() - fromMs).toFixed(0)} ms`,
      figures(up),
    );
    t.pass('and the subscriber gets the highest one');
  });
});

/** Within 20 % of the limit, without much of a queue. */
function settled({ bitsPerSecond, queueMs }: Up, limitBps: number): boolean {
  return bitsPerSecond > limitBps * 0.8 && queueMs.p90 < 100;
}

interface Camera {
  close(): Promise<void>;
}

/** Publishes pictures of which each is new, at the beat of a camera. */
async function publishCamera({ session }: Member): Promise<Camera> {
  const pictures = Array.from({ length: 20 }, (_, seed) => clouds(seed + 1));
  const publisher = engine.nextId();
  await engine.call('publisherOpen', {
    session,
    publisher,
    name: 'camera',
    hasAudio: false,
    hasVideo: true,
    audio: { sampleRate: 48_000, numberOfChannels: 1 },
    stereo: false,
    dtx: false,
    videoCodec: 'vp8',
    width: WIDTH,
    height: HEIGHT,
    fps: FPS,
    silenceToleranceMs: 200,
    levels: new SharedArrayBuffer(8 * PUBLISHER_LEVELS.length),
  });
  const fromMs = performance.now();
  let count = 0;
  const timer = setInterval(() => {
    for (; count < ((performance.now() - fromMs) * FPS) / 1000; count++) {
      const picture = pictures[count % pictures.length]!;
      const value = { ...picture, data: new Uint8Array(picture.data), timestamp: (count * 1_000_000) / FPS };
      engine.post('write', { publisher, value }, value.data.buffer);
    }
  }, 10);
  return {
    close: async () => {
      clearInterval(timer);
      await engine.call('publisherClose', { publisher });
    },
  };
}

/** A picture of random brightness, smooth from point to point. */
function clouds(seed: number): VideoFrame {
  const frame = blackFrame(WIDTH, HEIGHT);
  const { y } = i420Planes(frame);
  const columns = WIDTH / GRAIN + 2;
  let state = seed;
  const levels = Float32Array.from({ length: columns * (HEIGHT / GRAIN + 2) }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return 90 + (state >>> 24) / 4;
  });
  for (let row = 0; row < HEIGHT; row++) {
    const top = Math.floor(row / GRAIN) * columns;
    const down = (row % GRAIN) / GRAIN;
    for (let x = 0; x < WIDTH; x++) {
      const at = top + Math.floor(x / GRAIN);
      const right = (x % GRAIN) / GRAIN;
      const upper = levels[at]! * (1 - right) + levels[at + 1]! * right;
      const lower = levels[at + columns]! * (1 - right) + levels[at + columns + 1]! * right;
      y.data[row * WIDTH + x] = upper * (1 - down) + lower * down;
    }
  }
  return frame;
}

/** Subscribes to the pictures of a stream; tells the size of the last one. */
async function watch({ session }: Member, streamId: string): Promise<{ size(): string }> {
  const reader = engine.nextId();
  let size = '';
  engine.listen(reader, (name, args) => {
    const value = name === 'media' && 'value' in args ? args.value : undefined;
    if (value?.kind === 'video') size = `${value.width}x${value.height}`;
  });
  await engine.call('readerOpen', {
    session,
    reader,
    streamId,
    audio: false,
    video: true,
    encoded: false,
    audioFormat: { sampleRate: 48_000, numberOfChannels: 1 },
    pixelFormat: 'YUV420P',
    maxLagMs: 1000,
  });
  engine.post('credit', { reader, kind: 'video', values: 1_000_000 });
  return { size: () => size };
}

async function layersOf({ session }: Member): Promise<OutboundStats[]> {
  const { outbound } = await engine.call('stats', { session });
  return outbound.filter(({ kind }) => kind === 'video');
}

async function estimateOf({ session }: Member): Promise<string> {
  const { availableOutgoingBitrate = 0 } = await engine.call('stats', { session });
  return `estimate ${Math.round(availableOutgoingBitrate / 1000)} kbit/s`;
}

type Up = Awaited<ReturnType<ImpairedNetwork['stats']>>['up'];

function figures({ bitsPerSecond, queueMs, dropped }: Up): string {
  const { p50, p90, p99 } = queueMs;
  const queue = [p50, p90, p99].map((ms) => ms.toFixed(0)).join(', ');
  return `${Math.round(bitsPerSecond / 1000)} kbit/s, queue p50, p90, p99 ${queue} ms, ${dropped.queue} dropped`;
}

function describe(layers: readonly OutboundStats[]): string {
  return layers
    .map(({ rid, targetBitrate = 0, framesEncoded, keyFramesEncoded }) => {
      const kilobits = Math.round(targetBitrate / 1000);
      return `${rid} ${kilobits} kbit/s, ${framesEncoded} pictures, ${keyFramesEncoded} of them key`;
    })
    .join('; ');
}
