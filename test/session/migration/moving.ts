import { once } from 'node:events';
import type { Test } from 'tap';
import { endlessTone, streamNamed } from '../live-room.js';
import { type Cluster, type ServerNode, onEveryCluster } from './clusters.js';
import { eventsOf, meet } from './lab.js';
import { PictureMeter, ToneMeter, endlessPattern, write } from './meters.js';

const STEADY_MS = 500;
/** Further apart pieces of sound are not by their time stamps, in ms: a machine that is late makes holes of its own. */
const MAX_HOLE_MS = 250;

/** Two sessions go from one server to another, and nothing but a gap is seen. */
async function moves(t: Test, cluster: Cluster, leave: (node: ServerNode) => void): Promise<void> {
  const { first, second, ann, bob, met } = await meet(t, cluster);
  const publisher = await ann.publish({ name: 'Show' });
  write(endlessTone(440), publisher.audio);
  write(endlessPattern(), publisher.video);
  const stream = await streamNamed(bob, 'Show');
  const subscriber = await bob.subscribe(stream);
  const heard = new ToneMeter().follow(subscriber.audio);
  const seen = new PictureMeter().follow(subscriber.video);
  const mixed = new ToneMeter().follow(bob.mix());
  const meters = [heard, seen, mixed];
  await Promise.all(meters.map((meter) => meter.steady(STEADY_MS)));
  await met;
  await second.start();
  const told = [eventsOf(ann), eventsOf(bob)];
  const ids = (): string[] => [ann.connection.connectionId, stream.streamId, publisher.streamId];
  const before = ids();

  const atMs = performance.now();
  const noticed = Promise.race([ann, bob].map((session) => once(session, 'migrating'))).then(() => performance.now());
  leave(first);
  await Promise.all([ann, bob].map((session) => once(session, 'migrated')));
  const movedMs = Math.round(performance.now() - atMs);
  const againMs = performance.now();
  await Promise.all(meters.map((meter) => meter.steady(STEADY_MS, againMs)));
  const toldMs = await noticed;
  const backMs = (sinceMs: number): number => Math.max(...meters.map((meter) => meter.backMs(sinceMs)));
  t.comment(
    `${cluster.name}: both had joined anew after ${movedMs} ms; silence of ${heard.longestMs(atMs)} ms, ` +
      `in the mix ${mixed.longestMs(atMs)} ms, a picture that stood ${seen.longestMs(atMs)} ms; ` +
      `all is back after ${backMs(atMs)} ms, ${backMs(toldMs)} ms after the first noticed`,
  );
  for (const list of told) t.same(list, ['migrating', 'migrated'], 'nothing else was told');
  t.same(ids(), before, 'the ids are what they were');
  t.equal(bob.streams.get(stream.streamId), stream);
  t.notOk(publisher.destroyed || subscriber.destroyed);
  t.equal(heard.wentBack + seen.wentBack + mixed.wentBack, 0, 'time did not go back');
  for (const { longestHoleMs } of [heard, mixed]) {
    const hole = Math.round(longestHoleMs);
    t.ok(hole < MAX_HOLE_MS, `silence in the gap, not nothing: pieces are at most ${hole} ms apart`);
  }

  const answer = await bob.publish({ name: 'Answer', hasVideo: false });
  write(endlessTone(700), answer);
  const reply = await ann.subscribe(await streamNamed(ann, 'Answer'), { subscribeToVideo: false });
  await new ToneMeter().follow(reply).steady(STEADY_MS);
  await publisher.close();
  while (bob.streams.size > 0) await once(bob, 'streamDropped');
}

onEveryCluster('sessions with migration', async (t, cluster) => {
  await t.test('move when their server says that it goes away', async (t) => {
    await moves(t, cluster, (node) => {
      node.shutDown();
    });
  });
  await t.test('move when their server is killed', async (t) => {
    await moves(t, cluster, (node) => {
      node.kill();
    });
  });
  await t.test('move when their server does not answer any more', async (t) => {
    await moves(t, cluster, (node) => {
      node.freeze();
    });
  });
});
