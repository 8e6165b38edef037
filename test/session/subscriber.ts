import assert from 'node:assert/strict';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import fc from 'fast-check';
import t from 'tap';
import type { MediaValue } from '../../src/media/media-value.js';
import type { SubscriberSettings } from '../../src/session/settings.js';
import type { Subscriber } from '../../src/session/subscriber.js';
import { join, streamState, turns, type FakeEngine } from './fake-engine.js';
import { opusPacket, picture, ramp, vp8Frame } from './media.js';

async function subscribe(
  settings: SubscriberSettings = {},
): Promise<{ subscriber: Subscriber; engine: FakeEngine; reader: FakeEngine['readers'][0] }> {
  const { session, engine } = await join();
  engine.tell('streamReceived', { stream: streamState('ann') });
  const subscriber = await session.subscribe('s-ann', settings);
  return { subscriber, engine, reader: engine.readers[0]! };
}

/** Collects what a stream gives; resolves with it at the end. */
function collect(readable: Readable): MediaValue[] {
  const values: MediaValue[] = [];
  readable.on('data', (value: MediaValue) => values.push(value));
  return values;
}

t.test('subscriber', async (t) => {
  await t.test('asks the engine for what its settings say, and for nothing before the first read', async (t) => {
    const { subscriber, reader } = await subscribe({
      subscribeToVideo: false,
      encoded: true,
      maxLagMs: 300,
      audioFormat: { sampleRate: 16_000, numberOfChannels: 1 },
    });
    t.match(reader.args, {
      streamId: 's-ann',
      audio: true,
      video: false,
      encoded: true,
      audioFormat: { sampleRate: 16_000, numberOfChannels: 1 },
      maxLagMs: 300,
    });
    await turns();
    t.strictSame(reader.credit, { audio: 0, video: 0, captions: 0 });
    subscriber.read();
    t.ok(reader.credit.audio > 0, 'reading starts it');
    t.equal(reader.credit.video, 0);
  });

  await t.test('gives audio and video as they come', async (t) => {
    const { subscriber, engine, reader } = await subscribe();
    const values = collect(subscriber);
    await turns();
    const sent = [ramp(20), picture(1), ramp(20, { first: 5 }), picture(2)];
    for (const value of sent) t.ok(engine.give(reader, value));
    await turns();
    t.strictSame(values, sent);
  });

  await t.test('reading a part starts only that kind', async (t) => {
    const { subscriber, engine, reader } = await subscribe();
    const values = collect(subscriber.video);
    await turns();
    t.equal(reader.credit.audio, 0);
    t.ok(engine.give(reader, picture(3)));
    t.strictSame(
      values.map(({ kind }) => kind),
      ['video'],
    );
    const audio = collect(subscriber.audio);
    await turns();
    engine.give(reader, ramp(20));
    t.equal(audio.length, 1, 'the other part can be started later');
    t.equal(values.length, 1);
  });

  await t.test('a part that is not subscribed to ends at once', async (t) => {
    const { subscriber } = await subscribe({ subscribeToVideo: false });
    t.strictSame(await subscriber.video.toArray(), []);
  });

  await t.test('what is read as a whole cannot be read in parts as well', async (t) => {
    const { subscriber } = await subscribe();
    subscriber.resume();
    await turns();
    subscriber.audio.resume();
    await t.rejects(finished(subscriber.audio), { code: 'SLUICE_STATE_INVALID' });
  });

  await t.test('a reader that stands still holds no more than a few values, and goes on where it stood', async (t) => {
    const { subscriber, engine, reader } = await subscribe();
    subscriber.read();
    let given = 0;
    while (engine.give(reader, ramp(20, { first: given }))) given++;
    while (engine.give(reader, picture(1))) given++;
    t.ok(given <= 7, `${given} values`);
    await turns();
    t.equal(engine.give(reader, ramp(20)), false, 'no more without a read');
    const values = collect(subscriber);
    await turns();
    t.equal(values.length, given);
    t.ok(engine.give(reader, ramp(20)), 'credit follows the reading');
    t.ok(engine.give(reader, picture(2)));
  });

  await t.test('one kind without media does not hold the other back', async (t) => {
    const { subscriber, engine, reader } = await subscribe();
    subscriber.read();
    engine.give(reader, picture(1));
    engine.give(reader, picture(2));
    await turns();
    for (let i = 3; i < 20; i++) {
      t.ok(subscriber.read());
      t.ok(engine.give(reader, picture(i)), `picture ${i}`);
    }
  });

  await t.test('received = delivered + dropped + held, however reading and giving alternate', async (t) => {
    const steps = fc.array(
      fc.constantFrom('audio', 'video', 'read', 'read twice', 'flow', 'stop', 'overflow', 'turn'),
      { minLength: 20, maxLength: 120 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (todo) => {
        const { subscriber, engine, reader } = await subscribe();
        const given = { audio: 0, video: 0 };
        const lost = { audio: 0, video: 0 };
        let delivered = 0;
        subscriber.on('data', () => delivered++);
        subscriber.pause();
        for (const step of todo) {
          if (step === 'audio' && engine.give(reader, ramp(20))) given.audio++;
          if (step === 'video' && engine.give(reader, picture(1, { width: 2, height: 2 }))) given.video++;
          // A Readable that has a 'data' listener tells it also of what read() gives.
          if (step === 'read') subscriber.read();
          if (step === 'read twice') for (let i = 0; i < 2; i++) subscriber.read();
          if (step === 'flow') subscriber.resume();
          if (step === 'stop') subscriber.pause();
          if (step === 'overflow') {
            engine.emit('overflow', { reader: reader.args.reader, kind: 'audio', values: 2, durationUs: 40_000 });
            lost.audio += 2;
          }
          if (step === 'turn') await turns(2);
          const { audio, video } = subscriber.stats;
          assert(audio && video);
          assert.equal(audio.received, given.audio + lost.audio);
          assert.equal(audio.received, audio.delivered + audio.dropped + audio.held);
          assert.equal(video.received, given.video);
          assert.equal(audio.held + video.held, subscriber.readableLength);
          assert.equal(audio.delivered + video.delivered, delivered);
          assert(audio.held <= 5 && video.held <= 2);
        }
        subscriber.resume();
        await turns(4);
        assert(
          engine.give(reader, ramp(20)) && engine.give(reader, picture(1, { width: 2, height: 2 })),
          'never stuck',
        );
      }),
      { numRuns: 40 },
    );
    t.pass('held for every case');
  });

  await t.test('what the engine dropped is told and counted', async (t) => {
    const { subscriber, engine, reader } = await subscribe();
    const told = once(subscriber, 'overflow');
    engine.emit('overflow', { reader: reader.args.reader, kind: 'video', values: 3, durationUs: 99_000 });
    t.strictSame(await told, [{ kind: 'video', values: 3, durationMs: 99 }]);
    t.match(subscriber.stats.video, { received: 3, dropped: 3, droppedMs: 99, delivered: 0, held: 0 });
  });

  await t.test('when the stream goes, what waits can be read, then it ends', async (t) => {
    const { subscriber, engine, reader } = await subscribe({ encoded: true });
    subscriber.read();
    const sent = [opusPacket(1), vp8Frame('key', 2)];
    for (const value of sent) engine.give(reader, value);
    const gone = once(subscriber, 'disconnected');
    engine.emit('readerEnd', { reader: reader.args.reader });
    await gone;
    t.strictSame(await subscriber.toArray(), sent);
    t.equal(subscriber.destroyed, true);
    t.equal(engine.listening, 1, 'only the session is listened to');
  });

  await t.test('ends for those who begin to read after the stream has gone', async (t) => {
    const { subscriber, engine, reader } = await subscribe();
    engine.emit('readerEnd', { reader: reader.args.reader });
    t.strictSame(await subscriber.audio.toArray(), []);
    t.strictSame(await subscriber.video.toArray(), []);
    await turns();
    t.equal(subscriber.destroyed, true, 'the whole is over with its parts');
  });

  await t.test('unsubscribe ends it, by stream or by subscriber, and stops the engine', async (t) => {
    const { session, engine } = await join();
    engine.tell('streamReceived', { stream: streamState('ann') });
    const [first, second] = [await session.subscribe('s-ann'), await session.subscribe('s-ann')];
    const ended = finished(first.resume());
    session.unsubscribe(first);
    await ended;
    t.strictSame(
      engine.readers.map(({ closed }) => closed),
      [true, false],
    );
    second.resume();
    session.unsubscribe(session.streams.get('s-ann')!);
    await finished(second);
    t.equal(engine.readers[1]!.closed, true);
  });

  await t.test('destroying it stops the engine; destroying one part leaves the other', async (t) => {
    const { subscriber, engine, reader } = await subscribe();
    const video = collect(subscriber.video);
    subscriber.audio.resume();
    await turns();
    subscriber.audio.destroy();
    await turns();
    t.equal(reader.closed, false);
    engine.give(reader, ramp(20));
    engine.give(reader, picture(1));
    t.equal(video.length, 1);
    t.match(subscriber.stats.audio, { received: 1, dropped: 1 });
    subscriber.video.pause();
    await turns();
    engine.give(reader, picture(2));
    t.match(subscriber.stats.video, { received: 2, delivered: 1, dropped: 0, held: 1 });
    subscriber.destroy();
    await turns();
    t.equal(reader.closed, true);
    t.equal(subscriber.video.destroyed, true);
    t.match(subscriber.stats.video, { received: 2, delivered: 1, dropped: 1, held: 0 }, 'what it held is lost');
  });

  await t.test('an error of the engine is told by what is read', async (t) => {
    const { subscriber, engine, reader } = await subscribe();
    const read = subscriber.audio.toArray();
    await turns();
    const error = { code: 'SLUICE_CODEC_FAILED', message: 'broke' } as const;
    engine.emit('readerError', { reader: reader.args.reader, error });
    await t.rejects(read, error);
    await turns();
    t.equal(subscriber.destroyed, true);
  });

  await t.test('requestKeyFrame() of the whole and of its video reaches the engine', async (t) => {
    const { subscriber, reader } = await subscribe({ encoded: true });
    subscriber.requestKeyFrame();
    subscriber.video.requestKeyFrame();
    t.equal(reader.keyFrameRequests, 2);
  });

  await t.test(
    'what is preferred can be changed while it is read, and is nobody’s business without a video',
    async (t) => {
      const [small, large] = [
        { width: 320, height: 180 },
        { width: 1280, height: 720 },
      ];
      const { subscriber, reader } = await subscribe({
        videoSettings: { preferredFramerate: 10 },
        maxResolution: small,
      });
      t.match(reader.args, { preferredVideo: { ...small, fps: 10 }, maxVideo: small });
      subscriber.setPreferredResolution(large);
      subscriber.setPreferredFramerate(undefined);
      subscriber.setPreferredResolution(undefined);
      t.strictSame(reader.preferences, [{ ...large, fps: 10 }, large, small], 'no more than is shown');
      t.throws(() => subscriber.setPreferredFramerate(31), { code: 'SLUICE_CONFIG_INVALID' });
      t.throws(() => subscriber.setPreferredResolution({ width: 5000, height: 5000 }), {
        code: 'SLUICE_CONFIG_INVALID',
      });
      subscriber.setPreferredFramerate(15);
      t.strictSame(reader.preferences.at(-1), { ...small, fps: 15 }, 'what was refused changes nothing');
      subscriber.close();
      subscriber.setPreferredFramerate(5);
      t.equal(reader.preferences.length, 4, 'nor what comes too late');
    },
  );

  await t.test('a stream that is not there is refused', async (t) => {
    const { session } = await join();
    await t.rejects(session.subscribe('s-bob'), { code: 'SLUICE_STREAM_UNKNOWN', mend: /streamReceived/ });
  });
});
