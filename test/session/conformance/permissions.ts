import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { RoomServiceClient } from 'livekit-server-sdk';
import { startServer } from '../../../src/index.js';
import { startLiveKitServer } from '../../support/livekit-server.js';
import { endlessTone, hears, streamNamed } from '../live-room.js';
import { run } from './content.js';
import { KEYS, onEveryServer } from './servers.js';

onEveryServer('permission', async (t, lab) => {
  await t.test('to publish is asked for at once, and listening goes on without it', async (t) => {
    const room = lab.room(t);
    const token = await room.token({ grants: { canPublish: false } });
    const ann = await room.join('ann', { token });
    await t.rejects(ann.publish({ hasVideo: false }), { code: 'SLUICE_PERMISSION_DENIED' });
    const bob = await room.join('bob');
    run(endlessTone(440), await bob.publish({ hasVideo: false }));
    const subscriber = await ann.subscribe(await streamNamed(ann, 'bob'), { subscribeToVideo: false });
    t.ok(await hears(subscriber, 440));
  });

  await t.test('for one source is not permission for another', async (t) => {
    const room = lab.room(t);
    const token = await room.token({ grants: { canPublishSources: ['microphone'] } });
    const ann = await room.join('ann', { token });
    await t.rejects(ann.publish(), { code: 'SLUICE_PERMISSION_DENIED' });
    await ann.publish({ hasVideo: false });
  });

  await t.test('to receive is needed to subscribe', async (t) => {
    const room = lab.room(t);
    const bob = await room.join('bob');
    await bob.publish({ hasVideo: false });
    const token = await room.token({ grants: { canSubscribe: false } });
    const ann = await room.join('ann', { token });
    await t.rejects(ann.subscribe(await streamNamed(ann, 'bob')), { code: 'SLUICE_SUBSCRIBE_FAILED' });
  });

  await t.test('that is taken away ends what was published', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann', { identity: 'ann' }), await room.join('bob')];
    const publisher = await ann.publish({ hasVideo: false });
    await streamNamed(bob, 'ann');
    const over = Promise.all([once(bob, 'streamDropped'), finished(publisher), once(publisher, 'streamDestroyed')]);
    const service = new RoomServiceClient(lab.httpUrl, KEYS.apiKey, KEYS.apiSecret);
    await service.updateParticipant(room.sessionId, 'ann', { permission: { canPublish: false, canSubscribe: true } });
    await over.catch(() => undefined);
    await t.rejects(ann.publish({ hasVideo: false }), { code: 'SLUICE_PERMISSION_DENIED' });
    await service.updateParticipant(room.sessionId, 'ann', { permission: { canPublish: true, canSubscribe: true } });
    for (;;) {
      // The server tells of it after it has answered.
      const again = await ann.publish({ name: 'Again', hasVideo: false }).catch(() => undefined);
      if (again) break;
    }
    t.equal((await streamNamed(bob, 'Again')).connectionId, ann.connection.connectionId, 'and may be given back');
  });
});

onEveryServer('a server', async (t, lab) => {
  await t.test('that goes away takes its sessions with it', async (t) => {
    const own = await (lab.name === 'LiveKit' ? startLiveKitServer() : startServer({ port: 0, logLevel: 'silent' }));
    t.teardown(() => own.close());
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann', { url: own.url }), await room.join('bob', { url: own.url })];
    const publisher = await ann.publish({ hasVideo: false });
    const subscriber = await bob.subscribe(await streamNamed(bob, 'ann'));
    const lost = Promise.all([
      t.rejects(finished(publisher), { code: 'SLUICE_SESSION_LOST' }),
      t.rejects(finished(subscriber.resume()), { code: 'SLUICE_SESSION_LOST' }),
      ...[ann, bob].map((session) => once(session, 'close').catch((error: unknown) => error)),
    ]);
    await ('shutDown' in own ? own.shutDown() : own.close());
    const [, , ...errors] = await lost;
    for (const error of errors) t.match(error, { code: 'SLUICE_SESSION_LOST' });
  });
});
