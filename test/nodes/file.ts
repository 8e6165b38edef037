import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import t from 'tap';
import type { AudioData } from '../../src/media/audio-data.js';
import type { EncodedAudioChunk, EncodedVideoChunk } from '../../src/media/encoded-chunk.js';
import type { MediaValue } from '../../src/media/media-value.js';
import { readPattern } from '../../src/media/pattern.js';
import type { VideoFrame } from '../../src/media/video-frame.js';
import { wavBytes } from '../codecs/fixtures.js';
import { channel, sine } from '../codecs/tones.js';
import { numbers, openFile, codecsAtRest, opusOf, pictures, record, through, upTo, videoOf } from './media-lab.js';
import { videoEncoder } from '../../src/nodes/video-encoder.js';
import { collect, concat, levelAt, testContext } from './node-lab.js';

async function take<T extends MediaValue>(stream: Readable, count: number): Promise<T[]> {
  const values: T[] = [];
  for await (const value of stream as AsyncIterable<T>) {
    values.push(value);
    if (values.length === count) break;
  }
  return values;
}

await t.test('file: audio comes at its pitch, as long as it is, from 0 on', async (t) => {
  const path = join(t.testdir(), 'a.wav');
  writeFileSync(path, wavBytes(sine([440, 1000], 44_100, 44_100, 16_384), 44_100, 2));
  const source = await openFile('a.wav', {}, testContext({ baseDir: join(path, '..') }));
  const values = await collect<AudioData>(source.output('audio'));
  t.ok(
    values.every(
      (value, i) => value.timestamp === i * 20_000 && value.sampleRate === 48_000 && value.numberOfChannels === 2,
    ),
  );
  const samples = concat(values);
  t.ok(Math.abs(samples.length / 2 - 48_000) <= 2, `${samples.length / 2} samples a channel`);
  t.ok(Math.abs(levelAt(channel(samples, 0, 2), 48_000, 440) + 6) < 0.1);
  t.ok(Math.abs(levelAt(channel(samples, 1, 2), 48_000, 1000) + 6) < 0.1);

  const narrow = await collect<AudioData>((await openFile(path, { sampleRate: 16_000, channels: 1 })).output('audio'));
  t.ok(narrow.every((value) => value.sampleRate === 16_000 && value.numberOfChannels === 1));
  t.ok(Math.abs(levelAt(concat(narrow), 16_000, 440) + 12) < 0.2, 'mono is the mean of both');
});

await t.test('file: every picture comes once, in its place', async (t) => {
  const path = join(t.testdir(), 'v.webm');
  await record(path, { video: await videoOf(60) });
  const seen: [string, number | undefined][] = [];
  const context = { ...testContext(), progress: (text: string, fraction?: number) => void seen.push([text, fraction]) };
  const frames = await collect<VideoFrame>((await openFile(path, {}, context)).output('video'));
  t.same(numbers(frames), upTo(60));
  t.ok(
    frames.every((frame, i) => Math.abs(frame.timestamp - (i * 1_000_000) / 30) <= 1000),
    'time stamps',
  );
  t.equal(seen.at(-1)?.[0], `reading ${path}`);
  t.ok((seen.at(-1)?.[1] ?? 0) > 0.9 && seen.every(([, fraction]) => (fraction ?? 2) <= 1), 'progress');

  const [large] = await videoOf(1, 0, { width: 384, height: 256 });
  await record(path, { video: large ? [large] : [] });
  const [small] = await collect<VideoFrame>((await openFile(path, { maxHeight: 128 })).output('video'));
  t.match(small, { width: 192, height: 128 }, 'made smaller, keeping its shape');
});

await t.test('file: a loop of one output has no gap', async (t) => {
  const path = join(t.testdir(), 'a.wav');
  // 510 ms: the last chunk of a pass is short.
  writeFileSync(path, wavBytes(sine(1000, 48_000, 24_480, 16_384), 48_000, 1));
  const values = await take<AudioData>((await openFile(path, { loop: true, channels: 1 })).output('audio'), 80);
  let end = 0;
  for (const value of values) {
    if (value.timestamp !== end) t.fail(`${value.timestamp} where ${end} was expected`);
    end = value.timestamp + Math.round((value.numberOfFrames * 1_000_000) / 48_000);
  }
  t.ok(end > 1_530_000, 'three times and more');
  t.ok(Math.abs(levelAt(concat(values).subarray(0, 72_000), 48_000, 1000) + 6) < 0.05, 'in phase over the seams');
});

