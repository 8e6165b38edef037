import { once } from 'node:events';
import type { CaptionsData } from '../../../src/index.js';
import { endlessTone, streamNamed } from '../live-room.js';
import { onEveryCluster } from './clusters.js';
import { eventsOf, meet } from './lab.js';
import { write } from './meters.js';

function caption(text: string, isFinal: boolean): CaptionsData {
  return { kind: 'captions', text, isFinal };
}

onEveryCluster('captions', async (t, cluster) => {
  for (const [how, leave] of [
    ['says that it goes away', 'shutDown'],
    ['is killed', 'kill'],
  ] as const) {
    await t.test(`go on at the next server when one ${how}, and wait meanwhile`, async (t) => {
      const { first, second, ann, bob, met } = await meet(t, cluster);
      const publisher = await ann.publish({ name: 'Talk', hasVideo: false, enableCaptions: true });
      write(endlessTone(440), publisher.audio);
      const subscriber = await bob.subscribe(await streamNamed(bob, 'Talk'), { subscribeToCaptions: true });
      const came: CaptionsData[] = [];
      subscriber.captions.on('data', (value: CaptionsData) => came.push(value));
      const until = async (text: string): Promise<void> => {
        while (came.at(-1)?.text !== text) await once(subscriber.captions, 'data');
      };
      // What comes before the engine knows of the first read is of no interest to it.
      await bob.stats();
      publisher.captions.write(caption('One', true));
      publisher.captions.write(caption('Two', false));
      await until('Two');

      await met;
      const told = [eventsOf(ann), eventsOf(bob)];
      const migrating = once(ann, 'migrating');
      const migrated = [ann, bob].map((session) => once(session, 'migrated'));
      first[leave]();
      await migrating;
      publisher.captions.write(caption('Two or', false));
      await second.start();
      await Promise.all(migrated);
      publisher.captions.write(caption('Two or three', true));
      await until('Two or three');
      const [, two, last] = [came[0], came[1], came.at(-1)];
      t.ok(two?.segmentId !== undefined && two.segmentId === last?.segmentId, 'the segment goes on');
      t.equal(new Set(came.map(({ text }) => text)).size, came.length, 'nothing came twice');
      const waited = came.some(({ text }) => text === 'Two or');
      t.comment(
        `${cluster.name}: what was written meanwhile ${waited ? 'came' : 'was sent before the other one was there'}`,
      );
      for (const list of told) t.same(list, ['migrating', 'migrated']);
      await new Promise<void>((resolve) => publisher.captions.end(resolve));
    });
  }
});
