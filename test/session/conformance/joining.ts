import { once } from 'node:events';
import { RoomServiceClient } from 'livekit-server-sdk';
import { type Stream, connect } from '../../../src/index.js';
import { streamNamed } from '../live-room.js';
import { KEYS, onEveryBackend, onEveryServer } from './servers.js';

onEveryBackend('a session', async (t, lab) => {
  await t.test('tells who comes, and with what data', async (t) => {
    const room = lab.room(t);
    const ann = await room.join('ann');
    t.equal(ann.sessionId, room.sessionId);
    const age = Date.now() - ann.connection.creationTime.getTime();
    t.ok(Math.abs(age) < 5000, `joined ${age} ms ago`);
    const came = once(ann, 'connectionCreated');
    const bob = await room.join('bob', { token: await room.token({ metadata: '{"role":"second"}' }) });
    t.equal(bob.connection.data, '{"role":"second"}');
    t.match(await came, [{ data: '{"role":"second"}', connectionId: bob.connection.connectionId }]);
  });

  await t.test('tells the streams that were there before', async (t) => {
    const room = lab.room(t);
    const ann = await room.join('ann');
    const publisher = await ann.publish({ name: 'Early', hasVideo: false });
    const bob = await room.join('bob');
    const [stream] = (await once(bob, 'streamReceived')) as [Stream];
    t.match(stream, { streamId: publisher.streamId, name: 'Early', hasAudio: true });
    t.equal(stream.connectionId, ann.connection.connectionId);
  });

  await t.test('that is left is told to the others, with the streams first', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann'), await room.join('bob')];
    const publisher = await ann.publish({ name: 'Bot', hasVideo: false });
    await streamNamed(bob, 'Bot');
    const told: string[] = [];
    bob.on('streamDropped', ({ streamId }) => told.push(streamId));
    bob.on('connectionDropped', ({ connectionId }) => told.push(connectionId));
    const dropped = once(bob, 'connectionDropped');
    await ann.disconnect();
    await dropped;
    t.strictSame(told, [publisher.streamId, ann.connection.connectionId]);
    t.equal(bob.streams.size, 0);
  });
});

onEveryServer('joining', async (t, lab) => {
  await t.test('tells who is there and who comes', async (t) => {
    const room = lab.room(t);
    const ann = await room.join('Ann', { data: '{"role":"first"}', identity: 'ann' });
    t.equal(ann.sessionId, room.sessionId);
    t.match(ann.connection, { name: 'Ann', identity: 'ann', data: '{"role":"first"}' });
    const age = Date.now() - ann.connection.creationTime.getTime();
    t.ok(Math.abs(age) < 5000, `joined ${age} ms ago`);
    const came = once(ann, 'connectionCreated');
    const bob = await room.join('Bob', { data: '{"role":"second"}' });
    const told = once(bob, 'connectionCreated');
    const { connectionId } = bob.connection;
    t.match(await came, [{ name: 'Bob', data: '{"role":"second"}', connectionId }]);
    t.match(await told, [{ name: 'Ann', data: '{"role":"first"}', connectionId: ann.connection.connectionId }]);
  });

  await t.test('is refused without a good token', async (t) => {
    const room = lab.room(t);
    const { url } = lab;
    const refused = async (token: string, code: RegExp): Promise<void> => {
      await t.rejects(connect({ url, token }), { code });
    };
    await refused(await room.token({ apiSecret: 'not the secret' }), /^SLUICE_TOKEN_INVALID$/);
    await refused(await room.token({ apiKey: 'nobody' }), /^SLUICE_TOKEN_INVALID$/);
    await refused(await room.token({ ttlSeconds: -3600 }), /^SLUICE_TOKEN_(INVALID|EXPIRED)$/);
    await refused('nonsense', /^SLUICE_TOKEN_INVALID$/);
  });

  await t.test('with an identity that is there already takes its place', async (t) => {
    const room = lab.room(t);
    const first = await room.join('Ann', { identity: 'ann' });
    const lost = once(first, 'error');
    const second = await room.join('Ann', { identity: 'ann' });
    t.match(await lost, [{ code: 'SLUICE_SESSION_LOST' }]);
    t.not(second.connection.connectionId, first.connection.connectionId);
    await second.publish({ hasVideo: false });
  });

  await t.test('ten at once see each other, and what they publish', async (t) => {
    const room = lab.room(t);
    const names = Array.from({ length: 10 }, (_, i) => `p${i}`);
    const sessions = await Promise.all(
      names.map(async (name) => {
        const session = await room.join(name);
        await session.publish({ hasVideo: false });
        return session;
      }),
    );
    for (const [i, session] of sessions.entries()) {
      while (session.streams.size < 9) await once(session, 'streamReceived');
      const seen = [...session.streams.values()].map(({ name }) => name).sort();
      t.strictSame(
        seen,
        names.filter((name) => name !== names[i]),
        `${names[i]} sees all others`,
      );
    }
  });
});

onEveryServer('leaving', async (t, lab) => {
  await t.test('by the will of the server ends the session with an error, for both sides', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann', { identity: 'ann' }), await room.join('bob')];
    const publisher = await ann.publish({ hasVideo: false });
    await streamNamed(bob, 'ann');
    const over = [once(ann, 'error'), once(publisher, 'error'), once(bob, 'connectionDropped')] as const;
    await new RoomServiceClient(lab.httpUrl, KEYS.apiKey, KEYS.apiSecret).removeParticipant(room.sessionId, 'ann');
    t.match(await over[0], [{ code: 'SLUICE_SESSION_LOST', message: /removed/ }]);
    t.match(await over[1], [{ code: 'SLUICE_SESSION_LOST' }]);
    t.match(await over[2], [{ name: 'ann' }]);
    await t.rejects(ann.publish(), { code: 'SLUICE_SESSION_CLOSED' });
  });
});