await t.test('file: both outputs of a loop start again together', async (t) => {
  const path = join(t.testdir(), 'av.webm');
  await record(path, { audio: await opusOf(1000), video: await videoOf(20) });
  const source = await openFile(path, { loop: true, encoded: true });
  const [audio, video] = [source.output('audio'), source.output('video')];
  const [heard, seen] = await Promise.all([take<EncodedAudioChunk>(audio, 170), take<EncodedVideoChunk>(video, 65)]);
  for (const values of [heard, seen]) {
    t.ok(
      values.every((value, i) => value.timestamp >= (values[i - 1]?.timestamp ?? 0)),
      'time never goes back',
    );
  }
  for (const pass of [1, 2]) {
    const sound = (heard[pass * 50]?.timestamp ?? 0) - (heard[0]?.timestamp ?? 0);
    const picture = (seen[pass * 20]?.timestamp ?? 0) - (seen[0]?.timestamp ?? 0);
    t.equal(seen[pass * 20]?.type, 'key');
    t.equal(sound, picture, `pass ${pass} after ${picture} µs`);
    t.ok(Math.abs(picture - pass * 1_000_000) < 40_000);
  }
  const alone = await take<EncodedVideoChunk>(
    (await openFile(path, { loop: true, encoded: true })).output('video'),
    21,
  );
  const lengthUs = (alone[20]?.timestamp ?? 0) - (alone[0]?.timestamp ?? 0);
  t.ok(Math.abs(lengthUs - 666_667) < 2000, `read alone, pictures do not wait for the sound: ${lengthUs} µs`);
});

await t.test('file: encoded chunks come as they are', async (t) => {
  const path = join(t.testdir(), 'av.webm');
  const media = { audio: await opusOf(400), video: await videoOf(10) };
  await record(path, media);
  const source = await openFile(path, { encoded: true });
  const audio = await collect<EncodedAudioChunk>(source.output('audio'));
  const video = await collect<EncodedVideoChunk>(source.output('video'));
  t.same(
    audio.map(({ data }) => Buffer.from(data)),
    media.audio.map(({ data }) => Buffer.from(data)),
  );
  t.same(
    video.map(({ data }) => Buffer.from(data)),
    media.video.map(({ data }) => Buffer.from(data)),
  );
});

await t.test('file: what cannot be read is told at once', async (t) => {
  const dir = t.testdir({ 'text.mp4': 'this is no film'.repeat(100), 'empty.wav': '' });
  await t.rejects(openFile(join(dir, 'nothing.mp4')), {
    code: 'SLUICE_FILE_NOT_FOUND',
    message: /nothing\.mp4/,
    place: undefined,
  });
  await t.rejects(openFile(dir), { code: 'SLUICE_FILE_NOT_FOUND' });
  for (const name of ['text.mp4', 'empty.wav'])
    await t.rejects(openFile(join(dir, name)), { code: 'SLUICE_FILE_UNDECODABLE' });
  const path = join(dir, 'a.wav');
  writeFileSync(path, wavBytes(sine(440, 48_000, 4800), 48_000, 1));
  const source = await openFile(path);
  t.throws(() => source.output('video'), {
    code: 'SLUICE_FILE_UNDECODABLE',
    message: /holds no video/,
    mend: /"n\.video"/,
  });
  const skipping = await openFile(path, { skipMissing: true });
  t.same(await collect(skipping.output('video')), [], 'nothing, where that is allowed');
  t.ok((await collect(skipping.output('audio'))).length > 0);
  const encoded = await openFile(path, { encoded: true });
  t.throws(() => encoded.output('audio'), { code: 'SLUICE_FILE_UNDECODABLE', message: /pcm_s16le/, mend: /encoded/ });
});

await t.test('file: destroyed at any time it leaves nothing behind', async (t) => {
  const path = join(t.testdir(), 'v.webm');
  await record(path, { video: await through(videoEncoder, {}, pictures(90)) });
  await codecsAtRest();
  for (const count of [0, 1, 20]) {
    const stream = (await openFile(path, { loop: true })).output('video');
    const closed = new Promise((resolve) => stream.once('close', resolve));
    const frames = count === 0 ? [] : await take<VideoFrame>(stream, count);
    stream.destroy();
    await closed;
    t.same(frames.map(readPattern), upTo(count));
    t.ok(await codecsAtRest(), `after ${count} pictures`);
  }
});
