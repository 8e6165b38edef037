import t, { type Test } from 'tap';
import { requireSystem } from '../support/require.js';
import { BrowserHost, type BrowserPeer } from './browser-peer.js';
import { RtcNodeClient } from './rtc-node-client.js';
import { type RunningServer, runServer } from './running-server.js';
import { SignalProxy } from '../support/signal-proxy.js';

const TIMEOUT_MS = 120_000;
/** So much silence in a tone is heard as a gap. */
const GAP_MS = 150;

interface Call {
  readonly server: RunningServer;
  readonly proxy: SignalProxy;
  readonly page: BrowserPeer;
  readonly node: RtcNodeClient;
}

/** A browser and rtc-node, each with a tone, both over a signalling network that can break. */
async function call(t: Test, host: BrowserHost, single: boolean): Promise<Call> {
  const server = await runServer(t);
  const proxy = await SignalProxy.start(server.url);
  const page = await host.peer();
  const node = new RtcNodeClient();
  t.teardown(async () => {
    await Promise.all([page.close(), node.close()]);
    await proxy.close();
  });
  const options = { singlePeerConnection: single };
  await Promise.all([
    page.call('connect', { url: proxy.url, token: await server.token('page'), options }),
    node.call('connect', { url: proxy.url, token: await server.token('node'), autoSubscribe: true, single }),
  ]);
  await Promise.all([page.call('publishTone', { hz: 440 }), node.call('publishTone', { hz: 1000 })]);
  await Promise.all([page.call('hear', { identity: 'node' }), node.call('hear', { identity: 'page', windows: 5 })]);
  return { server, proxy, page, node };
}

t.test('unmodified clients whose signalling breaks', { timeout: TIMEOUT_MS }, async (t) => {
  const chromium = requireSystem(t, 'chromium');
  if (chromium === undefined) return;
  const host = await BrowserHost.launch(chromium);
  t.teardown(() => host.close());

  for (const single of [true, false]) {
    await t.test(
      `hear and reach each other without a gap, on ${single ? 'one connection' : 'two connections'}`,
      async (t) => {
        const { proxy, page, node } = await call(t, host, single);
        const before = await page.call<Inbound>('inbound', { identity: 'node', kind: 'audio' });
        const listening = node.call('listen', { identity: 'page', ms: 4000 });
        const cutAt = Date.now();
        proxy.cut();
        await Promise.all([page.event({ type: 'reconnected' }), node.event('reconnected')]);
        t.comment(`back after ${Date.now() - cutAt} ms`);
        const heard = await listening;
        t.comment(JSON.stringify(heard));
        t.ok(heard.longestSilenceMs < GAP_MS, `${heard.longestSilenceMs} ms of silence`);
        const after = await page.call<Inbound>('inbound', { identity: 'node', kind: 'audio' });
        const [lost, received] = [
          after.packetsLost - before.packetsLost,
          after.packetsReceived - before.packetsReceived,
        ];
        t.comment(`${received} packets received, ${lost} lost`);
        t.ok(lost === 0 && received > 50, `${received} packets received, ${lost} lost`);
        await page.call('sendData', { text: 'to node', to: ['node'] });
        await node.event('data', ({ text }) => text === 'to node');
        await node.call('sendData', { text: 'to page', to: ['page'] });
        await page.event({ type: 'data', identity: 'node', text: 'to page' });
        const events = [...(await page.events()).map(({ type }) => type), ...node.events.map(({ type }) => type)];
        t.notOk(events.includes('left') || events.includes('trackUnsubscribed'), events.join(' '));
      },
    );
  }
});

interface Inbound {
  readonly packetsLost: number;
  readonly packetsReceived: number;
}
