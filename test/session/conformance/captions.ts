import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { type CaptionsData, MAX_CAPTIONS_BYTES, type Session, type StreamValue } from '../../../src/index.js';
import { requireSystem } from '../../support/require.js';
import { BrowserHost } from '../../server/browser-peer.js';
import { RtcNodeClient } from '../../server/rtc-node-client.js';
import { endlessTone, hears, streamNamed } from '../live-room.js';
import { run, streamWith } from './content.js';
import { KEYS, onEveryServer } from './servers.js';
import { createToken } from '../../../src/server/index.js';

/** Texts that come, without their ids. */
function texts(values: readonly CaptionsData[]): [string, boolean][] {
  return values.map(({ text, isFinal }) => [text, isFinal]);
}

/** Reads captions from now on: what comes before is of no interest to the engine. */
async function read(session: Session, captions: Readable): Promise<(count: number) => Promise<CaptionsData[]>> {
  const values: CaptionsData[] = [];
  captions.on('data', (value: CaptionsData) => {
    values.push(value);
    captions.emit('taken');
  });
  // What was asked of the engine before its answer has been done.
  await new Promise((resolve) => setImmediate(resolve));
  await session.stats();
  return async (count) => {
    while (values.length < count) await once(captions, 'taken');
    return values;
  };
}

function caption(text: string, isFinal = false): CaptionsData {
  return { kind: 'captions', text, isFinal };
}

