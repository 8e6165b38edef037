import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { type FileReadOptions, openMediaFile } from '../../src/codecs/media-file.js';
import { createMuxer } from '../../src/codecs/muxer.js';
import { SampleQueue } from '../../src/codecs/sample-queue.js';
import type { AudioData } from '../../src/media/audio-data.js';
import type { MediaValue } from '../../src/media/media-value.js';
import { peak } from '../../src/media/pcm.js';
import type { VideoFrame } from '../../src/media/video-frame.js';
import { requireSystem } from '../support/require.js';
import { HEIGHT, WIDTH, opusChunks, videoChunks, wavBytes } from './fixtures.js';
import { AUDIO, record } from './recording.js';
import { readNumber } from './pictures.js';
import { channel, concat, sine, toneAmplitude } from './tones.js';

/** Somewhere on a media clock that has been running for a while. */
const START_US = 7_200_000_000;

async function readAll(path: string, options?: FileReadOptions): Promise<MediaValue[]> {
  const values: MediaValue[] = [];
  for await (const value of (await openMediaFile(path)).read(options)) values.push(value);
  return values;
}

function ofKind<K extends MediaValue['kind']>(
  values: readonly MediaValue[],
  kind: K,
): Extract<MediaValue, { kind: K }>[] {
  return values.filter((value): value is Extract<MediaValue, { kind: K }> => value.kind === kind);
}

/** Where the 1 kHz tone starts in mono audio, in ms. */
function toneStartMs(audio: readonly AudioData[]): number {
  const samples = concat(audio.map((chunk) => chunk.data));
  const rate = audio[0]?.sampleRate ?? 0;
  const step = rate / 200;
  for (let at = 0; at + step < samples.length; at += step / 5) {
    if (toneAmplitude(samples.subarray(at, at + step), 1000, rate) > 4000)
      return (audio[0]?.timestamp ?? 0) / 1000 + ((at + step / 2) / rate) * 1000;
  }
  return NaN;
}

const CONTAINERS = [
  ['webm', 'vp8'],
  ['mp4', 'h264'],
] as const;

for (const [container, codec] of CONTAINERS) {
  await t.test(`${container}: what was recorded is read again, in its place`, async (t) => {
    const path = join(t.testdir(), 'new', `file.${container}`);
    const audio = await opusChunks(150, START_US, 1500);
    const video = await videoChunks(codec, 70, START_US + 100_000);
    const chunks = [...audio, ...video].sort((a, b) => a.timestamp - b.timestamp);
    await record(path, { container, audio: AUDIO, video: { codec, width: WIDTH, height: HEIGHT } }, chunks);

    const file = await openMediaFile(path);
    t.match(file, { audio: { codec: 'opus', numberOfChannels: 1, passThrough: true } });
    t.match(file, { video: { codec, width: WIDTH, height: HEIGHT, passThrough: true } });
    t.ok(Math.abs((file.durationUs ?? 0) - 3_000_000) < 120_000, `${file.durationUs} µs`);
    t.ok(Math.abs((file.video?.frameRate ?? 0) - 25) < 0.5);

    const values = await readAll(path, { audio: { numberOfChannels: 1 } });
    t.ok(
      values.every((value, i) => value.timestamp >= (values[i - 1]?.timestamp ?? 0)),
      'by timestamp',
    );
    const start = toneStartMs(ofKind(values, 'audio'));
    t.ok(Math.abs(start - 1500) < 4, `the tone starts at ${start} ms`);
    const frames = ofKind(values, 'video');
    t.same(
      frames.map((frame) => readNumber(frame)),
      Array.from({ length: 70 }, (_, i) => i),
    );
    for (const [i, frame] of frames.entries()) {
      if (Math.abs(frame.timestamp - 100_000 - i * 40_000) > 1000) t.fail(`picture ${i} is at ${frame.timestamp} µs`);
    }
  });

  await t.test(`${container}: encoded chunks come out as they went in`, async (t) => {
    const path = join(t.testdir(), `file.${container}`);
    const audio = await opusChunks(100, START_US, 0);
    const video = await videoChunks(codec, 50, START_US + 300_000);
    const chunks = [...audio, ...video].sort((a, b) => a.timestamp - b.timestamp);
    await record(path, { container, audio: AUDIO, video: { codec, width: WIDTH, height: HEIGHT } }, chunks);
    const values = await readAll(path, { encoded: true });
    const [heard, seen] = [ofKind(values, 'encoded-audio'), ofKind(values, 'encoded-video')];
    t.equal(heard.length, 100);
    t.ok(
      heard.every((chunk, i) => Buffer.from(chunk.data).equals(audio[i]?.data ?? new Uint8Array())),
      'Opus, byte for byte',
    );
    t.ok(heard.every((chunk, i) => Math.abs(chunk.timestamp - i * 20_000) <= 1000 && chunk.duration === 20_000));
    t.equal(seen.length, 50);
    t.same(
      seen.map((chunk) => chunk.type),
      video.map((chunk) => chunk.type),
    );
    t.ok(seen.every((chunk, i) => Math.abs(chunk.timestamp - 300_000 - i * 40_000) <= 1000));
    if (codec === 'vp8') {
      t.ok(
        seen.every((chunk, i) => Buffer.from(chunk.data).equals(video[i]?.data ?? new Uint8Array())),
        'VP8, byte for byte',
      );
    } else {
      t.ok(
        seen.every((chunk) => Buffer.from(chunk.data.subarray(0, 4)).readUInt32BE() === 1),
        'Annex B',
      );
      t.same(
        seen.map((chunk) => (chunk.data[4] ?? 0) & 31),
        seen.map((chunk) => (chunk.type === 'key' ? 7 : 1)),
        'parameter sets first',
      );
    }
    const decoded = await readAll(path, { encoded: true, audio: false });
    t.ok(
      decoded.every((value) => value.kind === 'encoded-video'),
      'audio was left out',
    );
  });

  await t.test(`${container}: ffprobe sees the codecs and the length`, async (t) => {
    const ffprobe = requireSystem(t, 'ffprobe');
    if (ffprobe === undefined) return;
    const path = join(t.testdir(), `file.${container}`);
    const audio = await opusChunks(100, START_US, 0);
    const video = await videoChunks(codec, 50, START_US);
    const chunks = [...audio, ...video].sort((a, b) => a.timestamp - b.timestamp);
    await record(path, { container, audio: AUDIO, video: { codec, width: WIDTH, height: HEIGHT } }, chunks);
    const args = [
      '-v',
      'error',
      '-show_entries',
      'format=duration:stream=codec_name,width,height,channels',
      '-of',
      'json',
      path,
    ];
    const run = spawnSync(ffprobe, args, { encoding: 'utf8' });
    t.equal(run.stderr, '');
    const probe = JSON.parse(run.stdout) as { streams: object[]; format: { duration: string } };
    t.match(probe.streams, [
      { codec_name: 'opus', channels: 1 },
      { codec_name: codec, width: WIDTH, height: HEIGHT },
    ]);
    t.ok(Math.abs(Number(probe.format.duration) - 2) < 0.1, probe.format.duration);
  });
}

