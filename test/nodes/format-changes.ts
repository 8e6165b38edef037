import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import t from 'tap';
import { runGraph } from '../../src/graph/run.js';
import type { RunningSession } from '../../src/graph/sessions.js';
import { audioData, type AudioData, type SampleRate } from '../../src/media/audio-data.js';
import { systemClock } from '../../src/media/clock.js';
import type { MediaValue } from '../../src/media/media-value.js';
import { readPattern } from '../../src/media/pattern.js';
import type { VideoFrame } from '../../src/media/video-frame.js';
import { FakeSession, Lab } from '../graph/lab.js';
import { videoDecoder } from '../../src/nodes/video-decoder.js';
import { numbers, pictures, readAudio, readVideo, through, upTo } from './media-lab.js';
import { concat } from './node-lab.js';

const FREQUENCY = 997;
const AMPLITUDE = 10_000;
const PERIODS = 10;
const FORMATS: readonly (readonly [SampleRate, 1 | 2])[] = [
  [48_000, 1],
  [16_000, 2],
  [44_100, 1],
  [48_000, 2],
  [24_000, 1],
];
const MS = FORMATS.length * PERIODS * 20;

/** One tone that goes on while rate and channels change every 200 ms. */
function changingSound(): AudioData[] {
  return FORMATS.flatMap(([rate, channels], part) =>
    Array.from({ length: PERIODS }, (_, period) => {
      const timestamp = (part * PERIODS + period) * 20_000;
      const data = Int16Array.from({ length: (rate / 50) * channels }, (_value, i) =>
        ideal(timestamp / 1e6 + Math.floor(i / channels) / rate),
      );
      return audioData(data, rate, channels, timestamp);
    }),
  );
}

function ideal(seconds: number): number {
  return Math.round(AMPLITUDE * Math.sin(2 * Math.PI * FREQUENCY * seconds));
}

const SIZES = [
  { width: 320, height: 240 },
  { width: 640, height: 480 },
  { width: 192, height: 144 },
];

/** Numbered pictures, 30 a second, whose size changes with every tenth. */
function changingPictures(): VideoFrame[] {
  return SIZES.flatMap((size, i) =>
    pictures(10, { ...size, first: 10 * i, startUs: Math.round((i * 10_000_000) / 30) }),
  );
}

/** Largest distance of samples from the tone, as a part of its amplitude; of both ends, where it begins and stops, 10 ms are left out. */
function distance(samples: Int16Array, rate: number, startUs = 0): number {
  const margin = rate / 100;
  let worst = 0;
  for (let i = margin; i < samples.length - margin; i++) {
    worst = Math.max(worst, Math.abs((samples[i] ?? 0) - ideal(startUs / 1e6 + i / rate)));
  }
  return worst / AMPLITUDE;
}

/** A session that keeps what is published into it. */
class KeepingSession extends FakeSession {
  readonly published: MediaValue[] = [];

  override publish(): Promise<never> {
    const into = (): Writable =>
      new Writable({
        objectMode: true,
        write: (value: MediaValue, _encoding, done) => {
          this.published.push(value);
          done();
        },
      });
    const publisher = Object.assign(new PassThrough({ objectMode: true }), { audio: into(), video: into() });
    return Promise.resolve(publisher as never);
  }
}

const lab = new Lab();

/** Runs `nodes`, which `in` gives the values to, and gives what came to `out`, or was published. */
async function run(nodes: string, values: readonly MediaValue[]): Promise<MediaValue[]> {
  const media = values[0]?.kind === 'audio' ? 'audio' : 'video';
  const plan = lab.plan(
    `sessions: { room: { sessionId: demo } }\nnodes:\n  in: { type: input, media: ${media} }\n${nodes}`,
  );
  const session = new KeepingSession();
  const out = new PassThrough({ objectMode: true, highWaterMark: 1000 });
  const hasOutput = plan.nodes.some((node) => node.def.given === 'output');
  await runGraph(plan, {
    sessions: () => Promise.resolve(session as unknown as RunningSession),
    clock: systemClock,
    inputs: { in: Readable.from(values) },
    outputs: hasOutput ? { out } : {},
  }).finished;
  return hasOutput ? ((await out.toArray()) as MediaValue[]) : session.published;
}

const OUT = 'out: { type: output, from: x, media: audio, sampleRate: 48000, channels: 1 }';

