import t from 'tap';
import { RtcNodeClient } from './rtc-node-client.js';
import { type RunningServer, runServer } from './running-server.js';

const TIMEOUT_MS = 120_000;

async function join(server: RunningServer, identity: string): Promise<RtcNodeClient> {
  const client = new RtcNodeClient();
  const token = await server.token(identity, { grants: { canUpdateOwnMetadata: true } });
  await client.call('connect', { url: server.url, token, autoSubscribe: true });
  return client;
}

const near = (value: number, wanted: number, tolerance: number): boolean => Math.abs(value - wanted) <= tolerance;

t.test(
  'two rtc-node participants hear and see each other, and learn what the other does',
  { timeout: TIMEOUT_MS },
  async (t) => {
    const server = await runServer(t);
    const [ann, bob] = await Promise.all([join(server, 'ann'), join(server, 'bob')]);
    t.teardown(() => Promise.all([ann.close(), bob.close()]));
    await Promise.all([ann.call('publishTone', { hz: 440 }), bob.call('publishTone', { hz: 1000 })]);
    const [fromAnn, fromBob] = await Promise.all([
      bob.call('hear', { identity: 'ann', windows: 11 }),
      ann.call('hear', { identity: 'bob', windows: 11 }),
    ]);
    t.ok(near(fromAnn.hz, 440, 15), `440 Hz arrive as ${fromAnn.hz}`);
    t.ok(near(fromBob.hz, 1000, 25), `1000 Hz arrive as ${fromBob.hz}`);
    await bob.event('speakers', ({ identities }) => identities.includes('ann') && identities.includes('bob'));

    const first = await ann.call('publishGrey', { width: 640, height: 480, left: 60, right: 180, simulcast: true });
    const picture = await bob.call('see', { identity: 'ann', frames: 5 });
    t.ok(near(picture.left, 60, 8) && near(picture.right, 180, 8), JSON.stringify(picture));
    await ann.call('unpublish', { sid: first });
    await bob.event('trackUnsubscribed', ({ sid }) => sid === first);
    const second = await ann.call('publishGrey', { width: 320, height: 240, left: 200, right: 30, simulcast: false });
    await bob.event('trackSubscribed', ({ sid }) => sid === second);
    const other = await bob.call('see', { identity: 'ann', frames: 5 });
    t.ok(
      near(other.left, 200, 8) && near(other.right, 30, 8),
      `on a section that was used before: ${JSON.stringify(other)}`,
    );

    await ann.call('setAttributes', { attributes: { mood: 'good' } });
    t.match(await bob.event('attributes'), { identity: 'ann', attributes: { mood: 'good' } });
    await bob.call('sendData', { text: 'to ann', to: ['ann'] });
    t.match(await ann.event('data'), { identity: 'bob', text: 'to ann' });
  },
);

t.test(
  'a participant that is killed is gone for the others, and they hear each other on',
  { timeout: TIMEOUT_MS },
  async (t) => {
    const server = await runServer(t);
    const [ann, bob, eve] = await Promise.all([join(server, 'ann'), join(server, 'bob'), join(server, 'eve')]);
    t.teardown(() => Promise.all([ann.close(), bob.close(), eve.close()]));
    await Promise.all([ann.call('publishTone', { hz: 440 }), eve.call('publishTone', { hz: 2000 })]);
    await bob.call('hear', { identity: 'eve', windows: 3 });
    eve.kill();
    await Promise.all([
      ann.event('left', ({ identity }) => identity === 'eve'),
      bob.event('left', ({ identity }) => identity === 'eve'),
    ]);
    const { hz } = await bob.call('hear', { identity: 'ann', windows: 5 });
    t.ok(near(hz, 440, 15), `440 Hz arrive as ${hz}`);
  },
);
