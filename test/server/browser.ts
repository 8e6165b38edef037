import t from 'tap';
import { requireSystem } from '../support/require.js';
import { BrowserHost, type BrowserPeer } from './browser-peer.js';
import { RtcNodeClient } from './rtc-node-client.js';
import { type RunningServer, runServer } from './running-server.js';

const TIMEOUT_MS = 180_000;
const GREY = { width: 640, height: 360, left: 60, right: 180, simulcast: true };

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
}

async function join(host: BrowserHost, server: RunningServer, identity: string): Promise<BrowserPeer> {
  const peer = await host.peer();
  const token = await server.token(identity, { grants: { canUpdateOwnMetadata: true } });
  await peer.call('connect', { url: server.url, token });
  return peer;
}

const near = (value: number, wanted: number, tolerance: number): boolean => Math.abs(value - wanted) <= tolerance;
/** RGB greys come back through limited-range YUV, with its rounding and compression. */
const shows = (picture: Picture, left: number, right: number): boolean =>
  near(picture.left, left, 20) && near(picture.right, right, 20);

t.test('unmodified browsers', { timeout: TIMEOUT_MS }, async (t) => {
  const chromium = requireSystem(t, 'chromium');
  if (chromium === undefined) return;
  const host = await BrowserHost.launch(chromium);
  t.teardown(() => host.close());

  await t.test('hear and see each other, in the layer they ask for', async (t) => {
    const server = await runServer(t);
    const [ann, bob] = await Promise.all([join(host, server, 'ann'), join(host, server, 'bob')]);
    t.teardown(() => Promise.all([ann.close(), bob.close()]));
    await ann.call('publishTone', { hz: 440 });
    await bob.call('publishTone', { hz: 1000 });
    const [fromAnn, fromBob] = await Promise.all([
      bob.call<{ hz: number }>('hear', { identity: 'ann' }),
      ann.call<{ hz: number }>('hear', { identity: 'bob' }),
    ]);
    t.ok(near(fromAnn.hz, 440, 6), `440 Hz arrive as ${fromAnn.hz}`);
    t.ok(near(fromBob.hz, 1000, 6), `1000 Hz arrive as ${fromBob.hz}`);
    await ann.call('publishGrey', GREY);
    await bob.call('seeWidth', { identity: 'ann', width: 640 });
    const picture = await bob.call<Picture>('see', { identity: 'ann', frames: 3 });
    t.ok(shows(picture, 60, 180), JSON.stringify(picture));
    await bob.call('setQuality', { identity: 'ann', quality: 0 });
    await bob.call('seeWidth', { identity: 'ann', width: 320 });
    await bob.call('setQuality', { identity: 'ann', quality: 2 });
    await bob.call('seeWidth', { identity: 'ann', width: 640 });
    t.pass('the lower layer and back');
    const stats = await bob.call<{ packetsLost: number; keyFramesDecoded: number }>('inbound', {
      identity: 'ann',
      kind: 'video',
    });
    t.match(stats, { packetsLost: 0 });
  });

  await t.test('follow mute, unpublishing, publishing again, attributes and data', async (t) => {
    const server = await runServer(t);
    const [ann, bob] = await Promise.all([join(host, server, 'ann'), join(host, server, 'bob')]);
    t.teardown(() => Promise.all([ann.close(), bob.close()]));
    const tone = await ann.call<string>('publishTone', { hz: 440 });
    const first = await ann.call<string>('publishGrey', GREY);
    await bob.event({ type: 'trackSubscribed', identity: 'ann', sid: first });
    await ann.call('mute', { sid: tone, muted: true });
    await bob.event({ type: 'muted', sid: tone });
    await ann.call('mute', { sid: tone, muted: false });
    await bob.event({ type: 'unmuted', sid: tone });
    await ann.call('unpublish', { sid: first });
    await bob.event({ type: 'trackUnsubscribed', sid: first });
    const second = await ann.call<string>('publishGrey', { ...GREY, left: 200, right: 30, simulcast: false });
    await bob.event({ type: 'trackSubscribed', sid: second });
    const picture = await bob.call<Picture>('see', { identity: 'ann', frames: 5 });
    t.ok(shows(picture, 200, 30), `on a section that was used before: ${JSON.stringify(picture)}`);
    await bob.call('setSubscribed', { identity: 'ann', subscribed: false });
    await bob.event({ type: 'trackUnsubscribed', sid: second });
    const seen = (await bob.events()).length;
    await bob.call('setSubscribed', { identity: 'ann', subscribed: true });
    await bob.event({ type: 'trackSubscribed', sid: second }, seen);
    t.ok(shows(await bob.call<Picture>('see', { identity: 'ann', frames: 3 }), 200, 30), 'subscribed again');
    await ann.call('setAttributes', { attributes: { mood: 'good' } });
    t.match(await bob.event({ type: 'attributes', identity: 'ann' }), { attributes: { mood: 'good' } });
    await ann.call('sendData', { text: 'to bob', to: ['bob'] });
    await bob.event({ type: 'data', identity: 'ann', text: 'to bob' });
    await bob.event({ type: 'speakers' });
    t.notOk((await bob.events()).some(({ type }) => type === 'subscriptionFailed'));
  });

  await t.test('come back by themselves when the signalling connection breaks', async (t) => {
    const server = await runServer(t);
    const [ann, bob] = await Promise.all([join(host, server, 'ann'), join(host, server, 'bob')]);
    t.teardown(() => Promise.all([ann.close(), bob.close()]));
    await ann.call('publishGrey', GREY);
    await bob.call('see', { identity: 'ann', frames: 3 });
    await ann.call('cutSignalling');
    await ann.event({ type: 'reconnected' });
    await bob.call('see', { identity: 'ann', frames: 3 });
    t.notOk(
      (await bob.events()).some(({ type }) => type === 'left'),
      'as the same participant',
    );
    const seen = (await ann.events()).length;
    await ann.call('joinAnew');
    await bob.event({ type: 'left', identity: 'ann' });
    await ann.event({ type: 'reconnected' }, seen);
    const picture = await bob.call<Picture>('see', { identity: 'ann', frames: 3 });
    t.ok(shows(picture, 60, 180), `after the server had it join anew: ${JSON.stringify(picture)}`);
  });

  await t.test('publish H.264', async (t) => {
    const server = await runServer(t);
    const [ann, bob] = await Promise.all([join(host, server, 'ann'), join(host, server, 'bob')]);
    t.teardown(() => Promise.all([ann.close(), bob.close()]));
    await ann.call('publishGrey', { ...GREY, simulcast: false, codec: 'h264' });
    const picture = await bob.call<Picture>('see', { identity: 'ann', frames: 5 });
    t.ok(shows(picture, 60, 180), JSON.stringify(picture));
    t.equal(await bob.call('codec', { identity: 'ann', kind: 'video' }), 'video/H264');
  });

  await t.test('and rtc-node hear and see each other', async (t) => {
    const server = await runServer(t);
    const ann = await join(host, server, 'ann');
    const bob = new RtcNodeClient();
    t.teardown(() => Promise.all([ann.close(), bob.close()]));
    await bob.call('connect', { url: server.url, token: await server.token('bob'), autoSubscribe: true });
    await ann.call('publishTone', { hz: 440 });
    await ann.call('publishGrey', GREY);
    await bob.call('publishTone', { hz: 1000 });
    await bob.call('publishGrey', { ...GREY, left: 200, right: 30 });
    const heard = await bob.call('hear', { identity: 'ann', windows: 11 });
    t.ok(near(heard.hz, 440, 15), `440 Hz arrive as ${heard.hz}`);
    const pitch = await ann.call<{ hz: number }>('hear', { identity: 'bob' });
    t.ok(near(pitch.hz, 1000, 6), `1000 Hz arrive as ${pitch.hz}`);
    t.ok(shows(await bob.call('see', { identity: 'ann', frames: 5 }), 60, 180));
    t.ok(shows(await ann.call<Picture>('see', { identity: 'bob', frames: 5 }), 200, 30));
  });
});