onEveryServer('captions', async (t, lab) => {
  await t.test('come as they are written, each text once, in segments', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann'), await room.join('bob')];
    const publisher = await ann.publish({ hasVideo: false, enableCaptions: true });
    const subscriber = await bob.subscribe(await streamNamed(bob, 'ann'), { subscribeToCaptions: true });
    const came = await read(bob, subscriber.captions);
    const written = [
      caption('Good'),
      caption('Good morning'),
      caption('Good morning, all.', true),
      caption('So: ä€😀', true),
    ];
    for (const value of written) publisher.captions.write(value);
    const values = await came(4);
    t.strictSame(texts(values), texts(written));
    const [first, second, third, fourth] = values.map(({ segmentId }) => segmentId);
    t.ok(first !== undefined && first === second && first === third, 'texts of one segment share its id');
    t.not(fourth, first, 'the next segment has its own');
    publisher.captions.write({ ...caption('of one’s own', true), segmentId: 'own' });
    const own = (await came(5)).at(-1);
    t.strictSame(own, { kind: 'captions', text: 'of one’s own', isFinal: true, segmentId: 'own' });
    t.match(subscriber.stats.captions, { received: 5, delivered: 5, dropped: 0, held: 0 });
  });

  await t.test('come beside the sound in the subscriber’s own stream, and go through the publisher’s', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann'), await room.join('bob')];
    const publisher = await ann.publish({ hasVideo: false, enableCaptions: true });
    run(endlessTone(440), publisher.audio);
    const stream = await streamNamed(bob, 'ann');
    t.ok(await hears(await bob.subscribe(stream, { subscribeToVideo: false }), 440));
    const subscriber = await bob.subscribe(stream, { subscribeToCaptions: true });
    const read: string[] = [];
    for await (const value of subscriber.iterator({ destroyOnReturn: false }) as AsyncIterable<StreamValue>) {
      if (value.kind === 'audio' && read.push('sound') === 1) publisher.write(caption('first', true));
      if (value.kind === 'captions' && read.push(value.text) && value.text === 'first')
        publisher.write(caption('second', true));
      if (read.at(-1) === 'second') break;
    }
    t.strictSame(
      read.filter((one) => one !== 'sound'),
      ['first', 'second'],
    );
  });

  await t.test('belong to the stream that they were written to', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann'), await room.join('bob')];
    const settings = { hasVideo: false, enableCaptions: true } as const;
    const [low, high] = await Promise.all([
      ann.publish({ ...settings, name: 'Low' }),
      ann.publish({ ...settings, name: 'High' }),
    ]);
    const readers = await Promise.all(
      ['Low', 'High'].map(async (name) => {
        const subscriber = await bob.subscribe(await streamNamed(bob, name), { subscribeToCaptions: true });
        return await read(bob, subscriber.captions);
      }),
    );
    for (const [publisher, word] of [
      [low, 'low'],
      [high, 'high'],
    ] as const) {
      publisher.captions.write(caption(`${word} one`, true));
      publisher.captions.write(caption(`${word} two`, true));
    }
    const [lows, highs] = await Promise.all(readers.map((came) => came(2)));
    t.strictSame(texts(lows!), [
      ['low one', true],
      ['low two', true],
    ]);
    t.strictSame(texts(highs!), [
      ['high one', true],
      ['high two', true],
    ]);
  });

  await t.test('of a video alone come, to many readers, and the last before the end', async (t) => {
    const room = lab.room(t);
    const sessions = [await room.join('ann'), await room.join('bob'), await room.join('cid')] as const;
    const [ann, ...others] = sessions;
    const publisher = await ann.publish({ hasAudio: false, enableCaptions: true });
    const readers = await Promise.all(
      others.map(async (other) => {
        const stream = await streamWith(other, 'ann', { hasVideo: true });
        return await read(other, (await other.subscribe(stream, { subscribeToCaptions: true })).captions);
      }),
    );
    for (let i = 0; i < 50; i++) publisher.captions.write(caption(`line ${i}`, true));
    publisher.end();
    await once(publisher, 'close');
    for (const came of readers) {
      t.strictSame(
        texts(await came(50)),
        Array.from({ length: 50 }, (_, i) => [`line ${i}`, true]),
      );
    }
  });

  await t.test('of what others say are at their stream from an agent, and name them elsewhere', async (t) => {
    const room = lab.room(t);
    const token = await room.token({ kind: 'agent', name: 'scribe' });
    const [ann, bob, eve] = [await room.join('ann'), await room.join('bob'), await room.join('eve')];
    const scribes = [await room.join('scribe', { token }), await room.join('liar')];
    for (const talker of [ann, bob]) await talker.publish({ hasVideo: false });
    const [scribe, liar] = await Promise.all(
      scribes.map((one) => one.publish({ hasVideo: false, enableCaptions: true })),
    );
    const speakers = await Promise.all(
      ['ann', 'bob'].map(async (name) => ({ name, streamId: (await streamNamed(scribes[0]!, name)).streamId })),
    );
    const [atAnn, atScribe, atLiar] = await Promise.all(
      ['ann', 'scribe', 'liar'].map(async (name) => {
        const subscriber = await eve.subscribe(await streamNamed(eve, name), { subscribeToCaptions: true });
        return await read(eve, subscriber.captions);
      }),
    );
    const [annSpeaks, bobSpeaks] = speakers.map((speaker) => ({ speaker }));
    for (const publisher of [liar!, scribe!]) {
      publisher.captions.write({ ...caption('I say'), ...annSpeaks });
      publisher.captions.write({ ...caption('So do I', true), ...bobSpeaks });
      publisher.captions.write({ ...caption('I say so', true), ...annSpeaks });
      publisher.captions.write({ ...caption('and left', true), speaker: { name: 'cid', streamId: 'gone' } });
    }
    const said = await atAnn!(2);
    t.strictSame(texts(said), [
      ['I say', false],
      ['I say so', true],
    ]);
    t.equal(said[0]?.segmentId, said[1]?.segmentId, 'what others say in between is not of the same segment');
    t.strictSame(texts(await atScribe!(1)), [['cid: and left', true]]);
    t.strictSame(texts(await atLiar!(4)), [
      ['ann: I say', false],
      ['bob: So do I', true],
      ['ann: I say so', true],
      ['cid: and left', true],
    ]);
  });

  await t.test('may be long, but not without a limit', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann'), await room.join('bob')];
    const publisher = await ann.publish({ hasVideo: false, enableCaptions: true });
    const subscriber = await bob.subscribe(await streamNamed(bob, 'ann'), { subscribeToCaptions: true });
    const came = await read(bob, subscriber.captions);
    const longest = 'ü'.repeat(MAX_CAPTIONS_BYTES / 2);
    publisher.captions.write(caption(longest, true));
    t.strictSame(texts(await came(1)), [[longest, true]]);
    const error = once(publisher.captions, 'error');
    publisher.captions.write(caption(`${longest}.`, true));
    t.match(await error, [{ code: 'SLUICE_FORMAT_MISMATCH' }]);
    t.equal(publisher.destroyed, false, 'the sound goes on without them');
  });

  await t.test('are sent only with permission for data, and read only where they are asked for', async (t) => {
    const room = lab.room(t);
    const token = await room.token({ grants: { canPublishData: false }, name: 'ann' });
    const [ann, bob] = [await room.join('ann', { token }), await room.join('bob')];
    await t.rejects(ann.publish({ hasVideo: false, enableCaptions: true }), { code: 'SLUICE_PERMISSION_DENIED' });
    const publisher = await ann.publish({ hasVideo: false });
    const subscriber = await bob.subscribe(await streamNamed(bob, 'ann'));
    t.strictSame(await subscriber.captions.toArray(), []);
    const error = once(publisher.captions, 'error');
    publisher.captions.write(caption('not asked for', true));
    t.match(await error, [{ code: 'SLUICE_FORMAT_MISMATCH' }]);
  });
});

