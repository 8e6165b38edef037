import t from 'tap';
import { readPattern } from '../../src/media/pattern.js';
import { createToken } from '../../src/server/token.js';
import { BrowserHost } from '../server/browser-peer.js';
import { requireSystem } from '../support/require.js';
import { endlessNumbers, run } from './conformance/content.js';
import { liveServer, newRoom } from './live-room.js';

const WIDTH = 192;
const HEIGHT = 128;
const FPS = 20;

t.test(
  'a browser sees the pictures of ours, and fewer of them where it asks for fewer',
  { timeout: 120_000 },
  async (t) => {
    const chromium = requireSystem(t, 'chromium');
    if (chromium === undefined) return;
    const host = await BrowserHost.launch(chromium);
    t.teardown(() => host.close());
    const format = { resolution: { width: WIDTH, height: HEIGHT }, fps: FPS };
    const ann = await newRoom()('ann', { settings: { av: { videoPublisher: format } } });
    t.teardown(() => ann.disconnect());
    run(endlessNumbers(format), await ann.publish({ hasAudio: false }));
    const bob = await host.peer();
    const { sessionId } = ann;
    const token = await createToken({ apiKey: 'devkey', apiSecret: 'secret', identity: 'bob', sessionId });
    await bob.call('connect', { url: (await liveServer()).url, token });
    const { identity } = await bob.event({ type: 'trackSubscribed' });

    /** The numbers of the next pictures. */
    const numbers = async (pictures: number): Promise<(number | undefined)[]> => {
      const lumas = await bob.call<string[]>('lumas', { identity, pictures, width: WIDTH, height: HEIGHT });
      return lumas.map((luma) => readPattern({ data: Buffer.from(luma, 'base64'), width: WIDTH, height: HEIGHT }));
    };
    /** Watches until most pictures in a row are so far apart: a browser that is busy does not show all. */
    const untilApart = async (distance: number): Promise<void> => {
      for (;;) {
        const seen = await numbers(10);
        const distances = seen.slice(1).map((number, i) => (number ?? NaN) - (seen[i] ?? NaN));
        t.comment(seen.join(' '));
        if (distances.filter((one) => one === distance).length >= 7) return;
      }
    };
    await untilApart(1);
    for (const [fps, distance] of [
      [5, 4],
      [10, 2],
      [20, 1],
    ] as const) {
      await bob.call('setFps', { identity, fps });
      await untilApart(distance);
      t.pass(`${fps} of ${FPS} a second`);
    }
    t.match(await bob.call('inbound', { identity, kind: 'video' }), { pliCount: 0 }, 'no key frame was needed for it');
  },
);