await t.test('video that starts without a key frame is written from the first one on', async (t) => {
  const path = join(t.testdir(), 'file.webm');
  const video = (await videoChunks('vp8', 40, START_US)).slice(10);
  await record(path, { container: 'webm', video: { codec: 'vp8', width: WIDTH, height: HEIGHT } }, video);
  const frames = ofKind(await readAll(path), 'video');
  t.same(
    frames.map((frame: VideoFrame) => readNumber(frame)),
    Array.from({ length: 15 }, (_, i) => 25 + i),
  );
  const chunks = ofKind(await readAll(path, { encoded: true }), 'encoded-video');
  t.same([chunks[0]?.type, chunks[0]?.timestamp, chunks.length], ['key', 0, 15], 'which is where the file starts');
});

await t.test('a track that starts before the first chunk written keeps its distance', async (t) => {
  const path = join(t.testdir(), 'file.webm');
  const audio = await opusChunks(100, START_US, 1000);
  const video = await videoChunks('vp8', 50, START_US - 200_000);
  const [first, ...rest] = audio;
  if (!first) throw new Error('no audio');
  const chunks = [first, ...[...rest, ...video].sort((a, b) => a.timestamp - b.timestamp)];
  await record(
    path,
    { container: 'webm', audio: AUDIO, video: { codec: 'vp8', width: WIDTH, height: HEIGHT } },
    chunks,
  );
  const values = await readAll(path, { audio: { numberOfChannels: 1 } });
  const firstFrame = ofKind(values, 'video')[0];
  const distance = toneStartMs(ofKind(values, 'audio')) - (firstFrame?.timestamp ?? NaN) / 1000;
  t.ok(Math.abs(distance - 1200) < 5, `the tone comes ${distance} ms after the first picture`);
});

await t.test('Ogg holds Opus', async (t) => {
  const path = join(t.testdir(), 'file.ogg');
  await record(path, { container: 'ogg', audio: AUDIO }, await opusChunks(100, START_US, 500));
  const file = await openMediaFile(path);
  t.equal(file.video, undefined);
  const audio = ofKind(await readAll(path, { audio: { sampleRate: 16000, numberOfChannels: 1 } }), 'audio');
  t.equal(audio[0]?.sampleRate, 16000);
  t.ok(Math.abs(toneStartMs(audio) - 500) < 4);
});

