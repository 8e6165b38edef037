import t from 'tap';
import { requireSystem } from '../support/require.js';
import { SignalProxy } from '../support/signal-proxy.js';
import { BrowserHost } from './browser-peer.js';
import { RtcNodeClient } from './rtc-node-client.js';
import { runServer } from './running-server.js';

const TIMEOUT_MS = 120_000;
const DEADLINE_MS = 30_000;

t.test('unmodified clients go to another server when theirs drains', { timeout: TIMEOUT_MS }, async (t) => {
  const chromium = requireSystem(t, 'chromium');
  if (chromium === undefined) return;
  const host = await BrowserHost.launch(chromium);
  t.teardown(() => host.close());
  const [first, second] = [await runServer(t), await runServer(t)];
  // They know one address only: whoever balances the load sends them on.
  const proxy = await SignalProxy.start(first.url);
  const page = await host.peer();
  const node = new RtcNodeClient();
  t.teardown(async () => {
    await Promise.all([page.close(), node.close()]);
    await proxy.close();
  });
  await Promise.all([
    page.call('connect', { url: proxy.url, token: await first.token('page') }),
    node.call('connect', { url: proxy.url, token: await first.token('node'), autoSubscribe: true }),
  ]);
  await Promise.all([page.call('publishTone', { hz: 440 }), node.call('publishTone', { hz: 1000 })]);
  await Promise.all([page.call('hear', { identity: 'node' }), node.call('hear', { identity: 'page', windows: 5 })]);

  proxy.redirect(second.url);
  const atMs = performance.now();
  const drained = first.service.drain(DEADLINE_MS);
  await Promise.all([page.event({ type: 'reconnected' }), node.event('reconnected')]);
  await drained;
  const drainedMs = Math.round(performance.now() - atMs);
  t.comment(`all had gone after ${drainedMs} ms`);
  t.ok(drainedMs < DEADLINE_MS, 'they were not waited for until the deadline');
  t.equal(second.service.stats().participants, 2);
  const [fromNode, fromPage] = await Promise.all([
    page.call<{ hz: number }>('hear', { identity: 'node' }),
    node.call('hear', { identity: 'page', windows: 5 }),
  ]);
  t.ok(Math.abs(fromNode.hz - 1000) < 25, `${fromNode.hz} Hz`);
  t.ok(Math.abs(fromPage.hz - 440) < 25, `${fromPage.hz} Hz`);
});
