import { pipeline } from 'node:stream/promises';
import { once } from 'node:events';
import type { AudioData } from '../../../src/index.js';
import { SignalProxy } from '../../support/signal-proxy.js';
import { endlessTone, hears, streamNamed } from '../live-room.js';
import { onEveryServer } from './servers.js';

/** So much silence in a tone is heard as a gap. */
const GAP_MS = 150;
const LISTEN_MS = 2_000;
/** The tone has come so long without a gap: whatever begins has begun. */
const STEADY_MS = 500;

onEveryServer('sessions whose signalling breaks', async (t, lab) => {
  if (lab.name === 'LiveKit') {
    // It starts their media anew, which they cannot follow.
    await t.test('join anew, and go on after a gap', async (t) => {
      const room = lab.room(t);
      const proxy = await SignalProxy.start(lab.url);
      t.teardown(() => proxy.close());
      const [ann, bob, cid] = [
        await room.join('ann', { url: proxy.url }),
        await room.join('bob', { url: proxy.url }),
        await room.join('cid'),
      ];
      const publisher = await ann.publish({ name: 'Tone', hasVideo: false });
      pipeline(endlessTone(440), publisher).catch(() => undefined);
      const subscribers = [
        await bob.subscribe(await streamNamed(bob, 'Tone'), { subscribeToVideo: false }),
        await cid.subscribe(await streamNamed(cid, 'Tone'), { subscribeToVideo: false }),
      ];
      for (const subscriber of subscribers) t.ok(await hears(subscriber, 440));
      const ends: string[] = [];
      for (const one of [ann, bob, cid, publisher, ...subscribers]) one.once('close', () => ends.push('closed'));
      for (const session of [bob, cid]) session.once('streamDropped', ({ name }) => ends.push(name));
      const migrated = [ann, bob].map((session) => once(session, 'migrated'));
      proxy.cut();
      await Promise.all(migrated);
      for (const subscriber of subscribers) t.ok(await hears(subscriber, 440), 'also by who was not away');
      t.same(ends, []);
    });
    return;
  }
  await t.test('go on as if nothing had been, and their media does not stop', async (t) => {
    const room = lab.room(t);
    const proxy = await SignalProxy.start(lab.url);
    t.teardown(() => proxy.close());
    const [ann, bob] = [await room.join('ann', { url: proxy.url }), await room.join('bob', { url: proxy.url })];
    pipeline(endlessTone(440), await ann.publish({ name: 'Tone', hasVideo: false })).catch(() => undefined);
    const subscriber = await bob.subscribe(await streamNamed(bob, 'Tone'), { subscribeToVideo: false });
    const ends: string[] = [];
    for (const session of [ann, bob]) session.once('disconnected', () => ends.push(session.connection.connectionId));
    let [steadyMs, heardMs, silentMs, longestMs] = [0, 0, 0, 0];
    for await (const { data, sampleRate, numberOfFrames } of subscriber as AsyncIterable<AudioData>) {
      const ms = (numberOfFrames * 1000) / sampleRate;
      const loud = data.some((sample) => Math.abs(sample) > 3_000);
      if (steadyMs < STEADY_MS) {
        steadyMs = loud ? steadyMs + ms : 0;
        if (steadyMs >= STEADY_MS) proxy.cut();
        continue;
      }
      heardMs += ms;
      silentMs = loud ? 0 : silentMs + ms;
      longestMs = Math.max(longestMs, silentMs);
      if (heardMs >= LISTEN_MS) break;
    }
    t.ok(longestMs < GAP_MS, `${longestMs} ms of silence`);
    const cid = await room.join('cid');
    const received = once(bob, 'streamReceived');
    await cid.publish({ name: 'Late', hasVideo: false });
    await received;
    await streamNamed(ann, 'Late');
    const again = await ann.publish({ name: 'Again', hasVideo: false });
    await streamNamed(bob, 'Again');
    again.destroy();
    t.same(ends, [], 'nobody left');
  });

  await t.test('learn who left meanwhile', async (t) => {
    const room = lab.room(t);
    const proxy = await SignalProxy.start(lab.url);
    t.teardown(() => proxy.close());
    const [ann, bob] = [await room.join('ann', { url: proxy.url }), await room.join('bob')];
    await bob.publish({ name: 'Voice', hasVideo: false });
    await streamNamed(ann, 'Voice');
    const dropped = once(ann, 'connectionDropped');
    proxy.blocked = true;
    proxy.cut();
    await bob.disconnect();
    proxy.blocked = false;
    const [{ connectionId }] = (await dropped) as [{ connectionId: string }];
    t.equal(connectionId, bob.connection.connectionId);
    t.equal(ann.streams.size, 0);
  });
});