onEveryServer('captions from and to other clients', async (t, lab) => {
  const chromium = requireSystem(t, 'chromium');
  if (chromium === undefined) return;
  const host = await BrowserHost.launch(chromium);
  t.teardown(() => host.close());

  await t.test('arrive as transcriptions and as text streams', async (t) => {
    const room = lab.room(t);
    // A LiveKit server passes transcriptions on from agents only.
    const own = await createToken({
      ...KEYS,
      sessionId: room.sessionId,
      identity: 'ann',
      name: 'ann',
      ...(lab.name === 'LiveKit' && { kind: 'agent' }),
    });
    const ann = await room.join('ann', { token: own });
    const publisher = await ann.publish({ hasVideo: false, enableCaptions: true });
    const [page, node] = [await host.peer(), new RtcNodeClient()];
    t.teardown(() => Promise.all([page.close(), node.close()]));
    await page.call('connect', { url: lab.url, token: await room.token({ identity: 'page' }) });
    await node.call('connect', { url: lab.url, token: await room.token({ identity: 'node' }), autoSubscribe: true });
    const heard = await page.event({ type: 'trackSubscribed', identity: 'ann' });
    await node.event('trackSubscribed', ({ identity }) => identity === 'ann');
    publisher.captions.write(caption('Guten'));
    publisher.captions.write(caption('Guten Tag', true));
    const from = { identity: 'ann', sid: heard.sid! };
    for (const type of ['transcription', 'captionText']) {
      const partial = await page.event({ type, ...from, text: 'Guten', final: false });
      const final = await page.event({ type, ...from, text: 'Guten Tag', final: true });
      t.equal(partial.segment, final.segment, `${type}: the final text takes the place of the partial one`);
    }
    const { attributes } = await node.event('captionText', ({ text }) => text === 'Guten Tag');
    t.match(attributes, { 'lk.transcription_final': 'true', 'lk.transcribed_track_id': heard.sid });
  });

  await t.test('are read, from whoever may say so', async (t) => {
    const room = lab.room(t);
    const bob = await room.join('bob');
    // A LiveKit server takes its time to tell of those who publish nothing.
    const agentCame = new Promise<void>((resolve) => {
      bob.on('connectionCreated', ({ identity }) => {
        if (identity === 'node') resolve();
      });
    });
    const [page, node] = [await host.peer(), new RtcNodeClient()];
    t.teardown(() => Promise.all([page.close(), node.close()]));
    await page.call('connect', { url: lab.url, token: await room.token({ identity: 'page' }) });
    const agent = await createToken({ ...KEYS, sessionId: room.sessionId, identity: 'node', kind: 'agent' });
    await node.call('connect', { url: lab.url, token: agent, autoSubscribe: true });
    const sid = await page.call<string>('publishTone', { hz: 500 });
    const stream = await streamNamed(bob, 'page');
    const subscriber = await bob.subscribe(stream, { subscribeToCaptions: true });
    const came = await read(bob, subscriber.captions);

    const attributes = { 'lk.segment_id': 'one', 'lk.transcribed_track_id': sid };
    await page.call('sendCaptions', { text: 'I say', attributes: { ...attributes, 'lk.transcription_final': 'true' } });
    t.strictSame(texts(await came(1)).slice(0, 1), [['I say', true]]);
    await page.call('sendCaptions', {
      words: ['word ', 'by ', 'word'],
      attributes: { 'lk.segment_id': 'two', 'lk.transcription_final': 'false' },
    });
    t.strictSame(texts(await came(4)).slice(1), [
      ['word ', false],
      ['word by ', false],
      ['word by word', false],
    ]);
    // The agent tells what it has heard: as a transcription, and in the name of who said it.
    await node.call('publishTranscription', { identity: 'page', sid, segment: 'three', text: 'heard', final: false });
    await node.call('publishTranscription', {
      identity: 'page',
      sid,
      segment: 'three',
      text: 'heard you',
      final: true,
    });
    const final = { 'lk.transcription_final': 'true' };
    await node.call('sendCaptions', {
      text: 'heard you',
      identity: 'page',
      attributes: { ...final, 'lk.segment_id': 'three', 'lk.transcribed_track_id': sid },
    });
    await agentCame;
    await node.call('sendCaptions', {
      text: 'and more',
      attributes: { ...final, 'lk.segment_id': 'four', 'lk.transcribed_track_id': sid },
    });
    t.strictSame(
      texts(await came(7)).slice(4),
      [
        ['heard', false],
        ['heard you', true],
        ['and more', true],
      ],
      'what comes both ways comes once',
    );
  });

  await t.test('of others are not taken from those who are no agents', async (t) => {
    const room = lab.room(t);
    const [ann, bob] = [await room.join('ann', { identity: 'ann' }), await room.join('bob')];
    const node = new RtcNodeClient();
    t.teardown(() => node.close());
    const publisher = await ann.publish({ hasVideo: false, enableCaptions: true });
    await node.call('connect', { url: lab.url, token: await room.token({ identity: 'node' }), autoSubscribe: true });
    const { sid } = await node.event('trackSubscribed', ({ identity }) => identity === 'ann');
    await node.call('publishTone', { hz: 500 });
    const [anns, nodes] = await Promise.all(
      ['ann', 'node'].map(async (name) => {
        const subscriber = await bob.subscribe(await streamNamed(bob, name), { subscribeToCaptions: true });
        return await read(bob, subscriber.captions);
      }),
    );
    await node.call('publishTranscription', { identity: 'ann', sid, segment: 'x', text: 'forged', final: true });
    const final = { 'lk.transcription_final': 'true' };
    for (const identity of [undefined, 'ann']) {
      await node.call('sendCaptions', {
        text: 'forged',
        attributes: { ...final, 'lk.transcribed_track_id': sid },
        ...(identity !== undefined && { identity }),
      });
    }
    // Comes after all of that.
    await node.call('sendCaptions', { text: 'mine', attributes: final });
    t.strictSame(texts(await nodes!(1)), [['mine', true]]);
    publisher.captions.write(caption('true', true));
    t.strictSame(texts(await anns!(1)), [['true', true]]);
  });
});
