import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openMediaFile } from '../src/codecs/media-file.js';
import { PACKAGE_ROOT } from '../test/support/package-root.js';
import { findProgram } from '../test/support/require.js';
import { speech } from '../test/codecs/tones.js';
import { wavBytes } from '../test/codecs/fixtures.js';
import { programCpuS } from './program-cpu.js';
import { atMost, type Benchmark, type Report } from './report.js';
import { median, ratios, spread } from './statistics.js';

const ROUNDS = 3;
const MINUTES = 10;
/** So much is made, and repeated until the file is full. */
const SPEECH_S = 20;
const BITRATE = 24_000;

/** A file from Opus to Opus, as a pipeline and by the ffmpeg command line. */
export const opusFile: Benchmark = {
  title: `${MINUTES} minutes of Opus to 16 kHz mono`,
  notes: 'opus-file',
  run: compare,
};

/** Pipelines by what is said of them; all read `IN` and write `OUT`. */
const PIPELINES = {
  'file ! resampler ! opus-encoder ! recorder': `nodes:
  clip: { type: file, path: '\${IN}' }
  narrow: { type: resampler, from: clip.audio, sampleRate: 16000, channels: 1 }
  opus: { type: opus-encoder, from: narrow, bitrate: ${BITRATE}, application: audio, complexity: 10 }
  out: { type: recorder, from: opus, path: '\${OUT}' }
`,
  'file at 16 kHz ! opus-encoder ! recorder': `nodes:
  clip: { type: file, path: '\${IN}', sampleRate: 16000, channels: 1 }
  opus: { type: opus-encoder, from: clip.audio, bitrate: ${BITRATE}, application: audio, complexity: 10 }
  out: { type: recorder, from: opus, path: '\${OUT}' }
`,
} as const;
type PipelineName = keyof typeof PIPELINES;
const NAMES = Object.keys(PIPELINES) as PipelineName[];

async function compare(): Promise<Report> {
  const ffmpeg = findProgram('ffmpeg');
  if (ffmpeg === undefined) throw new Error('ffmpeg is needed for this benchmark');
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  const file = (name: string): string => join(folder, name);
  try {
    await makeInput(ffmpeg, file('speech.wav'), file('in.ogg'));
    const theirs: number[] = [];
    const ours: Record<string, number[]> = Object.fromEntries(NAMES.map((name) => [name, []]));
    for (let round = 0; round < ROUNDS; round++) {
      theirs.push(await programCpuS([ffmpeg, ...peerArguments(file('in.ogg'), file('theirs.ogg'))]));
      for (const name of NAMES) {
        await writeFile(file('p.yaml'), PIPELINES[name]);
        const command = [process.execPath, join(PACKAGE_ROOT, 'dist/cli/main.js'), 'run', file('p.yaml')];
        ours[name]?.push(await programCpuS(command, { IN: file('in.ogg'), OUT: file('ours.ogg') }));
        await checkSame(file('ours.ogg'), file('theirs.ogg'));
      }
    }
    return reportOf(ours, theirs);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function reportOf(ours: Readonly<Record<string, readonly number[]>>, theirs: readonly number[]): Report {
  const quotients = NAMES.map((name) => ratios(ours[name] ?? [], theirs));
  return {
    conditions: [
      `${MINUTES} minutes of something like speech, 48 kHz stereo, Opus at 48 kbit/s in Ogg: decoded, resampled to 16 kHz mono, encoded to Opus at ${BITRATE / 1000} kbit/s (application audio, complexity 10, constrained VBR, 20 ms) and written to an Ogg file.`,
      `CPU of the whole process from its start to its end, in s: \`sluice run\` of a pipeline, and the ffmpeg command line of this machine, one after the other, ${ROUNDS} rounds. Both files are decoded and compared, second by second, in each round.`,
    ],
    head: ['', 'CPU, s', 'of ffmpeg'],
    rows: [
      ...NAMES.map((name, index) => [name, spread(ours[name] ?? [], 2), spread(quotients[index] ?? [], 2)]),
      ['ffmpeg', spread(theirs, 2), '1'],
    ],
    goals: [atMost('a pipeline with a resampler', median(quotients[0] ?? []), 0.85, 'x')],
    limits: [
      'FFmpeg and libopus of the package node-av are newer than those of the command line: not all of the difference is the framework.',
      'Sluice reads and writes in one thread and encodes in another: it is done earlier than its CPU time says.',
    ],
  };
}

async function makeInput(ffmpeg: string, wav: string, opus: string): Promise<void> {
  const mono = speech(48_000, SPEECH_S * 48_000);
  const stereo = new Int16Array(mono.length * 2);
  for (let i = 0; i < mono.length; i++) {
    stereo[2 * i] = mono[i] ?? 0;
    stereo[2 * i + 1] = (mono[i] ?? 0) / 2;
  }
  await writeFile(wav, wavBytes(stereo, 48_000, 2));
  const loops = String((MINUTES * 60) / SPEECH_S - 1);
  const options = ['-stream_loop', loops, '-i', wav, '-c:a', 'libopus', '-b:a', '48k', opus];
  await programCpuS([ffmpeg, '-v', 'error', '-y', ...options]);
}

function peerArguments(input: string, output: string): string[] {
  const encoder = ['-c:a', 'libopus', '-b:a', String(BITRATE), '-compression_level', '10', '-vbr', 'constrained'];
  return ['-v', 'error', '-y', '-i', input, '-ar', '16000', '-ac', '1', ...encoder, output];
}

/** Errors: files that do not sound alike. One may be louder than the other: FFmpeg adds channels up where it works with floats. */
async function checkSame(ours: string, theirs: string): Promise<void> {
  const [mine, others] = [await secondLevels(ours), await secondLevels(theirs)];
  if (Math.abs(mine.length - others.length) > 1) throw new Error(`${mine.length} s came, of ${others.length} s`);
  const quotients = ratios(mine, others).slice(0, MINUTES * 60 - 1);
  const usual = median(quotients);
  const second = quotients.findIndex((quotient) => !(Math.abs(quotient / usual - 1) < 0.1));
  if (second >= 0) throw new Error(`second ${second} does not sound alike`);
}

/** The root mean square of each second of a file. */
async function secondLevels(path: string): Promise<number[]> {
  const file = await openMediaFile(path);
  const sums: number[] = [];
  for await (const value of file.read({ audio: { sampleRate: 16_000, numberOfChannels: 1 }, video: false })) {
    const second = Math.floor(value.timestamp / 1_000_000);
    let sum = sums[second] ?? 0;
    for (const sample of value.data) sum += sample * sample;
    sums[second] = sum;
  }
  return sums.map((sum) => Math.sqrt(sum / 16_000));
}