await t.test('holes in the audio of a file are silence, and what follows is in its place', async (t) => {
  const path = join(t.testdir(), 'file.webm');
  const chunks = (await opusChunks(150, START_US, 2000)).filter((_, i) => i < 50 || i >= 90);
  await record(path, { container: 'webm', audio: AUDIO }, chunks);
  const audio = ofKind(await readAll(path, { audio: { numberOfChannels: 1 } }), 'audio');
  let expected = 0;
  for (const chunk of audio) {
    t.ok(Math.abs(chunk.timestamp - expected) <= 1);
    expected = chunk.timestamp + (chunk.numberOfFrames * 1_000_000) / chunk.sampleRate;
  }
  t.ok(Math.abs(toneStartMs(audio) - 2000) < 4, `the tone starts at ${toneStartMs(audio)} ms`);
});

await t.test('what a killed process has written can be read', async (t) => {
  for (const container of ['webm', 'mp4', 'ogg'] as const) {
    const path = join(t.testdir(), `killed.${container}`);
    const run = spawnSync(process.execPath, [
      fileURLToPath(new URL('./programs/killed.js', import.meta.url)),
      path,
      container,
    ]);
    t.equal(run.signal, 'SIGKILL', run.stderr.toString());
    const audio = ofKind(await readAll(path, { audio: { numberOfChannels: 1 } }), 'audio');
    const samples = concat(audio.map((chunk) => chunk.data));
    t.ok(samples.length > 2.5 * 48_000, `${container}: ${samples.length / 48_000} s of 4 s`);
    t.ok(toneAmplitude(samples.subarray(24_000), 1000, 48_000) > 8000);
  }
});

await t.test('WAV of any rate and channels comes at the same level in the format asked for', async (t) => {
  const dir = t.testdir();
  for (const [rate, channels] of [
    [44100, 1],
    [8000, 2],
    [96000, 2],
    [22050, 1],
  ] as const) {
    const path = join(dir, `tone-${rate}-${channels}.wav`);
    writeFileSync(path, wavBytes(sine(channels === 1 ? 1000 : [1000, 700], rate, rate, 10_000), rate, channels));
    const file = await openMediaFile(path);
    t.match(file, {
      durationUs: 1_000_000,
      audio: { codec: 'pcm_s16le', sampleRate: rate, numberOfChannels: channels, passThrough: false },
    });
    const stereo = ofKind(await readAll(path), 'audio');
    const samples = concat(stereo.map((chunk) => chunk.data));
    t.ok(Math.abs(samples.length / 2 - 48_000) <= 2, `${samples.length / 2} frames`);
    t.ok(stereo.slice(0, -1).every((chunk) => chunk.numberOfFrames === 960 && chunk.numberOfChannels === 2));
    const [left, right] = [channel(samples, 0, 2), channel(samples, 1, 2)];
    t.ok(Math.abs(toneAmplitude(left.subarray(4800, 43_200), 1000, 48_000) - 10_000) < 150);
    t.ok(Math.abs(toneAmplitude(right.subarray(4800, 43_200), channels === 1 ? 1000 : 700, 48_000) - 10_000) < 150);
  }
});

await t.test('pictures are made smaller and converted when asked to', async (t) => {
  const path = join(t.testdir(), 'file.webm');
  await record(
    path,
    { container: 'webm', video: { codec: 'vp8', width: WIDTH, height: HEIGHT } },
    await videoChunks('vp8', 5, 0),
  );
  const frames = ofKind(await readAll(path, { video: { maxWidth: 80, format: 'ARGB32' } }), 'video');
  t.same(
    frames.map(({ width, height, format }) => [width, height, format]),
    Array<unknown>(5).fill([80, 48, 'ARGB32']),
  );
});

await t.test('passes are independent, and can be left early', async (t) => {
  const path = join(t.testdir(), 'file.wav');
  writeFileSync(path, wavBytes(sine(1000, 48_000, 240_000), 48_000, 1));
  const file = await openMediaFile(path);
  const [one, two] = [file.read(), file.read({ audio: { numberOfChannels: 1 } })];
  for (let i = 0; i < 30; i++) await one.next();
  t.equal(one.positionUs, 29 * 20_000);
  t.equal((await two.next())?.timestamp, 0);
  t.equal(two.positionUs, 0);
  await one.close();
  await t.rejects(one.next(), { code: 'SLUICE_STATE_INVALID' });
  for await (const value of two) if (value.timestamp >= 100_000) break;
  await t.rejects(two.next(), { code: 'SLUICE_STATE_INVALID' }, 'leaving the loop closed it');
});

