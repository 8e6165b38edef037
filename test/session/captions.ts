import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import t from 'tap';
import type { CaptionsData } from '../../src/media/captions.js';
import { SluiceError } from '../../src/media/errors.js';
import type { StreamValue } from '../../src/media/media-value.js';
import { join, streamState, turns } from './fake-engine.js';
import { ramp } from './media.js';

function caption(text: string, isFinal = true): CaptionsData {
  return { kind: 'captions', text, isFinal };
}

const CAPTIONED = { hasVideo: false, enableCaptions: true } as const;

/** A promise and what settles it. */
function held(): { promise: Promise<undefined>; release: () => void; fail: (error: Error) => void } {
  const settle: { resolve?: (value: undefined) => void; reject?: (error: Error) => void } = {};
  const promise = new Promise<undefined>((resolve, reject) => Object.assign(settle, { resolve, reject }));
  return { promise, release: () => settle.resolve?.(undefined), fail: (error) => settle.reject?.(error) };
}

t.test('captions', async (t) => {
  await t.test('some are on their way at a time, then the writer waits; the sound does not', async (t) => {
    const { session, engine } = await join();
    const publisher = await session.publish(CAPTIONED);
    const played = engine.publishers[0]!;
    t.match(played.args, { captions: true });
    const slow = held();
    played.captionsHeld = slow.promise;
    let drains = 0;
    publisher.captions.on('drain', () => drains++);
    const written = Array.from({ length: 30 }, (_, i) => publisher.captions.write(caption(String(i))));
    t.strictSame([written.indexOf(false), written.lastIndexOf(true)], [15, 14], '16 are on their way');
    await turns();
    t.equal(played.captions.length, 16);
    publisher.write(caption('of the whole'));
    t.equal(publisher.write(ramp(20)), false, 'captions wait in it');
    publisher.audio.write(ramp(20));
    t.equal(played.written.length, 1, 'sound goes on');
    slow.release();
    await turns();
    t.equal(drains, 1);
    t.strictSame(
      played.captions.map(({ text }) => text).filter((text) => text !== 'of the whole'),
      Array.from({ length: 30 }, (_, i) => String(i)),
    );
    t.equal(played.written.length, 2);
  });

  await t.test('the end waits for those that are on their way', async (t) => {
    const { session, engine } = await join();
    const publisher = await session.publish(CAPTIONED);
    const played = engine.publishers[0]!;
    const slow = held();
    played.captionsHeld = slow.promise;
    publisher.captions.write(caption('last words'));
    publisher.end();
    await turns();
    t.equal(played.closed, false);
    slow.release();
    await finished(publisher);
    t.equal(played.closed, true);
  });

  await t.test('that lag behind the sound keep the stream open while somebody writes them', async (t) => {
    const { session, engine } = await join();
    const publisher = await session.publish(CAPTIONED);
    const played = engine.publishers[0]!;
    const text = new PassThrough({ objectMode: true });
    const texts = pipeline(text, publisher.captions);
    publisher.audio.end();
    await turns();
    t.equal(played.closed, false);
    text.write(caption('at last'));
    text.end();
    await Promise.all([texts, finished(publisher)]);
    t.strictSame([played.captions.map((one) => one.text), played.closed], [['at last'], true]);

    const silent = await session.publish(CAPTIONED);
    silent.audio.end();
    await finished(silent);
    t.equal(engine.publishers[1]!.closed, true, 'and keep nothing open that nobody writes');
  });

  await t.test('that cannot be sent end the publisher with the reason', async (t) => {
    const { session, engine } = await join();
    const publisher = await session.publish(CAPTIONED);
    const slow = held();
    engine.publishers[0]!.captionsHeld = slow.promise;
    publisher.captions.write(caption('lost'));
    await turns();
    const failed = t.rejects(finished(publisher), { code: 'SLUICE_PUBLISH_FAILED' });
    slow.fail(new SluiceError('SLUICE_PUBLISH_FAILED', 'the data channel to the server is closed'));
    await failed;
    t.equal(publisher.captions.destroyed, true);
    const other = await session.publish(CAPTIONED);
    const late = held();
    engine.publishers[1]!.captionsHeld = late.promise;
    other.captions.write(caption('of no more use'));
    await turns();
    await other.close();
    late.fail(new SluiceError('SLUICE_SESSION_CLOSED', 'the session was left'));
    await turns();
    t.equal(other.errored, null, 'nobody waits for them after that');
  });

  await t.test('come with their own room, counted, and end with the stream', async (t) => {
    const { session, engine } = await join();
    engine.tell('streamReceived', { stream: streamState('ann') });
    const subscriber = await session.subscribe('s-ann', { subscribeToCaptions: true });
    const reader = engine.readers[0]!;
    t.match(reader.args, { captions: true });
    t.equal(engine.caption(reader, caption('not read yet')), false);
    subscriber.captions.read();
    t.strictSame(reader.credit, { audio: 0, video: 0, captions: 8 });
    for (let i = 0; i < 8; i++) t.ok(engine.caption(reader, caption(String(i))));
    t.equal(engine.caption(reader, caption('too many')), false);
    engine.emit('overflow', { reader: reader.args.reader, kind: 'captions', values: 3, durationUs: 0 });
    t.match(subscriber.stats.captions, { received: 11, delivered: 0, dropped: 3, droppedMs: 0, held: 8 });
    const texts = readAll(subscriber.captions);
    engine.emit('readerEnd', { reader: reader.args.reader });
    t.strictSame(
      (await texts).map((value) => (value.kind === 'captions' ? value.text : value.kind)),
      Array.from({ length: 8 }, (_, i) => String(i)),
    );
  });

  await t.test('are told of overflow like the rest', async (t) => {
    const { session, engine } = await join();
    engine.tell('streamReceived', { stream: streamState('ann') });
    const subscriber = await session.subscribe('s-ann', { subscribeToCaptions: true });
    const told = once(subscriber, 'overflow');
    engine.emit('overflow', { reader: engine.readers[0]!.args.reader, kind: 'captions', values: 2, durationUs: 0 });
    t.strictSame(await told, [{ kind: 'captions', values: 2, durationMs: 0 }]);
  });
});

async function readAll(readable: Readable): Promise<StreamValue[]> {
  return (await readable.toArray()) as StreamValue[];
}
