import { Readable } from 'node:stream';
import type { SubscriberSettings, VideoFrame } from '../../../src/index.js';
import { BrowserHost } from '../../server/browser-peer.js';
import { requireSystem } from '../../support/require.js';
import { streamNamed } from '../live-room.js';
import { endlessHalves, layersOf, run, see, seeWidth } from './content.js';
import { onEveryServer } from './servers.js';

const PICTURE = { resolution: { width: 320, height: 240 }, fps: 15 } as const;
const LAYERED = { resolution: { width: 640, height: 360 }, fps: 15 } as const;

/** Red, green, blue and grey, from left to right: in Y, Cb, Cr (BT.601) and in R, G, B. */
const COLOURS = [
  { yuv: [82, 90, 240], rgb: [255, 0, 0] },
  { yuv: [145, 54, 34], rgb: [0, 255, 0] },
  { yuv: [41, 240, 110], rgb: [0, 0, 255] },
  { yuv: [126, 128, 128], rgb: [128, 128, 128] },
] as const;
const TOLERANCE = 14;

/** Stripes of all colours. */
function endlessStripes(): Readable {
  const { width, height } = PICTURE.resolution;
  const plane = (index: 0 | 1 | 2): Uint8Array => {
    const [w, h] = index === 0 ? [width, height] : [width / 2, height / 2];
    return Uint8Array.from(
      { length: w * h },
      (_, i) => COLOURS[Math.floor(((i % w) * COLOURS.length) / w)]!.yuv[index],
    );
  };
  const data = Buffer.concat([plane(0), plane(1), plane(2)]);
  let count = 0;
  return new Readable({
    objectMode: true,
    highWaterMark: 1,
    read() {
      const timestamp = (count++ * 1_000_000) / PICTURE.fps;
      this.push({ kind: 'video', format: 'YUV420P', width, height, data: new Uint8Array(data), timestamp });
    },
  });
}

/** What is seen in the middle of each stripe. */
function stripesOf({ data, width, height, format }: VideoFrame): number[][] {
  return COLOURS.map((_, index) => {
    const x = Math.floor(((index + 0.5) * width) / COLOURS.length);
    const y = Math.floor(height / 2);
    if (format !== 'YUV420P') {
      const at = (y * width + x) * (format === 'RGB24' ? 3 : 4);
      return [data[at + 2]!, data[at + 1]!, data[at]!, ...(format === 'ARGB32' ? [data[at + 3]!] : [])];
    }
    const [w, h] = [Math.ceil(width / 2), Math.ceil(height / 2)];
    const chroma = width * height + Math.floor(y / 2) * w + Math.floor(x / 2);
    return [data[y * width + x]!, data[chroma]!, data[chroma + w * h]!];
  });
}

function isRight(frame: VideoFrame): boolean {
  return stripesOf(frame).every((seen, index) => {
    const { yuv, rgb } = COLOURS[index]!;
    const wanted = frame.format === 'YUV420P' ? yuv : [...rgb, 255];
    return seen.every((value, i) => Math.abs(value - wanted[i]!) <= TOLERANCE);
  });
}

async function seeStripes(pictures: Readable): Promise<VideoFrame> {
  let last: number[][] = [];
  let count = 0;
  for await (const frame of pictures.iterator({ destroyOnReturn: false }) as AsyncIterable<VideoFrame>) {
    if (isRight(frame)) return frame;
    last = stripesOf(frame);
    if (count++ > 100) break;
  }
  throw new Error(`the stripes are not seen: ${JSON.stringify(last)}`);
}

