import { Readable } from 'node:stream';
import { once } from 'node:events';
import assert from 'node:assert/strict';
import { finished, pipeline } from 'node:stream/promises';
import fc from 'fast-check';
import t from 'tap';
import type { AudioData } from '../../src/media/audio-data.js';
import { AudioRing } from '../../src/media/audio-ring.js';
import { systemClock } from '../../src/media/clock.js';
import type { PublisherSettings } from '../../src/session/settings.js';
import type { Publisher } from '../../src/session/publisher.js';
import { join, turns, type FakeEngine } from './fake-engine.js';
import { opusPacket, picture, ramp, vp8Frame } from './media.js';

async function publish(
  settings: PublisherSettings = { hasVideo: false },
): Promise<{ publisher: Publisher; engine: FakeEngine; played: FakeEngine['publishers'][0] }> {
  const { session, engine } = await join();
  const publisher = await session.publish(settings);
  return { publisher, engine, played: engine.publishers[0]! };
}

function samplesOf(values: readonly unknown[]): number[] {
  return (values as AudioData[]).flatMap((value) => [...value.data]);
}

t.test('publisher', async (t) => {
  await t.test(
    'write() is true while there is room for media time, false when the buffer is full, and drain follows',
    async (t) => {
      const { publisher, played } = await publish({ hasVideo: false, highWaterMarkMs: 100 });
      let drains = 0;
      publisher.on('drain', () => drains++);
      t.strictSame(
        [1, 2, 3, 4, 5].map(() => publisher.write(ramp(20))),
        [true, true, true, true, false],
      );
      await turns();
      t.equal(drains, 0, 'full');
      t.strictSame(publisher.stats, { audio: { durationMs: 100 } });
      played.play('audio', 20);
      t.equal(drains, 1, 'room');
      t.strictSame(publisher.stats, { audio: { durationMs: 80 } });
      t.equal(publisher.played, 20_000);
      played.play('audio', 20);
      t.equal(drains, 1, 'only after a write that was false');
      t.equal(publisher.write(ramp(20)), true);
    },
  );

  await t.test(
    'what the engine holds never passes highWaterMarkMs, whatever is written, and nothing is lost',
    async (t) => {
      const lengths = fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 12 });
      await fc.assert(
        fc.asyncProperty(lengths, fc.integer({ min: 20, max: 300 }), async (chunks, highWaterMarkMs) => {
          const { publisher, played } = await publish({
            hasVideo: false,
            highWaterMarkMs,
            audioFormat: { sampleRate: 8000, numberOfChannels: 1 },
          });
          const values = chunks.map((ms, i) => ramp(ms, { sampleRate: 8000, numberOfChannels: 1, first: i * 1000 }));
          const done = pipeline(Readable.from(values), publisher);
          while (!publisher.closed) {
            played.play('audio', 7);
            await turns(1);
          }
          await done;
          assert(played.mostHeldUs <= highWaterMarkMs * 1000 + 1, `${played.mostHeldUs} µs of ${highWaterMarkMs} ms`);
          assert.deepEqual(samplesOf(played.written), samplesOf(values), 'every sample, in order');
          assert.equal(played.closed, true, 'unpublished at the end');
        }),
        { numRuns: 15 },
      );
      t.pass('held for every case');
    },
  );

  await t.test('the engine is told when sound was written, whenever it looks', async (t) => {
    const { publisher, played } = await publish();
    const ring = new AudioRing(played.args.audioRing!);
    const beforeUs = systemClock.nowUs();
    publisher.write(ramp(20));
    const afterUs = systemClock.nowUs();
    await turns();
    t.ok(ring.writtenUs >= beforeUs && ring.writtenUs <= afterUs);
    t.equal(played.heldUs('audio'), 20_000);
  });

  await t.test('pieces of a long chunk follow each other in time', async (t) => {
    const { publisher, played } = await publish({ hasVideo: false, highWaterMarkMs: 40 });
    publisher.write(ramp(100, { timestamp: 5000 }));
    while (played.heldUs('audio') > 0) played.play('audio', 20);
    const pieces = played.written as AudioData[];
    t.strictSame(
      pieces.map(({ timestamp }) => timestamp),
      [5000, 45_000, 65_000, 85_000],
    );
  });

  await t.test('the buffer of a value stays with its writer', async (t) => {
    const { publisher, played } = await publish({ name: 'both' });
    const whole = new Int16Array(1920 * 3).map((_, i) => i);
    const part = whole.subarray(1920, 3840);
    publisher.write({ ...ramp(20), data: part });
    const nodeBuffer = Buffer.from([9, 8, 7]);
    publisher.write({ ...vp8Frame('key', 0), data: nodeBuffer });
    t.equal(whole.length, 1920 * 3, 'not detached');
    t.equal(nodeBuffer[0], 9);
    t.strictSame([...(played.written[0] as AudioData).data], [...part], 'only the samples of the value went');
    t.strictSame([...played.written[1]!.data], [9, 8, 7]);
  });

  await t.test(
    'a picture takes the time of one frame in the buffer, a chunk its own where that is known',
    async (t) => {
      const { publisher, played } = await publish({ hasAudio: false, highWaterMarkMs: 200, videoFormat: { fps: 10 } });
      t.equal(publisher.write(picture(1)), true);
      t.strictSame(publisher.stats, { video: { durationMs: 100 } });
      t.equal(publisher.write(vp8Frame('key', 1)), false);
      t.equal(publisher.write({ ...vp8Frame('delta', 1), duration: 50_000 }), false);
      t.strictSame(publisher.stats, { video: { durationMs: 200 } }, 'the third waits outside');
      played.play('video', 100);
      t.strictSame(publisher.stats, { video: { durationMs: 150 } });
    },
  );

  await t.test('a picture that is longer than the whole buffer goes when the buffer is empty', async (t) => {
    const { publisher, played } = await publish({ hasAudio: false, highWaterMarkMs: 20, videoFormat: { fps: 1 } });
    publisher.write(picture(1));
    publisher.write(picture(2));
    t.equal(played.written.length, 1);
    played.play('video', 1000);
    t.equal(played.written.length, 2);
  });

  await t.test('audio and video are Writables of their own, each with its own room', async (t) => {
    const { publisher, played } = await publish({ highWaterMarkMs: 40 });
    t.equal(publisher.audio.write(ramp(20)), true);
    t.equal(publisher.audio.write(ramp(20)), false);
    t.equal(publisher.video.write(picture(1)), true, 'a full audio buffer does not hold video back');
    const drained = once(publisher.audio, 'drain');
    played.play('audio', 20);
    await drained;
    t.strictSame(
      played.written.map(({ kind }) => kind),
      ['audio', 'audio', 'video'],
    );
  });

  await t.test('ending one part leaves the other; ending both unpublishes', async (t) => {
    const { publisher, played } = await publish({});
    let destroyed = 0;
    publisher.on('streamDestroyed', () => destroyed++);
    publisher.audio.write(ramp(20));
    publisher.audio.end();
    await turns();
    t.equal(publisher.audio.writableFinished, false, 'waits until what was written has left');
    played.play('audio', 20);
    await finished(publisher.audio);
    t.equal(played.closed, false);
    t.equal(publisher.video.write(picture(1)), true);
    publisher.video.end();
    played.play('video', 100);
    await finished(publisher);
    t.equal(played.closed, true);
    t.equal(destroyed, 1);
  });

  await t.test('end() unpublishes when everything has left, and what comes later is refused', async (t) => {
    const { publisher, played } = await publish({ hasVideo: false });
    publisher.write(ramp(40));
    publisher.end();
    played.play('audio', 20);
    await turns();
    t.equal(played.closed, false);
    played.play('audio', 20);
    await finished(publisher);
    t.equal(played.closed, true);
    const [error] = await new Promise<unknown[]>((resolve) => publisher.write(ramp(20), (...args) => resolve(args)));
    t.match(error, { code: 'SLUICE_STATE_INVALID' });
  });

  await t.test('clear() drops what waits at once, also what was not passed on yet', async (t) => {
    const { publisher, played } = await publish({ hasVideo: false, highWaterMarkMs: 40 });
    let drains = 0;
    publisher.on('drain', () => drains++);
    publisher.write(ramp(200, { first: 1 }));
    publisher.write(ramp(20, { first: 2 }));
    publisher.clear();
    t.strictSame(publisher.stats, { audio: { durationMs: 0 } }, 'seen without waiting for the engine');
    await turns();
    t.equal(drains, 1);
    publisher.write(ramp(20, { first: 3 }));
    t.equal(played.heldUs('audio'), 20_000);
    t.strictSame(
      played.written.map((value) => value.data[0]),
      [1, 3],
      'what was written before never left',
    );
  });

  await t.test('mediaBufferDrained tells the stats, on the publisher and on its session', async (t) => {
    const { session, engine } = await join();
    const publisher = await session.publish({ hasVideo: false });
    const told: unknown[] = [];
    publisher.on('mediaBufferDrained', (stats, kind) => told.push(['publisher', stats, kind]));
    session.on('mediaBufferDrained', (stats, kind, from) => told.push(['session', stats, kind, from === publisher]));
    publisher.write(ramp(20));
    engine.publishers[0]!.play('audio', 20);
    const stats = { audio: { durationMs: 0 } };
    t.strictSame(told, [
      ['session', stats, 'audio', true],
      ['publisher', stats, 'audio'],
    ]);
  });

  await t.test('media that does not fit the settings is refused, and the error names both', async (t) => {
    const cases: [PublisherSettings, unknown, RegExp][] = [
      [{ hasVideo: false }, ramp(20, { sampleRate: 16_000 }), /48000 Hz and 2 channel.*16000 Hz and 2/],
      [{ hasVideo: false }, ramp(20, { numberOfChannels: 1 }), /2 channel.*1 channel/],
      [{ hasVideo: false }, { ...ramp(20), numberOfFrames: 7 }, /1920 samples do not make 7 frames/],
      [{ hasVideo: false }, picture(1), /no video/],
      [{ hasVideo: false }, opusPacket(1, 0), /without a duration/],
      [{ hasAudio: false }, ramp(20), /no audio/],
      [{}, picture(1, { width: 320, height: 240 }), /YUV420P of 640x480, not YUV420P of 320x240/],
      [{}, { ...vp8Frame('key', 1), codec: 'h264' }, /vp8, not h264/],
      [{}, Buffer.from('text'), /neither audio nor video/],
    ];
    for (const [settings, value, message] of cases) {
      const { publisher, played } = await publish(settings);
      await t.rejects(pipeline(Readable.from([value], { objectMode: true }), publisher), {
        code: 'SLUICE_FORMAT_MISMATCH',
        message,
      });
      await finished(publisher).catch(() => undefined);
      t.equal(played.written.length, 0);
      t.equal(played.closed, true);
    }
  });

  await t.test('encoded media goes as it is', async (t) => {
    const { publisher, played } = await publish({ videoCodec: 'h264' });
    publisher.write(opusPacket(7));
    publisher.write({ ...vp8Frame('key', 9), codec: 'h264' });
    t.strictSame(
      played.written.map(({ kind, data }) => [kind, data.at(-1)]),
      [
        ['encoded-audio', 7],
        ['encoded-video', 9],
      ],
    );
  });

  await t.test('where its source says the codec, the first picture does, for all that follow', async (t) => {
    const { publisher, played } = await publish({ videoCodec: 'source' });
    t.equal(played.args.videoCodec, 'source');
    publisher.on('error', () => undefined);
    publisher.check(vp8Frame('key', 1));
    publisher.write({ ...vp8Frame('key', 2), codec: 'h264' });
    t.throws(() => publisher.check(vp8Frame('key', 3)), { code: 'SLUICE_FORMAT_MISMATCH', message: /h264, not vp8/ });
    publisher.write(opusPacket(4));
    publisher.write({ ...vp8Frame('delta', 5), codec: 'h264' });
    t.strictSame(
      played.written.map(({ kind, data }) => [kind, data.at(-1)]),
      [
        ['encoded-video', 2],
        ['encoded-audio', 4],
        ['encoded-video', 5],
      ],
    );
    publisher.write(vp8Frame('key', 6));
    await finished(publisher).catch(() => undefined);
    t.match(publisher.errored, { code: 'SLUICE_FORMAT_MISMATCH' });
    t.equal(played.written.length, 3);
  });

  await t.test('a wish for a key frame is passed on to the source that is piped in', async (t) => {
    const { publisher, engine, played } = await publish({});
    let asked = 0;
    const source = Object.assign(new Readable({ objectMode: true, read: () => undefined }), {
      requestKeyFrame: () => asked++,
    });
    source.pipe(publisher.video);
    let told = 0;
    publisher.on('keyFrameRequested', () => told++);
    engine.emit('keyFrameRequested', { publisher: played.args.publisher });
    t.strictSame([asked, told], [1, 1]);
    source.unpipe();
    engine.emit('keyFrameRequested', { publisher: played.args.publisher });
    t.strictSame([asked, told], [1, 2], 'not to one that was taken off');
  });

  await t.test('streamCreated comes after publish() has resolved, streamDestroyed once', async (t) => {
    const { session, engine } = await join();
    const publisher = await session.publish({ name: 'Bot', hasVideo: false });
    const events: unknown[] = [];
    publisher.on('streamCreated', (stream) =>
      events.push(['created', stream.streamId, stream.name, stream.connection.name, stream.hasVideo]),
    );
    publisher.on('streamDestroyed', (stream) => events.push(['destroyed', stream.streamId]));
    await turns();
    await session.unpublish();
    await turns();
    const { streamId } = publisher;
    t.strictSame(events, [
      ['created', streamId, 'Bot', 'self', false],
      ['destroyed', streamId],
    ]);
    t.equal(publisher.closed, true);
    t.equal(engine.publishers[0]!.closed, true);
  });

  await t.test('sound and picture are turned off and on, and whoever is muted by others is told', async (t) => {
    const { publisher, engine, played } = await publish({});
    const forced: string[] = [];
    publisher.on('muteForced', (kind) => forced.push(kind));
    publisher.publishAudio(false);
    t.match(publisher.stream, { hasAudio: false, hasVideo: true });
    publisher.publishVideo(false);
    publisher.publishAudio(true);
    t.match(publisher.stream, { hasAudio: true, hasVideo: false });
    t.strictSame([played.mutes, forced], [['audio off', 'video off', 'audio on'], []]);
    engine.emit('publisherMuted', { publisher: played.args.publisher, kind: 'audio' });
    t.strictSame([forced, publisher.stream.hasAudio], [['audio'], false]);
    await publisher.close();
    publisher.publishAudio(true);
    t.equal(played.mutes.length, 3, 'it is over');
    const { publisher: silent, played: video } = await publish({ hasAudio: false });
    silent.publishAudio(true);
    t.strictSame([video.mutes, silent.stream.hasAudio], [[], false], 'what it never had cannot be turned on');
  });

  await t.test('an error of the engine destroys the publisher and its parts', async (t) => {
    const { publisher, engine, played } = await publish({});
    const part = finished(publisher.audio);
    const whole = finished(publisher);
    const error = { code: 'SLUICE_CODEC_FAILED', message: 'broke' } as const;
    engine.emit('publisherError', { publisher: played.args.publisher, error });
    await t.rejects(whole, error);
    await t.rejects(part, error);
  });
});
