import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openMediaFile } from '../../src/codecs/media-file.js';
import { VirtualClock } from '../../src/media/clock.js';
import type { EncodedAudioChunk } from '../../src/media/encoded-chunk.js';
import { type NodePorts, parseOptions, portsOf } from '../../src/media/node.js';
import { recorder } from '../../src/nodes/recorder.js';
import { align, chirp } from '../support/signal.js';
import { numbers, opusOf, readAudio, readVideo, record, upTo, videoOf } from './media-lab.js';
import { settle, testContext, writeAll, type TestContext } from './node-lab.js';

/** Somewhere on a clock that has been running for a while. */
const START_US = 3_600_000_000;

const branch = (name: string, has: { hasAudio?: boolean; hasVideo?: boolean } = {}) => ({
  streamId: 'TR_1',
  name,
  connectionId: 'c',
  hasAudio: true,
  hasVideo: true,
  ...has,
});

async function open(
  path: string,
  options: object = {},
  context: TestContext = testContext(),
): Promise<Required<NodePorts>> {
  return (await recorder.create(parseOptions(recorder, { path, ...options }), context)) as Required<NodePorts>;
}

/** Where the rising tone of `opusOf` begins in a file, in ms. */
async function toneStartMs(path: string, toneMs: number): Promise<number> {
  const { samples, startUs } = await readAudio(path);
  const { lag, peak } = align(chirp(48_000, toneMs * 48), samples);
  if (peak < 0.9) throw new Error(`the tone is not there: ${peak}`);
  return startUs / 1000 + lag / 48;
}

for (const [extension, codec] of [
  ['webm', 'vp8'],
  ['mp4', 'h264'],
  ['ogg', undefined],
] as const) {
  await t.test(`recorder: what goes into .${extension} comes out`, async (t) => {
    const path = join(t.testdir(), 'new', `a.${extension}`);
    const video = codec && (await videoOf(60, START_US, { codec, keyFrameIntervalMs: 1000 }));
    const context = testContext();
    await record(path, { audio: await opusOf(2000, START_US), ...(video && { video }) }, {}, context);
    const { samples } = await readAudio(path);
    t.ok(align(chirp(48_000, 96_000), samples).peak > 0.98);
    t.ok(Math.abs(samples.length - 96_000) < 1000, `${samples.length / 48} ms`);
    if (codec) t.same(numbers(await readVideo(path)), upTo(60));
    t.same([...context.drops], []);
  });
}

await t.test('recorder: sound and picture keep their distance', async (t) => {
  for (const [extension, codec] of [
    ['webm', 'vp8'],
    ['mp4', 'h264'],
  ] as const) {
    for (const offsetMs of [137, -213]) {
      const path = join(t.testdir(), `a.${extension}`);
      const video = await videoOf(45, START_US + offsetMs * 1000, { codec });
      await record(path, { audio: await opusOf(1500, START_US), video }, { alignStart: false });
      const frames = await readVideo(path);
      t.same(numbers(frames), upTo(45));
      const found = (frames[0]?.timestamp ?? NaN) / 1000 - (await toneStartMs(path, 1500));
      t.ok(Math.abs(found - offsetMs) < 5, `${extension}: ${found} ms for ${offsetMs} ms`);
    }
  }
});

