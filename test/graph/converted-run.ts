import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import t from 'tap';
import type { AudioData } from '../../src/media/audio-data.js';
import { systemClock } from '../../src/media/clock.js';
import type { MediaValue } from '../../src/media/media-value.js';
import { readPattern } from '../../src/media/pattern.js';
import type { VideoFrame } from '../../src/media/video-frame.js';
import { runGraph } from '../../src/graph/run.js';
import { concat, levelAt } from '../nodes/node-lab.js';
import { readAudio } from '../nodes/media-lab.js';
import { Lab, noSessions } from './lab.js';

const lab = new Lab();

/** Runs a graph and gives what came to its node `out`. */
async function run(text: string): Promise<{ values: MediaValue[]; inserted: string[] }> {
  const plan = lab.plan(text);
  const values: MediaValue[] = [];
  const out = new Writable({
    objectMode: true,
    write(value: MediaValue, _encoding, done) {
      values.push(value);
      done();
    },
  });
  const outputs = plan.nodes.some((node) => node.def.given) ? { out } : {};
  await runGraph(plan, { sessions: noSessions, clock: systemClock, outputs }).finished;
  return { values, inserted: plan.nodes.filter((node) => node.inserted).map((node) => node.id) };
}

const sound = (values: readonly MediaValue[]): AudioData[] => values as AudioData[];
const pictures = (values: readonly MediaValue[]): VideoFrame[] => values as VideoFrame[];

await t.test('a real file that needs a resampler and an encoder', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-'));
  const [source, target] = [join(folder, 'tone.wav'), join(folder, 'tone.webm')];
  await run(
    `nodes:\n  a: { type: tone, frequency: 523, durationMs: 2000, sampleRate: 44100, channels: 2, live: false }\n  w: { type: wav, path: ${source}, from: a }`,
  );
  const { inserted } = await run(
    `nodes:\n  f: { type: file, path: ${source}, sampleRate: 44100 }\n  r: { type: recorder, path: ${target}, from: f.audio }`,
  );
  t.same(inserted, ['f.audio+resampler', 'f.audio+opus-encoder']);
  const { samples } = await readAudio(target);
  t.ok(Math.abs(samples.length / 48_000 - 2) < 0.05, `${samples.length / 48_000} s long`);
  const middle = samples.subarray(24_000, 72_000);
  t.ok(Math.abs(levelAt(middle, 48_000, 523) + 12) < 1, `the tone at ${levelAt(middle, 48_000, 523).toFixed(1)} dBFS`);
  t.ok(levelAt(middle, 48_000, 480) < -50, 'and no other pitch');
});

await t.test('sound through Opus into another rate and channel', async (t) => {
  const { values, inserted } = await run(
    'nodes:\n  a: { type: tone, frequency: 400, durationMs: 1000, sampleRate: 32000, live: false }\n  o: { type: opus-encoder, from: a, bitrate: 64000 }\n  out: { type: output, media: audio, sampleRate: 44100, channels: 2, from: o }',
  );
  t.same(inserted, ['a+resampler', 'o+opus-decoder', 'o+resampler']);
  t.ok(sound(values).every(({ sampleRate, numberOfChannels }) => sampleRate === 44_100 && numberOfChannels === 2));
  const left = concat(sound(values)).filter((_sample, index) => index % 2 === 0);
  t.ok(Math.abs(levelAt(left.subarray(11_025, 33_075), 44_100, 400) + 12) < 1.5, 'the tone');
});

await t.test('pictures: rate, size and pixels', async (t) => {
  const { values, inserted } = await run(
    'nodes:\n  p: { type: test-pattern, width: 640, height: 480, fps: 30, durationMs: 1000, live: false }\n  out: { type: output, media: video, format: RGB24, width: 320, height: 240, frameRate: 10, from: p }',
  );
  t.same(inserted, ['p+frame-rate', 'p+scaler']);
  t.same(
    pictures(values).map((frame) => [frame.width, frame.height, frame.format, frame.timestamp]),
    Array.from({ length: 10 }, (_, index) => [320, 240, 'RGB24', index * 100_000]),
  );
  const back = await run(
    'nodes:\n  p: { type: test-pattern, width: 640, height: 480, fps: 10, durationMs: 500, live: false }\n  e: { type: video-encoder, codec: vp8, from: p }\n  out: { type: output, media: video, format: YUV420P, width: 320, height: 240, frameRate: 20, from: e }',
  );
  t.same(back.inserted, ['e+video-decoder', 'e+frame-rate', 'e+scaler']);
  t.same(pictures(back.values).map(readPattern), [0, 0, 1, 1, 2, 2, 3, 3, 4], 'the numbers of the pictures');
});

await t.test('a diamond whose delay just fits flows to its end', async (t) => {
  const { values } = await run(
    'nodes:\n  a: { type: tone, frequency: 300, level: -20, durationMs: 1000, live: false }\n  d: { type: delay, ms: 180, from: a }\n  m: { type: mixer, live: false, from: [a, d] }\n  out: { type: output, from: m }',
  );
  t.equal(values.length, 50);
});

await t.test('readers of one output get what each of them wants', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-'));
  const { values, inserted } = await run(
    `nodes:\n  a: { type: tone, frequency: 300, durationMs: 1000, sampleRate: 48000, live: false }\n  r: { type: recorder, path: ${join(folder, 'a.ogg')}, from: a }\n  out: { type: output, media: audio, sampleRate: 8000, from: a }`,
  );
  t.same(inserted, ['a+opus-encoder', 'a+resampler']);
  t.ok(Math.abs(concat(sound(values)).length - 8000) < 32);
  t.ok(Math.abs(levelAt(concat(sound(values)), 8000, 300) + 12) < 0.5);
  t.ok(Math.abs((await readAudio(join(folder, 'a.ogg'))).samples.length / 48_000 - 1) < 0.05);
});
