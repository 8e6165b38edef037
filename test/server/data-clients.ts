import { DataPacket_Kind, RoomServiceClient } from 'livekit-server-sdk';
import t from 'tap';
import { requireSystem } from '../support/require.js';
import { BrowserHost } from './browser-peer.js';
import { RtcNodeClient } from './rtc-node-client.js';
import { runServer } from './running-server.js';

const TIMEOUT_MS = 120_000;

t.test(
  'unmodified clients and the server SDK exchange data, and learn how their connections are',
  { timeout: TIMEOUT_MS },
  async (t) => {
    const chromium = requireSystem(t, 'chromium');
    if (chromium === undefined) return;
    const host = await BrowserHost.launch(chromium);
    t.teardown(() => host.close());
    const server = await runServer(t);
    const ann = await host.peer();
    const bob = new RtcNodeClient();
    t.teardown(() => Promise.all([ann.close(), bob.close()]));
    await ann.call('connect', { url: server.url, token: await server.token('ann') });
    await bob.call('connect', { url: server.url, token: await server.token('bob'), autoSubscribe: true });
    await ann.event({ type: 'joined', identity: 'bob' });

    await ann.call('sendData', { text: 'from the browser', topic: 'chat' });
    await ann.call('sendData', { text: 'quick from the browser', lossy: true });
    await bob.call('sendData', { text: 'from node', to: ['ann'], topic: 'chat' });
    await bob.call('sendData', { text: 'quick from node', to: [], lossy: true });
    const fromBob = { type: 'data', identity: 'bob' };
    await ann.event({ ...fromBob, text: 'from node', topic: 'chat', lossy: false });
    await ann.event({ ...fromBob, text: 'quick from node', lossy: true });
    const byText = (text: string) => bob.event('data', (event) => event.text === text);
    t.match(await byText('from the browser'), { identity: 'ann', topic: 'chat', lossy: false });
    t.match(await byText('quick from the browser'), { identity: 'ann', lossy: true });

    const admin = new RoomServiceClient(server.httpUrl, 'devkey', 'secret');
    await admin.sendData('demo', Buffer.from('from above'), DataPacket_Kind.RELIABLE, { topic: 'news' });
    await ann.event({ type: 'data', text: 'from above', topic: 'news', lossy: false });
    t.match(await byText('from above'), { identity: '', topic: 'news', lossy: false });
    await admin.updateRoomMetadata('demo', 'what we talk about');
    await ann.event({ type: 'metadata', text: 'what we talk about' });

    // Long enough to be cut into many packets, with the flow control of the sender.
    const bytes = 4_000_000;
    t.equal(await ann.call('sendText', { bytes, topic: 'long' }), bytes);
    t.match(await bob.event('text', ({ topic }) => topic === 'long'), { identity: 'ann', bytes });
    await Promise.all(['ann', 'bob'].map((identity) => ann.event({ type: 'quality', identity, text: 'excellent' })));
    t.match(await bob.event('quality', ({ identity }) => identity === 'ann'), { quality: 'QUALITY_EXCELLENT' });
    t.match(server.service.stats().data.dropped, { backlog: 0, rate: 0, tooLarge: 0, malformed: 0, noChannel: 0 });
  },
);