await t.test('recorder: alignStart begins where both have begun', async (t) => {
  const late = join(t.testdir(), 'late-picture.webm');
  const first = testContext();
  await record(late, { audio: await opusOf(2000, START_US), video: await videoOf(30, START_US + 507_000) }, {}, first);
  const frames = await readVideo(late);
  t.same(numbers(frames), upTo(30));
  t.ok((frames[0]?.timestamp ?? NaN) <= 20_000, 'the picture is there from the start');
  t.same([...first.drops], [['before the first picture', 25]], 'the sound before it is left out');
  const tone = await toneStartMs(late, 2000);
  t.ok(Math.abs(tone + 507 - (frames[0]?.timestamp ?? 0) / 1000) < 5, `the rest keeps its place: ${tone} ms`);

  const behind = join(t.testdir(), 'sound-behind.webm');
  const third = testContext();
  const live = await open(behind, {}, third);
  const [sound, picture] = [live.input('audio'), live.input('video')];
  const packets = await opusOf(2000, START_US);
  await writeSome(sound, packets.slice(0, 20));
  await writeSome(picture, await videoOf(30, START_US + 507_000));
  await writeAll(picture, []);
  await writeAll(sound, packets.slice(20));
  await live.close();
  t.same([...third.drops], [['before the first picture', 25]], 'also what comes after the picture');
  const shown = (await readVideo(behind))[0]?.timestamp ?? NaN;
  t.ok(Math.abs((await toneStartMs(behind, 2000)) + 507 - shown / 1000) < 5 && shown < 20_000, 'nothing has moved');

  const early = join(t.testdir(), 'late-sound.webm');
  const second = testContext();
  const video = await videoOf(90, START_US, { keyFrameIntervalMs: 500 });
  const ports = await open(early, {}, second);
  const inputs = { 'encoded-audio': ports.input('audio'), 'encoded-video': ports.input('video') };
  const inOrder = [...video, ...(await opusOf(1000, START_US + 1_100_000))].sort((a, b) => a.timestamp - b.timestamp);
  for (const chunk of inOrder) await writeSome(inputs[chunk.kind], [chunk]);
  await Promise.all(Object.values(inputs).map((input) => writeAll(input, [])));
  await ports.close();
  t.same([...second.drops], [['before the first sound', 30]], 'pictures before the last key frame are left out');
  t.same(numbers(await readVideo(early)), upTo(60, 30));
  t.ok(Math.abs((await toneStartMs(early, 1000)) - 100) < 5, 'the sound comes 100 ms after that key frame');
});

await t.test('recorder: one that does not come is waited for so long, and counted when it comes', async (t) => {
  const path = join(t.testdir(), 'a.webm');
  const clock = new VirtualClock();
  const context = testContext({ clock });
  const ports = await open(path, { waitMs: 400 }, context);
  const [audio, video] = [ports.input('audio'), ports.input('video')];
  const sound = await opusOf(1000, START_US);
  await writeSome(audio, sound.slice(0, 19));
  clock.advance(399);
  t.equal(statSync(path).size, 0, 'waits for 400 ms of media');
  const more = writeSome(audio, sound.slice(19, 21));
  await settle();
  t.equal(audio.writableLength, 1, 'and of the clock: the writer is held back');
  clock.advance(1);
  await more;
  t.ok(statSync(path).size > 0);
  await Promise.all([writeAll(audio, sound.slice(21)), writeAll(video, await videoOf(5, START_US + 500_000))]);
  await ports.close();
  t.same([...context.drops], [['video that the file has no track for', 5]]);
  const info = await openMediaFile(path);
  t.equal(info.video, undefined);
  t.ok(Math.abs((await readAudio(path)).samples.length - 48_000) < 1000, 'all of the sound is there');
});

await t.test('recorder: sound that comes faster than pictures waits for them', async (t) => {
  const path = join(t.testdir(), 'a.webm');
  const clock = new VirtualClock();
  const ports = await open(path, {}, testContext({ clock }));
  const [audio, video] = [ports.input('audio'), ports.input('video')];
  const sound = await opusOf(6000, START_US);
  const written = writeAll(audio, sound);
  const pictures = await videoOf(75, START_US);
  const left = (): number => 300 - audio.writableLength;
  await settle();
  t.ok(left() > 145 && left() <= 150, `${left() * 20} ms wait for the first picture`);
  for (const [i, picture] of pictures.entries()) {
    clock.advance(10);
    await writeSome(video, [picture]);
    const aheadMs = left() * 20 - (i * 1000) / 30;
    if (i > 60 && aheadMs > 1040) t.fail(`${aheadMs} ms ahead at picture ${i}`);
  }
  t.ok(left() < 300, 'held back still');
  clock.advance(1000);
  await written;
  t.pass('until no more pictures have come for a second');
  await writeAll(video, []);
  await ports.close();
  t.ok(align(chirp(48_000, 288_000), (await readAudio(path)).samples).peak > 0.98);
  t.same(numbers(await readVideo(path)), upTo(75));
});

await t.test('recorder: what a stream does not have is not waited for', async (t) => {
  const path = join(t.testdir(), '{name}.webm');
  const ports = await open(path, {}, testContext({ branch: branch('a', { hasVideo: false }) }));
  const audio = ports.input('audio');
  const video = ports.input('video');
  await writeSome(audio, (await opusOf(40, START_US)).slice(0, 1));
  t.ok(statSync(path.replace('{name}', 'a')).size > 0, 'the file has begun');
  video.destroy();
  await writeAll(audio, []);
  await ports.close();
});

