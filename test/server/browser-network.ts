import t from 'tap';
import { type ImpairedNetwork, impairedNetwork } from '../support/network/impaired-network.js';
import { requireSystem } from '../support/require.js';
import { BrowserHost, type BrowserPeer } from './browser-peer.js';
import { type RunningServer, runServer } from './running-server.js';

const TIMEOUT_MS = 180_000;
const CAMERA = { width: 1280, height: 720, fps: 15 };
/** Seconds over which the network is looked at. */
const WINDOW_MS = 4000;

interface Shown {
  readonly count: number;
  readonly longestGapMs: number;
  readonly widths: readonly number[];
}

interface OutboundLayer {
  readonly active: boolean;
  readonly framesEncoded: number;
  readonly frameWidth?: number;
}

async function join(
  host: BrowserHost,
  server: RunningServer,
  url: string,
  identity: string,
  options = {},
): Promise<BrowserPeer> {
  const peer = await host.peer();
  await peer.call('connect', { url, token: await server.token(identity), options });
  return peer;
}

/** Looks every half second until something holds; the test's own timeout ends what never does. Returns what was found, and when. */
async function lookUntil<T>(look: () => Promise<T>, holds: (value: T) => boolean): Promise<{ value: T; ms: number }> {
  const begunMs = performance.now();
  for (;;) {
    const value = await look();
    if (holds(value)) return { value, ms: Math.round(performance.now() - begunMs) };
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

const layersSent = (publisher: BrowserPeer): Promise<Record<string, OutboundLayer>> => publisher.call('outbound');

t.test('unmodified browsers on slow connections', { timeout: TIMEOUT_MS }, async (t) => {
  const chromium = requireSystem(t, 'chromium');
  if (chromium === undefined) return;
  const host = await BrowserHost.launch(chromium);
  t.teardown(() => host.close());
  const network = async (server: RunningServer, rates: { up?: number; down?: number }): Promise<ImpairedNetwork> => {
    const { up, down } = rates;
    const impaired = await impairedNetwork({
      serverUrl: server.url,
      seed: 1,
      up: { delayMs: 10, rateBps: up },
      down: { delayMs: 10, rateBps: down },
    });
    t.teardown(() => impaired.close());
    return impaired;
  };

  await t.test('send three layers where there is room, and what fits where there is not', async (t) => {
    const server = await runServer(t);
    const way = await network(server, { up: 5_000_000 });
    const ann = await join(host, server, way.url, 'ann');
    t.teardown(() => ann.close());
    await ann.call('publishCamera', CAMERA);
    const all = await lookUntil(
      () => layersSent(ann),
      (layers) => Object.values(layers).filter(({ framesEncoded }) => framesEncoded > 0).length === 3,
    );
    t.comment(`through 5 Mbit/s all three layers are sent ${all.ms} ms after publishing`);
    t.match(all.value, { q: { frameWidth: 320 }, h: { frameWidth: 640 }, f: { frameWidth: 1280 } });
    await way.set({ up: { rateBps: 1_000_000 } });
    const settled = await lookUntil(
      async () => (await way.stats(WINDOW_MS)).up,
      ({ bitsPerSecond, queueMs }) => bitsPerSecond > 800_000 && bitsPerSecond < 1_000_000 && queueMs.p90 < 100,
    );
    const { bitsPerSecond, queueMs } = settled.value;
    t.comment(
      `through 1 Mbit/s it settles within ${settled.ms} ms: ${Math.round(bitsPerSecond / 1000)} kbit/s, queue p50 ${Math.round(queueMs.p50)} ms, p90 ${Math.round(queueMs.p90)} ms`,
    );
    t.ok(bitsPerSecond > 800_000);
    const before = await layersSent(ann);
    const after = await lookUntil(
      () => layersSent(ann),
      (layers) => (layers['q']?.framesEncoded ?? 0) > (before['q']?.framesEncoded ?? 0) + 15,
    );
    t.equal(after.value['f']?.framesEncoded, before['f']?.framesEncoded, 'without the layer that does not fit');
    await ann.close();
  });

  await t.test('get the layer that fits, the high one when there is room, and no freeze when it changes', async (t) => {
    const server = await runServer(t);
    const way = await network(server, { down: 300_000 });
    const ann = await join(host, server, server.url, 'ann');
    t.teardown(() => ann.close());
    await ann.call('publishCamera', CAMERA);
    await lookUntil(
      () => layersSent(ann),
      (layers) => (layers['f']?.framesEncoded ?? 0) > 15,
    );
    const bob = await join(host, server, way.url, 'bob');
    t.teardown(() => bob.close());
    const watching = bob.call('watch', { identity: 'ann' });
    await bob.event({ type: 'trackSubscribed', identity: 'ann' });
    const subscribedMs = performance.now();
    await watching;
    await bob.call('shownUntil', { width: 320 });
    t.comment(
      `through 300 kbit/s the low layer is shown ${Math.round(performance.now() - subscribedMs)} ms after subscribing`,
    );
    const slow = await lookUntil(
      async () => (await way.stats(WINDOW_MS)).down,
      ({ windowDatagrams, queueMs }) => windowDatagrams > 60 && queueMs.p90 < 150,
    );
    const { p50, p90 } = slow.value.queueMs;
    t.comment(`there the queue is p50 ${Math.round(p50)} ms, p90 ${Math.round(p90)} ms`);
    t.notOk((await bob.call<Shown>('takeShown')).widths.includes(1280));
    await way.set({ down: { rateBps: undefined } });
    const high = await bob.call<{ ms: number }>('shownUntil', { width: 1280 });
    t.comment(`without the limit the high layer is shown after ${Math.round(high.ms)} ms`);
    await bob.call('takeShown');
    await lookUntil(
      () => bob.call<number>('countShown'),
      (count) => count > 45,
    );
    const steady = await bob.call<Shown>('takeShown');
    let longestGapMs = 0;
    for (let i = 0; i < 20; i++) {
      await bob.call('setQuality', { identity: 'ann', quality: i % 2 === 0 ? 0 : 2 });
      await bob.call('shownUntil', { width: i % 2 === 0 ? 320 : 1280 });
      longestGapMs = Math.max(longestGapMs, (await bob.call<Shown>('takeShown')).longestGapMs);
    }
    const stats = await bob.call<{ freezeCount: number; packetsLost: number; pliCount: number }>('inbound', {
      identity: 'ann',
      kind: 'video',
    });
    t.comment(
      `20 changes of the layer: at most ${Math.round(longestGapMs)} ms between two pictures (${Math.round(steady.longestGapMs)} ms without changes), ${stats.freezeCount} freezes, ${stats.packetsLost} packets lost, ${stats.pliCount} PLI`,
    );
    // A busy machine shows pictures late whatever is sent.
    t.ok(longestGapMs < Math.max(300, 2 * steady.longestGapMs), 'a change of the layer is no freeze');
  });

  await t.test('encode what somebody takes', async (t) => {
    const server = await runServer(t);
    const ann = await join(host, server, server.url, 'ann', { dynacast: true });
    t.teardown(() => ann.close());
    await ann.call('publishCamera', { ...CAMERA, width: 640, height: 360 });
    const active = (rids: string): Promise<unknown> =>
      lookUntil(
        () => layersSent(ann),
        (layers) =>
          Object.keys(layers)
            .filter((rid) => layers[rid]?.active)
            .sort()
            .join('') === rids,
      );
    await active('');
    t.pass('nothing while nobody subscribes');
    const bob = await join(host, server, server.url, 'bob');
    t.teardown(() => bob.close());
    await active('hq');
    await bob.call('watch', { identity: 'ann' });
    await bob.call('shownUntil', { width: 640 });
    t.pass('everything for one who wants it');
    await bob.call('setQuality', { identity: 'ann', quality: 0 });
    await active('q');
    await bob.call('shownUntil', { width: 320 });
    await bob.call('takeShown');
    await bob.call('setQuality', { identity: 'ann', quality: 2 });
    await active('hq');
    await bob.call('shownUntil', { width: 640 });
    t.pass('and the low layer alone while that is all that is wanted');
  });
});