onEveryServer('pictures', async (t, lab) => {
  await t.test('come in every format, at most as large as asked for, to several readers of one stream', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [
      await room.join('ann', { settings: { av: { videoPublisher: PICTURE } } }),
      await room.join('bob'),
    ];
    run(endlessStripes(), await ann.publish({ hasAudio: false }));
    const stream = await streamNamed(bob, 'ann');
    const cases: [SubscriberSettings, number, number, number][] = [
      [{}, 320, 240, 1.5],
      [{ pixelFormat: 'RGB24' }, 320, 240, 3],
      [{ pixelFormat: 'ARGB32', maxResolution: { width: 160, height: 160 } }, 160, 120, 4],
      [{ pixelFormat: 'rgb24', maxResolution: { width: 100, height: 40 } }, 52, 40, 3],
      [{ maxResolution: { width: 201, height: 500 } }, 200, 150, 1.5],
      [{ maxResolution: { width: 640, height: 480 } }, 320, 240, 1.5],
    ];
    await Promise.all(
      cases.map(async ([settings, width, height, bytes]) => {
        const subscriber = await bob.subscribe(stream, { ...settings, subscribeToAudio: false });
        const frame = await seeStripes(subscriber);
        const format = settings.pixelFormat?.toUpperCase() ?? 'YUV420P';
        t.match(frame, { width, height, format });
        t.equal(frame.data.length, width * height * bytes, JSON.stringify(settings));
      }),
    );
  });

  await t.test('of several layers are of the one nearest to what is preferred, which may change', async (t) => {
    const room = lab.room(t);
    const settings = { av: { videoPublisher: LAYERED } };
    const [ann, bob] = [await room.join('ann', { settings }), await room.join('bob')];
    run(endlessHalves(60, 190, LAYERED), await ann.publish({ hasAudio: false }));
    const subscriber = await bob.subscribe(await streamNamed(bob, 'ann'), { subscribeToAudio: false });
    const timestamps: number[] = [];
    const until = async (width: number): Promise<void> => {
      const frame = await seeWidth(subscriber, width);
      timestamps.push(frame.timestamp);
      await see(subscriber, 60, 190);
    };
    await until(640);
    // Nearer to 320x180 than to 640x360, though larger.
    subscriber.setPreferredResolution({ width: 400, height: 240 });
    await until(320);
    subscriber.setPreferredResolution({ width: 640, height: 480 });
    await until(640);
    subscriber.setPreferredResolution({ width: 16, height: 16 });
    await until(320);
    subscriber.setPreferredResolution(undefined);
    await until(640);
    t.strictSame(
      timestamps,
      [...timestamps].sort((a, b) => a - b),
      'time goes on',
    );
  });

  await t.test('of a size that is limited are received no larger than that needs', async (t) => {
    const room = lab.room(t);
    const settings = { av: { videoPublisher: LAYERED } };
    const [ann, bob] = [await room.join('ann', { settings }), await room.join('bob')];
    run(endlessHalves(60, 190, LAYERED), await ann.publish({ hasAudio: false }));
    const subscriber = await bob.subscribe(await streamNamed(bob, 'ann'), {
      subscribeToAudio: false,
      maxResolution: { width: 240, height: 240 },
    });
    const frame = await see(subscriber, 60, 190);
    t.match(frame, { width: 240, height: 134 });
    const { inbound } = await bob.stats();
    t.match(inbound, [{ kind: 'video', frameWidth: 240 }]);
    await layersOf(ann, ['q']);
    t.pass('the lowest layer is the only one that is sent');
  });
});

onEveryServer('pictures a second', async (t, lab) => {
  const chromium = requireSystem(t, 'chromium');
  if (chromium === undefined) return;
  const host = await BrowserHost.launch(chromium);
  t.teardown(() => host.close());

  await t.test('are as many as preferred, of a stream with temporal layers, and that may change', async (t) => {
    const room = lab.room(t);
    const [bob, page] = [await room.join('bob'), await host.peer()];
    t.teardown(() => page.close());
    await page.call('connect', { url: lab.url, token: await room.token({ identity: 'page' }) });
    await page.call('publishCamera', { width: 640, height: 360, fps: 24 });
    const subscriber = await bob.subscribe(await streamNamed(bob, 'page'), { subscribeToAudio: false });
    const all = await rateUntil(subscriber, (rate) => rate > 15);
    subscriber.setPreferredFramerate(Math.round(all / 4));
    const few = await rateUntil(subscriber, (rate) => rate < 0.4 * all);
    subscriber.setPreferredFramerate(Math.round(all / 2));
    const half = await rateUntil(subscriber, (rate) => rate > 0.4 * all && rate < 0.7 * all);
    subscriber.setPreferredFramerate(undefined);
    const again = await rateUntil(subscriber, (rate) => rate > 0.8 * all);
    t.pass([all, few, half, again].map((rate) => rate.toFixed(1)).join(', '));
  });
});

/** Reads until a second of pictures is of a rate that fits: pictures a second by their time stamps. */
async function rateUntil(pictures: Readable, fits: (rate: number) => boolean): Promise<number> {
  const times: number[] = [];
  for await (const frame of pictures.iterator({ destroyOnReturn: false }) as AsyncIterable<VideoFrame>) {
    times.push(frame.timestamp);
    while (times.at(-1)! - times[0]! > 1_200_000) times.shift();
    const seconds = (times.at(-1)! - times[0]!) / 1e6;
    const rate = (times.length - 1) / seconds;
    if (seconds >= 1 && fits(rate)) return rate;
  }
  throw new Error('the stream has ended');
}