await t.test('recorder: video begins with a key frame whose size can be read', async (t) => {
  const path = join(t.testdir(), 'a.webm');
  const context = testContext();
  const video = await videoOf(60, START_US, { keyFrameIntervalMs: 500 });
  const broken = video.slice(10).map((chunk, i) => (i === 5 ? { ...chunk, data: chunk.data.subarray(0, 8) } : chunk));
  await record(path, { video: broken }, {}, context);
  t.same([...context.drops], [['before the first key frame', 20]]);
  t.same(numbers(await readVideo(path)), upTo(30, 30));
});

await t.test('recorder: one packet in stereo makes the file stereo', async (t) => {
  const path = join(t.testdir(), 'a.webm');
  const mono = await opusOf(100, START_US);
  const stereo: EncodedAudioChunk = { ...(mono[1] as EncodedAudioChunk), data: Uint8Array.of(0xfc, 0xff, 0xfe) };
  await record(path, {
    audio: [mono[0] as EncodedAudioChunk, stereo, ...mono.slice(2)],
    video: await videoOf(3, START_US),
  });
  t.match(await openMediaFile(path), { audio: { numberOfChannels: 2 } });
});

await t.test('recorder: where nothing came there is no file', async (t) => {
  const path = join(t.testdir(), 'a.webm');
  const warned: object[] = [];
  const context = testContext();
  const log = { ...context.log, warn: (fields: object) => void warned.push(fields) };
  await record(path, { audio: [], video: [] }, {}, { ...context, log });
  t.notOk(existsSync(path));
  t.same(warned, [{ path }]);
});

await t.test('recorder: cut off by a failure it completes what it has', async (t) => {
  const path = join(t.testdir(), 'a.webm');
  const ports = await open(path);
  const audio = ports.input('audio');
  audio.on('error', () => undefined);
  await writeSome(audio, await opusOf(500, START_US));
  audio.destroy(new Error('cut'));
  await ports.close();
  await ports.close();
  const info = await openMediaFile(path);
  t.ok(Math.abs((info.durationUs ?? 0) - 500_000) < 30_000, 'with its length');
});

await t.test('recorder: a branch keeps what is there', async (t) => {
  const dir = t.testdir();
  for (let i = 0; i < 3; i++) {
    const context = testContext({ branch: branch('An/na'), baseDir: dir });
    await record('{name}.ogg', { audio: await opusOf(40 + i * 20, START_US) }, {}, context);
  }
  t.same(readdirSync(dir).sort(), ['An_na-2.ogg', 'An_na-3.ogg', 'An_na.ogg']);
  t.ok(Math.abs((await readAudio(join(dir, 'An_na.ogg'))).samples.length - 1920) < 400, 'the first is as it was');
});

await t.test('recorder: refuses what cannot be', async (t) => {
  for (const path of ['a.avi', 'a', 'webm', 'a.webm.bak']) {
    t.throws(
      () => parseOptions(recorder, { path }),
      { code: 'SLUICE_CONFIG_INVALID', message: /\.webm, \.mp4 or \.ogg/ },
      path,
    );
  }
  const inputs = (path: string) =>
    portsOf(recorder, parseOptions(recorder, { path })).inputs.map((port) => port.formats[0]);
  t.match(inputs('A.WEBM'), [{ kind: 'encoded-audio' }, { codec: 'vp8' }]);
  t.match(inputs('a.mp4'), [{ kind: 'encoded-audio' }, { codec: 'h264' }]);
  t.match(inputs('a.ogg'), [{ kind: 'encoded-audio' }]);
  t.equal(inputs('a.ogg').length, 1, 'no video');

  const dir = t.testdir();
  mkdirSync(join(dir, 'a.webm'));
  await t.rejects(open(join(dir, 'a.webm')), { code: 'SLUICE_FILE_WRITE', message: /folder/ });
  const ports = await open(join(dir, 'b.webm'));
  await t.rejects(writeAll(ports.input('video'), await videoOf(1, START_US, { codec: 'h264' })), {
    code: 'SLUICE_CONFIG_INVALID',
    mend: /mp4/,
  });
  await t.rejects(async () => ports.close(), { code: 'SLUICE_CONFIG_INVALID' });
  t.notOk(existsSync(join(dir, 'b.webm')), 'and leaves no empty file');
});

/** Writes values and waits until they were taken. */
async function writeSome(input: NodeJS.WritableStream, values: readonly unknown[]): Promise<void> {
  for (const value of values) await new Promise((resolve) => input.write(value as string, resolve));
  await settle(1);
}
