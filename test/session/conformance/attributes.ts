import type { Connection, Session } from '../../../src/index.js';
import { SignalProxy } from '../../support/signal-proxy.js';
import { streamNamed } from '../live-room.js';
import { onEveryServer } from './servers.js';

/** Waits until a participant has this value, as another one sees it. */
function sees(session: Session, name: string, key: string, value: string | undefined): Promise<Connection> {
  return new Promise((resolve) => {
    session.on('connectionUpdated', (connection) => {
      if (connection.name === name && connection.attributes[key] === value) resolve(connection);
    });
  });
}

onEveryServer('attributes of a participant', async (t, lab) => {
  await t.test('are seen by the others, and by who comes later', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann'), await room.join('bob')];
    await ann.publish({ name: 'Talk', hasVideo: false });
    const stream = await streamNamed(bob, 'Talk');
    t.strictSame(stream.connection.attributes, {});
    const seen = sees(bob, 'ann', 'lk.agent.state', 'thinking');
    const own = sees(ann, 'ann', 'lk.agent.state', 'thinking');
    await ann.setAttributes({ 'lk.agent.state': 'thinking', mood: 'good' });
    t.strictSame((await seen).attributes, { 'lk.agent.state': 'thinking', mood: 'good' });
    t.strictSame(stream.connection.attributes, { 'lk.agent.state': 'thinking', mood: 'good' });
    await own;
    t.equal(ann.connection.attributes['mood'], 'good', 'also by itself');
    const cid = await room.join('cid');
    t.equal((await streamNamed(cid, 'Talk')).connection.attributes['lk.agent.state'], 'thinking');
    const without = sees(bob, 'ann', 'mood', undefined);
    await ann.setAttributes({ mood: '' });
    t.strictSame((await without).attributes, { 'lk.agent.state': 'thinking' }, 'an empty value takes one away');
  });

  await t.test('are there again after signalling broke, and change as before', async (t) => {
    const room = lab.room(t);
    const proxy = await SignalProxy.start(lab.url);
    t.teardown(() => proxy.close());
    const [ann, bob] = [await room.join('ann', { url: proxy.url }), await room.join('bob')];
    await ann.setAttributes({ state: 'idle' });
    const seen = sees(bob, 'ann', 'state', 'speaking');
    proxy.cut();
    await ann.setAttributes({ mood: 'good' });
    await ann.setAttributes({ state: 'speaking' });
    t.strictSame((await seen).attributes, { state: 'speaking', mood: 'good' });
  });

  await t.test('need a token that grants them, and are texts of some length', async (t) => {
    const room = lab.room(t);
    const mute = await room.join('mute', { token: await room.token() });
    await t.rejects(mute.setAttributes({ a: 'b' }), { code: 'SLUICE_PERMISSION_DENIED' });
    const ann = await room.join('ann');
    for (const wrong of [{ a: 1 }, { '': 'a' }, { a: 'x'.repeat(64_000) }, 'a'])
      await t.rejects(ann.setAttributes(wrong as never), { code: 'SLUICE_CONFIG_INVALID' });
    await ann.setAttributes({ a: 'x'.repeat(40_000) });
    const more = ann.setAttributes({ b: 'x'.repeat(40_000) });
    // A LiveKit server counts each change by itself.
    if (lab.name === 'LiveKit') await more;
    else await t.rejects(more, { code: 'SLUICE_PUBLISH_FAILED', message: /too long/ });
    await ann.disconnect();
    await t.rejects(ann.setAttributes({ a: 'b' }), { code: 'SLUICE_SESSION_CLOSED' });
  });
});
