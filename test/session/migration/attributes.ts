import { once } from 'node:events';
import { onEveryCluster } from './clusters.js';
import { meet } from './lab.js';

onEveryCluster('attributes', async (t, cluster) => {
  await t.test('are there again at the next server, and those that were set meanwhile', async (t) => {
    const { first, second, ann, bob, met } = await meet(t, cluster);
    await met;
    const seen = new Promise<void>((resolve) => {
      bob.on('connectionUpdated', ({ name, attributes }) => {
        if (name === 'ann' && attributes['state'] === 'speaking' && attributes['mood'] === 'good') resolve();
      });
    });
    await ann.setAttributes({ mood: 'good' });
    await ann.setAttributes({ state: 'thinking' });
    const migrating = once(ann, 'migrating');
    const migrated = [ann, bob].map((session) => once(session, 'migrated'));
    first.kill();
    await migrating;
    const set = ann.setAttributes({ state: 'speaking' });
    await second.start();
    await Promise.all(migrated);
    await set;
    await seen;
    t.match(ann.connection.attributes, { mood: 'good', state: 'speaking' });
  });
});
