import { once } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import t from 'tap';
import { SluiceError } from '../../src/media/errors.js';
import type { AudioData } from '../../src/media/audio-data.js';
import { openSession } from '../../src/session/open-session.js';
import { webrtcDriver } from '../../src/session/drivers/webrtc.js';
import { FakeEngine, join, streamState, turns } from './fake-engine.js';
import { ramp } from './media.js';

t.test('session', async (t) => {
  await t.test('streams that were there already are told after connect() has resolved', async (t) => {
    const engine = new FakeEngine();
    engine.present = [streamState('ann'), streamState('bob', { hasVideo: false })];
    const session = await openSession(
      webrtcDriver(() => engine),
      { url: 'ws://nowhere', token: 'x' },
    );
    const received: unknown[] = [];
    session.on('streamReceived', (stream) =>
      received.push([stream.streamId, stream.hasVideo, stream.connectionId, session.streams.has(stream.streamId)]),
    );
    t.equal(session.streams.size, 0, 'a listener that also looks at the streams meets each of them once');
    await turns();
    t.strictSame(received, [
      ['s-ann', true, 'c-ann', true],
      ['s-bob', false, 'c-bob', true],
    ]);
    t.match(session.connection, { name: 'self', creationTime: new Date(1000) });
  });

  await t.test('a stream is one object that is kept up to date', async (t) => {
    const { session, engine } = await join();
    engine.tell('streamReceived', { stream: streamState('ann', { hasVideo: false }) });
    const stream = session.streams.get('s-ann')!;
    const updated = once(session, 'streamUpdated');
    engine.tell('streamUpdated', { stream: streamState('ann') });
    t.strictSame(await updated, [stream]);
    t.equal(stream.hasVideo, true);
    const dropped = once(session, 'streamDropped');
    engine.tell('streamDropped', { streamId: 's-ann' });
    t.equal((await dropped)[0], stream);
    t.equal(session.streams.size, 0);
  });

  await t.test('tells who comes, goes and speaks, and that it moves', async (t) => {
    const { session, engine } = await join();
    const told: unknown[] = [];
    session.on('connectionCreated', ({ name }) => told.push(['created', name]));
    session.on('connectionDropped', ({ name }) => told.push(['dropped', name]));
    session.on('speakerChanged', (stream) => told.push(['speaks', stream?.name, session.currentSpeaker?.name]));
    session.on('migrating', () => told.push('migrating'));
    session.on('migrated', () => told.push('migrated'));
    const { connection } = streamState('ann');
    engine.tell('connectionCreated', { connection });
    engine.tell('streamReceived', { stream: streamState('ann') });
    engine.tell('speakerChanged', { streamId: 's-ann' });
    engine.tell('speakerChanged', { streamId: 's-ann' });
    engine.tell('migrating', {});
    engine.tell('migrated', {});
    engine.tell('streamDropped', { streamId: 's-ann' });
    engine.tell('connectionDropped', { connection });
    t.strictSame(told, [
      ['created', 'ann'],
      ['speaks', 'ann', 'ann'],
      'migrating',
      'migrated',
      ['speaks', undefined, undefined],
      ['dropped', 'ann'],
    ]);
  });

  await t.test('tells that audio is taken, after publish() resolved, for publishers that have audio', async (t) => {
    const { session } = await join();
    const told: string[] = [];
    session.on('readyForAudio', () => told.push('ready'));
    await session.publish({ hasAudio: false });
    await session.publish({ hasVideo: false });
    told.push('published');
    await once(session, 'readyForAudio');
    t.strictSame(told, ['published', 'ready']);
  });

  await t.test('what is said of participants is kept up to date', async (t) => {
    const { session, engine } = await join();
    engine.tell('streamReceived', { stream: streamState('ann') });
    engine.tell('streamReceived', { stream: streamState('bob') });
    const told: string[] = [];
    session.on('connectionUpdated', ({ identity, name, data }) => told.push(`${identity}: ${name}, ${data}`));
    const { connection } = streamState('ann');
    engine.tell('connectionUpdated', { connection: { ...connection, name: 'Ann', data: 'new' } });
    engine.tell('connectionUpdated', {
      connection: { ...connection, connectionId: session.connection.connectionId, identity: 'self', name: 'Me' },
    });
    t.strictSame(told, ['ann: Ann, new', 'self: Me, ']);
    t.match(session.streams.get('s-ann'), { connection: { name: 'Ann', data: 'new' } });
    t.match(session.streams.get('s-bob'), { connection: { name: 'bob', data: '' } });
    t.match(session.connection, { name: 'Me' });
    await session.disconnect();
  });

  await t.test('pipeline(session, publisher) gives the mix back, and ends well with disconnect()', async (t) => {
    const { session, engine } = await join({ settings: { av: { audioSubscribersMix: { numberOfChannels: 2 } } } });
    const publisher = await session.publish({ hasVideo: false });
    const echo = pipeline(session, publisher);
    await turns();
    const mix = engine.readers[0]!;
    t.match(mix.args, {
      audio: true,
      video: false,
      encoded: false,
      audioFormat: { sampleRate: 48_000, numberOfChannels: 2 },
    });
    t.notOk('streamId' in mix.args, 'the mix of all');
    const sent = [1, 2, 3].map((first) => ramp(20, { first }));
    for (const value of sent) engine.give(mix, value);
    await turns();
    t.strictSame(engine.publishers[0]!.written, sent);
    await session.disconnect();
    await echo;
    await turns();
    t.strictSame([session.closed, publisher.closed, engine.listening, engine.refs], [true, true, 0, 0]);
  });

  await t.test('every mix() is a reader of its own, in the format asked for', async (t) => {
    const { session, engine } = await join();
    const [one, two] = [session.mix(), session.mix({ sampleRate: 16_000, numberOfChannels: 1, ptimeMs: 10 })];
    t.equal(engine.readers.length, 0, 'nothing before the first read');
    const read = [one.toArray(), two.toArray()];
    await turns();
    t.strictSame(
      engine.readers.map(({ args }) => args.audioFormat),
      [
        { sampleRate: 48_000, numberOfChannels: 2 },
        { sampleRate: 16_000, numberOfChannels: 1 },
      ],
    );
    engine.give(engine.readers[0]!, ramp(20));
    await session.disconnect();
    t.strictSame(
      (await Promise.all(read)).map((values) => values.length),
      [1, 0],
    );
    t.throws(() => session.mix(), { code: 'SLUICE_SESSION_CLOSED' });
    t.throws(() => session.mix({ sampleRate: 1 as never }), { code: 'SLUICE_CONFIG_INVALID' });
  });

  await t.test('writing goes to the publisher, with its backpressure, and ending ends it', async (t) => {
    const { session, engine } = await join();
    await session.publish({ hasVideo: false, highWaterMarkMs: 40 });
    const sent = [1, 2, 3, 4, 5].map((first) => ramp(20, { first }));
    const written = pipeline(Readable.from(sent), session);
    await turns();
    const played = engine.publishers[0]!;
    t.equal(played.written.length, 2);
    for (let i = 0; i < 5; i++) {
      played.play('audio', 20);
      await turns();
    }
    await written;
    t.strictSame(played.written, sent);
    t.equal(played.mostHeldUs, 40_000);
    t.equal(played.closed, true);
    t.equal(session.destroyed, false, 'the session itself goes on');
    await session.disconnect();
  });

  await t.test('writing without a publisher says what to do', async (t) => {
    const { session } = await join();
    await t.rejects(pipeline(Readable.from([ramp(20)]), session), { code: 'SLUICE_STATE_INVALID', mend: /publish/ });
  });

  await t.test("an error of the publisher that is written to by the session is the session's", async (t) => {
    const { session } = await join();
    await session.publish({ hasVideo: false });
    await t.rejects(pipeline(Readable.from([ramp(20, { sampleRate: 8000 })]), session), {
      code: 'SLUICE_FORMAT_MISMATCH',
    });
  });

  await t.test('disconnect() ends readers, writers and the session, once, without an error', async (t) => {
    const { session, engine } = await join();
    engine.tell('streamReceived', { stream: streamState('ann') });
    const publisher = await session.publish({ hasVideo: false, highWaterMarkMs: 40 });
    const subscriber = await session.subscribe('s-ann');
    let disconnected = 0;
    session.on('disconnected', () => disconnected++);
    const ends = [finished(publisher), finished(subscriber.resume()), finished(session.resume())];
    publisher.write(ramp(200));
    await Promise.all([session.disconnect(), session.disconnect()]);
    await Promise.all(ends);
    await session.disconnect();
    t.strictSame([disconnected, engine.disconnected.length, engine.listening, engine.refs], [1, 1, 0, 0]);
    await t.rejects(session.publish(), { code: 'SLUICE_SESSION_CLOSED' });
    await t.rejects(session.subscribe('s-ann'), { code: 'SLUICE_SESSION_CLOSED' });
    await t.rejects(session.stats(), { code: 'SLUICE_SESSION_CLOSED' });
  });

  await t.test('a session that was neither read nor written closes with disconnect()', async (t) => {
    const { session } = await join();
    const closed = once(session, 'close');
    await session.disconnect();
    await closed;
    t.strictSame(await session.toArray(), [], 'and is at its end for who reads it later');
  });

  await t.test('who is still writing when the session is left is told so', async (t) => {
    const { session, engine } = await join();
    const publisher = await session.publish({ hasVideo: false, highWaterMarkMs: 40 });
    const endless = new Readable({
      objectMode: true,
      read() {
        this.push(ramp(20));
      },
    });
    const piped = pipeline(endless, publisher);
    async function* generate(): AsyncGenerator<AudioData> {
      for (;;) {
        await turns(1);
        yield ramp(20);
      }
    }
    const other = await session.publish({ hasVideo: false, highWaterMarkMs: 40 });
    const generated = pipeline(generate, other);
    await turns();
    t.equal(engine.publishers[0]!.heldUs('audio'), 40_000);
    await session.disconnect();
    await t.rejects(piped, { code: 'SLUICE_SESSION_CLOSED' });
    await t.rejects(generated, { code: 'SLUICE_SESSION_CLOSED' });
  });

  await t.test('a late write by hand fails its callback and hurts nobody', async (t) => {
    const { session } = await join();
    const publisher = await session.publish({ hasVideo: false });
    await session.disconnect();
    for (const stream of [publisher, publisher.audio, session]) {
      const error = await new Promise((resolve) => stream.write(ramp(20), (cause?: Error | null) => resolve(cause)));
      t.match(error, { code: 'SLUICE_SESSION_CLOSED' });
      t.equal(stream.write(ramp(20)), false);
    }
    await turns();
  });

  await t.test('a writer that waits for drain when the session is left gets it, and then the error', async (t) => {
    const { session } = await join();
    const publisher = await session.publish({ hasVideo: false, highWaterMarkMs: 20 });
    t.equal(publisher.write(ramp(20)), false);
    const drained = once(publisher, 'drain');
    await session.disconnect();
    await drained;
    const failed = once(publisher, 'error');
    publisher.write(ramp(20));
    t.match(await failed, [{ code: 'SLUICE_SESSION_CLOSED' }]);
  });

  await t.test('a lost session destroys everything with SLUICE_SESSION_LOST', async (t) => {
    const { session, engine } = await join();
    engine.tell('streamReceived', { stream: streamState('ann') });
    const publisher = await session.publish({ hasVideo: false });
    const silent = await session.publish({ hasVideo: false });
    const subscriber = await session.subscribe('s-ann');
    const lost = { code: 'SLUICE_SESSION_LOST', message: 'the server went away' } as const;
    const all = [
      pipeline(session.mix(), new Writable({ objectMode: true })),
      pipeline(subscriber.audio, new Writable({ objectMode: true })),
      pipeline(new Readable({ objectMode: true, read: () => undefined }), publisher),
      once(session, 'close'),
    ].map((promise: Promise<unknown>) => t.rejects(promise, lost));
    const order: string[] = [];
    session.on('disconnected', () => order.push('disconnected'));
    session.on('error', () => order.push('error'));
    await turns();
    engine.tell('sessionLost', { error: lost });
    await Promise.all(all);
    t.strictSame(order, ['disconnected', 'error']);
    t.equal(silent.destroyed, true, 'also what nobody listens to, quietly');
    t.equal(engine.refs, 0);
    await t.rejects(session.publish(), { code: 'SLUICE_SESSION_CLOSED' });
  });

  await t.test('a lost session is no error of who waits for the end of a subscriber only', async (t) => {
    const { session, engine } = await join();
    engine.tell('streamReceived', { stream: streamState('ann') });
    const subscriber = await session.subscribe('s-ann');
    const [over, lost] = [once(subscriber, 'disconnected'), once(session, 'error')];
    engine.tell('sessionLost', { error: { code: 'SLUICE_SESSION_LOST', message: 'the server went away' } });
    await Promise.all([over, lost]);
    await turns();
    t.equal(subscriber.destroyed, true);
  });

  await t.test('destroy() leaves the session', async (t) => {
    const { session, engine } = await join();
    const publisher = await session.publish({ hasVideo: false });
    session.destroy();
    await once(session, 'close');
    t.strictSame([engine.disconnected.length, engine.refs, publisher.writableEnded], [1, 0, true]);
  });

  await t.test('an AbortSignal leaves the session', async (t) => {
    const abort = new AbortController();
    const { session, engine } = await join({ signal: abort.signal });
    const ended = finished(session.resume());
    abort.abort();
    await ended;
    t.strictSame([engine.disconnected.length, engine.refs], [1, 0]);
  });

  await t.test('an AbortSignal gives up joining', async (t) => {
    const engine = new FakeEngine();
    let answer!: () => void;
    engine.joining = new Promise((resolve) => (answer = resolve));
    const abort = new AbortController();
    const joining = join({ signal: abort.signal }, engine);
    await turns();
    abort.abort(new Error('enough'));
    await t.rejects(joining, { message: 'enough' });
    t.strictSame([engine.disconnected.length, engine.listening, engine.refs], [0, 0, 0]);
    answer();
    await turns();
    t.equal(engine.disconnected.length, 1, 'what is joined all the same is left');
    await t.rejects(join({ signal: abort.signal }, engine), { message: 'enough' });
    t.equal(engine.connects.length, 1, 'an aborted signal does not even try');
  });

  await t.test('a session that cannot be joined leaves nothing behind', async (t) => {
    const engine = new FakeEngine();
    engine.failures.set('connect', new SluiceError('SLUICE_TOKEN_EXPIRED', 'old'));
    await t.rejects(join({}, engine), { code: 'SLUICE_TOKEN_EXPIRED' });
    await t.rejects(join({ settings: { av: { audioPublisher: { sampleRate: 1 as never } } } }, engine), {
      code: 'SLUICE_CONFIG_INVALID',
    });
    t.strictSame([engine.listening, engine.refs], [0, 0]);
  });

  await t.test('what cannot be published or read is told, and the session goes on', async (t) => {
    const { session, engine } = await join();
    engine.failures.set('publisherOpen', new SluiceError('SLUICE_PERMISSION_DENIED', 'may not publish'));
    engine.failures.set('readerOpen', new SluiceError('SLUICE_SUBSCRIBE_FAILED', 'may not read'));
    await t.rejects(session.publish(), { code: 'SLUICE_PERMISSION_DENIED' });
    await t.rejects(session.mix().toArray(), { code: 'SLUICE_SUBSCRIBE_FAILED' });
    t.equal(engine.listening, 1);
    t.equal(session.destroyed, false);
  });

  await t.test('ref() and unref() count for the process once each', async (t) => {
    const { session, engine } = await join();
    t.equal(engine.refs, 1);
    session.unref().unref();
    t.equal(engine.refs, 0);
    session.ref().ref();
    t.equal(engine.refs, 1);
    await session.disconnect();
    session.ref();
    t.equal(engine.refs, 0);
  });

  await t.test('await using leaves the session at the end of its block', async (t) => {
    const engine = new FakeEngine();
    const use = async (): Promise<void> => {
      const { session } = await join({}, engine);
      await session[Symbol.asyncDispose]();
    };
    await use();
    t.equal(engine.disconnected.length, 1);
  });
});
