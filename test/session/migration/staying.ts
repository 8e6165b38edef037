import { once } from 'node:events';
import { endlessTone, streamNamed } from '../live-room.js';
import { onEveryCluster } from './clusters.js';
import { Room, eventsOf } from './lab.js';
import { write } from './meters.js';

onEveryCluster('sessions without migration', async (t, cluster) => {
  for (const [how, leave] of [
    ['says that it goes away', 'shutDown'],
    ['is killed', 'kill'],
  ] as const) {
    await t.test(`end with an error when their server ${how}`, async (t) => {
      const [first, second] = await cluster.pair(t);
      await first.start();
      await second.start();
      const room = new Room(t, [first, second]);
      const stays = { enableMigration: false };
      const [ann, bob] = [await room.join('ann', stays), await room.join('bob', stays)];
      const publisher = await ann.publish({ name: 'Tone', hasVideo: false });
      write(endlessTone(440), publisher);
      const subscriber = await bob.subscribe(await streamNamed(bob, 'Tone'));
      subscriber.resume();
      const told = [eventsOf(ann), eventsOf(bob)];
      const errors = [ann, bob, publisher, subscriber].map((one) => once(one, 'error'));
      const left = [ann, bob].map((session) => once(session, 'disconnected'));
      first[leave]();
      for (const error of errors) t.match(await error, [{ code: 'SLUICE_SESSION_LOST' }]);
      await Promise.all(left);
      for (const list of told) t.notMatch(list, ['migrating']);
      t.comment(`${cluster.name}: ${((await errors[0]) as [Error])[0].message}`);
    });
  }
});