for (const [name, nodes] of [
  ['resampler', `  x: { type: resampler, from: in }\n  ${OUT}`],
  ['gain', `  x: { type: gain, from: in, db: 0 }\n  ${OUT}`],
  ['delay', `  x: { type: delay, from: in, ms: 40 }\n  ${OUT}`],
  ['mixer', `  x: { type: mixer, from: in, live: false }\n  ${OUT}`],
  ['publisher', '  x: { type: publisher, from: in, channels: 1 }'],
] as const) {
  await t.test(`${name}: a tone goes on where rate and channels change`, async (t) => {
    const values = (await run(nodes, changingSound())) as AudioData[];
    t.same(
      [...new Set(values.map(({ sampleRate, numberOfChannels }) => `${sampleRate} ${numberOfChannels}`))],
      ['48000 1'],
    );
    const samples = concat(values);
    t.equal(samples.length, MS * 48, 'not a sample too many or too few');
    t.ok(distance(samples, 48_000) < 0.02, `${(distance(samples, 48_000) * 100).toFixed(2)} % from the tone`);
  });
}

await t.test('wav, recorder, opus-encoder: a tone goes on where rate and channels change', async (t) => {
  const dir = t.testdir();
  const wav = join(dir, 'a.wav');
  await run(`  x: { type: wav, from: in, path: ${wav} }`, changingSound());
  const { samples } = await readAudio(wav);
  t.equal(samples.length, MS * 48);
  t.ok(distance(samples, 48_000) < 0.02, `wav: ${(distance(samples, 48_000) * 100).toFixed(2)} % from the tone`);
  for (const [file, nodes] of [
    ['planned.webm', ''],
    ['own.webm', '  x: { type: opus-encoder, from: in, application: audio, bitrate: 128000 }\n'],
  ] as const) {
    const path = join(dir, file);
    await run(`${nodes}  y: { type: recorder, from: ${nodes === '' ? 'in' : 'x'}, path: ${path} }`, changingSound());
    const heard = await readAudio(path);
    t.ok(Math.abs(heard.samples.length - MS * 48) < 1000, `${heard.samples.length / 48} ms`);
    const away = distance(heard.samples.subarray(0, -2400), 48_000, heard.startUs);
    t.ok(away < 0.15, `${file}: ${(away * 100).toFixed(2)} % from the tone, as far as Opus is true`);
  }
});

for (const [name, nodes] of [
  [
    'scaler',
    '  x: { type: scaler, from: in, width: 320, height: 240 }\n  out: { type: output, from: x, media: video }',
  ],
  ['frame-rate', '  x: { type: frame-rate, from: in }\n  out: { type: output, from: x, media: video }'],
  ['delay', '  x: { type: delay, from: in, ms: 40 }\n  out: { type: output, from: x, media: video }'],
  [
    'video-encoder',
    '  x: { type: video-encoder, from: in }\n  y: { type: video-decoder, from: x }\n  out: { type: output, from: y, media: video }',
  ],
  [
    'compositor',
    '  x: { type: compositor, from: in, live: false, fps: 30, width: 320, height: 240, labels: false }\n  out: { type: output, from: x, media: video }',
  ],
  ['inserted scaler', '  out: { type: output, from: in, media: video, width: 320, height: 240, format: RGB24 }'],
  ['publisher', '  x: { type: publisher, from: in, audio: false, video: true, width: 320, height: 240 }'],
] as const) {
  await t.test(`${name}: every picture is there where its size changes`, async (t) => {
    const values = await run(nodes, changingPictures());
    // A picture whose shape is not known is encoded before it is published: that keeps the shape.
    const isEncoded = values[0]?.kind === 'encoded-video';
    const frames = isEncoded ? await through<VideoFrame>(videoDecoder, {}, values) : (values as VideoFrame[]);
    t.same(frames.map(numberOf), upTo(30));
    const followed = ['frame-rate', 'delay', 'video-encoder', 'publisher'].includes(name);
    t.equal(new Set(frames.map(({ width }) => width)).size, followed ? 3 : 1);
  });
}

await t.test('null, recorder: every picture is there where its size changes', async (t) => {
  await run('  x: { type: "null", from: in }', [...changingPictures()]);
  const path = join(t.testdir(), 'a.webm');
  await run(`  y: { type: recorder, from: in, path: ${path} }`, changingPictures());
  t.same(numbers(await readVideo(path)), upTo(30));
});

function numberOf(frame: VideoFrame): number | undefined {
  if (frame.format === 'YUV420P') return readPattern(frame);
  // Of B, G, R the green is near enough to the brightness.
  const data = Uint8Array.from({ length: frame.width * frame.height }, (_, i) => frame.data[3 * i + 1] ?? 0);
  return readPattern({ ...frame, data });
}