await t.test('what cannot be played is refused with its path', async (t) => {
  const dir = t.testdir({
    'empty.mp4': '',
    'notes.txt': 'This is a shopping list, not a film.\n'.repeat(200),
    'noise.webm': Buffer.from(Array.from({ length: 20_000 }, (_, i) => (i * i * 31 + i * 7) & 255)),
    folder: {},
    'silent.wav': wavBytes(new Int16Array(0), 48_000, 1),
  });
  const whole = join(dir, 'whole.mp4');
  await record(
    whole,
    { container: 'mp4', video: { codec: 'h264', width: WIDTH, height: HEIGHT } },
    await videoChunks('h264', 20, 0),
  );
  writeFileSync(join(dir, 'cut.mp4'), readFileSync(whole).subarray(0, 200));
  for (const [name, code] of [
    ['missing.mp4', 'SLUICE_FILE_NOT_FOUND'],
    ['folder', 'SLUICE_FILE_NOT_FOUND'],
    ['notes.txt/x.mp4', 'SLUICE_FILE_NOT_FOUND'],
    ['empty.mp4', 'SLUICE_FILE_UNDECODABLE'],
    ['notes.txt', 'SLUICE_FILE_UNDECODABLE'],
    ['noise.webm', 'SLUICE_FILE_UNDECODABLE'],
    ['silent.wav', 'SLUICE_FILE_UNDECODABLE'],
    ['cut.mp4', 'SLUICE_FILE_UNDECODABLE'],
  ] as const) {
    const path = join(dir, name);
    await t.rejects(openMediaFile(path), { code, place: { file: path } }, name);
  }
  await t.rejects(
    readAll('http://127.0.0.1:9/film.mp4'),
    { code: 'SLUICE_FILE_NOT_FOUND' },
    'an address is not a file',
  );
  const gone = join(dir, 'gone.wav');
  writeFileSync(gone, wavBytes(sine(1000, 8000, 800), 8000, 1));
  const file = await openMediaFile(gone);
  writeFileSync(gone, 'no more');
  await t.rejects(file.read().next(), { code: 'SLUICE_FILE_UNDECODABLE' });
});

await t.test('muxers that cannot be are refused', async (t) => {
  const dir = t.testdir({ file: '' });
  const video = { codec: 'h264', width: 16, height: 16 } as const;
  await t.rejects(createMuxer(join(dir, 'a'), { container: 'webm' }), { code: 'SLUICE_CONFIG_INVALID' });
  await t.rejects(createMuxer(join(dir, 'a'), { container: 'webm', video }), { code: 'SLUICE_CONFIG_INVALID' });
  await t.rejects(createMuxer(join(dir, 'a'), { container: 'ogg', video }), { code: 'SLUICE_CONFIG_INVALID' });
  await t.rejects(createMuxer(join(dir, 'a'), { container: 'mp4', video: { ...video, codec: 'vp8' } }), {
    code: 'SLUICE_CONFIG_INVALID',
  });
  await t.rejects(createMuxer(join(dir, 'file', 'a.webm'), { container: 'webm', audio: AUDIO }), {
    code: 'SLUICE_FILE_WRITE',
  });
  await t.rejects(createMuxer(dir, { container: 'webm', audio: AUDIO }), { code: 'SLUICE_FILE_WRITE' });
  const muxer = await createMuxer(join(dir, 'b.webm'), { container: 'webm', audio: AUDIO });
  const [picture] = await videoChunks('vp8', 1, 0);
  if (!picture) throw new Error('no picture');
  t.throws(
    () => {
      muxer.write(picture);
    },
    { code: 'SLUICE_FORMAT_MISMATCH' },
  );
  await muxer.close();
  t.throws(
    () => {
      muxer.write(picture);
    },
    { code: 'SLUICE_STATE_INVALID' },
  );
});

await t.test('a sample queue keeps order and counts silence without storing it', (t) => {
  const queue = new SampleQueue();
  queue.push(Int16Array.of(1, 2, 3));
  queue.pushSilence(1e12);
  t.equal(queue.length, 1e12 + 3);
  t.same(queue.shift(2), Int16Array.of(1, 2));
  t.same(queue.shift(3), Int16Array.of(3, 0, 0));
  t.equal(peak(queue.shift(1000)), 0);
  const short = new SampleQueue();
  short.pushSilence(1);
  short.push(Int16Array.of(7, 8));
  t.same(short.shift(10), Int16Array.of(0, 7, 8));
  t.equal(short.length, 0);
  t.end();
});
