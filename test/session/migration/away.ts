import { once } from 'node:events';
import t, { type Test } from 'tap';
import type { Session } from '../../../src/index.js';
import { endlessTone, hears, streamNamed } from '../live-room.js';
import { freePort } from '../../support/free-port.js';
import { type ServerNode, embeddedNode } from './clusters.js';
import { Room, eventsOf } from './lab.js';
import { write } from './meters.js';

const TIMEOUT_MS = 240_000;

/** A server that is there and one that is not yet, and two participants who may go from one to the other. */
async function call(
  t: Test,
  enableMigration = true,
): Promise<{ nodes: ServerNode[]; room: Room; ann: Session; bob: Session }> {
  const nodes = [embeddedNode(t, await freePort()), embeddedNode(t, await freePort())];
  await nodes[0]?.start();
  const room = new Room(t, nodes);
  return { nodes, room, ann: await room.join('ann', { enableMigration }), bob: await room.join('bob') };
}

t.test('a session between two servers', { timeout: TIMEOUT_MS }, async (t) => {
  await t.test('takes what is asked of it, and does it at the next', async (t) => {
    const { nodes, room, ann, bob } = await call(t);
    const publisher = await ann.publish({ name: 'Tone', hasVideo: false });
    write(endlessTone(440), publisher);
    const stream = await streamNamed(bob, 'Tone');
    const early = await bob.subscribe(stream, { subscribeToVideo: false });
    t.ok(await hears(early, 440));
    const migrating = [ann, bob].map((session) => once(session, 'migrating'));
    nodes[0]?.kill();
    await Promise.all(migrating);
    const [awayMs, playedUs] = [performance.now(), publisher.played];

    const late = await bob.subscribe(stream, { subscribeToVideo: false });
    const mix = bob.mix();
    const answer = bob.publish({ name: 'Answer', hasVideo: false });
    early.destroy();
    t.equal((await bob.stats()).candidatePairs.length, 0);
    t.equal(bob.streams.get(stream.streamId), stream, 'it is expected back');
    const migrated = [ann, bob].map((session) => once(session, 'migrated'));
    await nodes[1]?.start();
    await Promise.all(migrated);
    const [passedMs, leftMs] = [performance.now() - awayMs, (publisher.played - playedUs) / 1000];
    t.ok(leftMs < passedMs / 2, `${leftMs} ms of sound left within ${Math.round(passedMs)} ms: what waits is kept`);
    t.ok(await hears(late, 440), 'who subscribed meanwhile');
    t.ok(await hears(mix, 440));
    write(endlessTone(700), await answer);
    t.ok(await hears(await ann.subscribe(await streamNamed(ann, 'Answer'), { subscribeToVideo: false }), 700));
    const cid = await room.join('cid');
    t.ok(
      await hears(await cid.subscribe(await streamNamed(cid, 'Tone'), { subscribeToVideo: false }), 440),
      'who came later',
    );
  });

  await t.test('leaves when it is asked to', async (t) => {
    const { nodes, ann, bob } = await call(t);
    const publisher = await ann.publish({ name: 'Tone', hasVideo: false });
    const migrating = [ann, bob].map((session) => once(session, 'migrating'));
    nodes[0]?.kill();
    await Promise.all(migrating);
    const never = bob.publish({ name: 'Never', hasVideo: false });
    const refused = t.rejects(never, { code: 'SLUICE_SESSION_CLOSED' });
    const told = [eventsOf(ann), eventsOf(bob)];
    await Promise.all([ann.disconnect(), bob.disconnect()]);
    await refused;
    for (const list of told) t.same(list, ['disconnected']);
    t.ok(publisher.closed);
  });

  await t.test('tells after a while who has not come back', async (t) => {
    const { nodes, ann, bob } = await call(t, false);
    const publisher = await ann.publish({ name: 'Tone', hasVideo: false });
    write(endlessTone(440), publisher);
    const subscriber = await bob.subscribe(await streamNamed(bob, 'Tone'), { subscribeToVideo: false });
    t.ok(await hears(subscriber, 440));
    const ended = once(subscriber.resume(), 'end');
    const told = eventsOf(bob);
    const lost = once(ann, 'error');
    await nodes[1]?.start();
    nodes[0]?.shutDown();
    t.match(await lost, [{ code: 'SLUICE_SESSION_LOST' }]);
    await once(bob, 'connectionDropped');
    t.same(told, ['migrating', 'migrated', 'streamDropped Tone', 'connectionDropped ann']);
    await ended;
    t.equal(bob.streams.size, 0);
  });

  await t.test('comes back to the same address, where a new server has taken the place of the old one', async (t) => {
    const port = await freePort();
    const first = embeddedNode(t, port);
    await first.start();
    const room = new Room(t, [first]);
    const [ann, bob] = [await room.join('ann'), await room.join('bob')];
    write(endlessTone(440), await ann.publish({ name: 'Tone', hasVideo: false }));
    const subscriber = await bob.subscribe(await streamNamed(bob, 'Tone'), { subscribeToVideo: false });
    t.ok(await hears(subscriber, 440));
    const told = [eventsOf(ann), eventsOf(bob)];
    const migrated = [ann, bob].map((session) => once(session, 'migrated'));
    first.kill();
    await first.gone();
    await embeddedNode(t, port).start();
    await Promise.all(migrated);
    t.ok(await hears(subscriber, 440));
    for (const list of told) t.same(list, ['migrating', 'migrated']);
  });
});
