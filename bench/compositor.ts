import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drawPattern } from '../src/media/pattern.js';
import { gridLayout } from '../src/media/picture-layout.js';
import { findProgram } from '../test/support/require.js';
import { Child, withChildren } from './child.js';
import type { CompositorCalls } from './compositor-run.js';
import { programCpuS } from './program-cpu.js';
import { atMost, type Benchmark, type Report } from './report.js';
import { median, ratios, spread } from './statistics.js';

const ROUNDS = 5;
const INPUTS = 9;
const SIZE = { width: 1280, height: 720 } as const;
const FPS = 25;
/** Of a run, and of one that tells what starting costs. */
const PICTURES = 250;
const FEW = 10;
const CELLS = gridLayout(INPUTS, SIZE, 0);

/** Nine pictures in one, as by ffmpeg and GStreamer. */
export const compositor: Benchmark = {
  title: `${INPUTS} pictures of ${SIZE.width}x${SIZE.height} in one`,
  notes: 'compositor',
  run: compare,
};

async function compare(): Promise<Report> {
  const ffmpeg = findProgram('ffmpeg');
  if (ffmpeg === undefined) throw new Error('ffmpeg is needed for this benchmark');
  const launch = findProgram('gst-launch-1.0');
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  try {
    const raw = join(folder, 'picture.yuv');
    await writeFile(raw, drawPattern(1, SIZE.width, SIZE.height));
    const [ours, theirs, others]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(await measureOurs());
      theirs.push(await perPictureMs((pictures) => [ffmpeg, ...ffmpegArguments(raw, pictures)]));
      if (launch !== undefined) others.push(await perPictureMs((pictures) => [launch, ...gstArguments(raw, pictures)]));
    }
    return reportOf(ours, theirs, others);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function reportOf(ours: readonly number[], theirs: readonly number[], others: readonly number[]): Report {
  const quotients = ratios(ours, theirs);
  const cell = CELLS[0] ?? SIZE;
  return {
    conditions: [
      `${INPUTS} inputs of ${SIZE.width}x${SIZE.height}, YUV420P, each scaled to a cell of ${cell.width}x${cell.height} (ffmpeg: bilinear; sluice: by area) of a picture of ${SIZE.width}x${SIZE.height}; every input is new in every picture. As fast as can be, ${PICTURES} pictures, ${ROUNDS} rounds, all of them in each.`,
      'CPU in ms a picture, with all threads. Sluice: a pipeline of `input` nodes, `compositor` and `output`, the second run of its process, and the cells of its last picture are read. The others: that of the program less that of a run of 10 pictures; a loop filter, or imagefreeze, gives one picture again and again, without a copy.',
      ...(others.length === 0 ? ['GStreamer (gst-launch-1.0) is not installed here, and left out.'] : []),
    ],
    head: ['', 'CPU, ms a picture', 'of ffmpeg'],
    rows: [
      ['sluice', spread(ours, 2), spread(quotients, 2)],
      ['ffmpeg, scale and xstack', spread(theirs, 2), '1'],
      ['GStreamer, compositor', spread(others, 2), spread(ratios(others, theirs), 2)],
    ],
    goals: [atMost('a picture', median(quotients), 1.1, 'x')],
    limits: ['Decoding the inputs and encoding the picture take longer than this, in all three.'],
  };
}

async function measureOurs(): Promise<number> {
  return await withChildren(async (add) => {
    const child = add(new Child<CompositorCalls>('compositor-run'));
    const ns = await child.call('run', { inputs: INPUTS, ...SIZE, fps: FPS, pictures: PICTURES });
    return ns / PICTURES / 1e6;
  });
}

async function perPictureMs(commandOf: (pictures: number) => readonly string[]): Promise<number> {
  const all = await programCpuS(commandOf(PICTURES));
  const few = await programCpuS(commandOf(FEW));
  return ((all - few) * 1000) / (PICTURES - FEW);
}

function ffmpegArguments(raw: string, pictures: number): string[] {
  const input = [
    '-f',
    'rawvideo',
    '-pix_fmt',
    'yuv420p',
    '-s',
    `${SIZE.width}x${SIZE.height}`,
    '-r',
    String(FPS),
    '-i',
    raw,
  ];
  const scaled = CELLS.map(
    ({ width, height }, i) => `[${i}]loop=${pictures}:1:0,scale=${width}:${height}:flags=bilinear[c${i}]`,
  );
  const stacked = CELLS.map((_, i) => `[c${i}]`).join('');
  const layout = CELLS.map(({ x, y }) => `${x}_${y}`).join('|');
  const pad = `pad=${SIZE.width}:${SIZE.height}`;
  const graph = `${scaled.join(';')};${stacked}xstack=inputs=${INPUTS}:layout=${layout},${pad}`;
  const output = ['-frames:v', String(pictures), '-f', 'null', '-'];
  return ['-v', 'error', ...CELLS.flatMap(() => input), '-filter_complex', graph, ...output];
}

function gstArguments(raw: string, pictures: number): string[] {
  const pads = CELLS.map(
    ({ x, y, width, height }, i) =>
      `sink_${i}::xpos=${x} sink_${i}::ypos=${y} sink_${i}::width=${width} sink_${i}::height=${height}`,
  );
  const whole = `video/x-raw,format=I420,width=${SIZE.width},height=${SIZE.height},framerate=${FPS}/1`;
  const parsed = `rawvideoparse format=i420 width=${SIZE.width} height=${SIZE.height} framerate=${FPS}/1`;
  const sources = CELLS.map(
    (_, i) => `filesrc location=${raw} ! ${parsed} ! imagefreeze num-buffers=${pictures} ! c.sink_${i}`,
  );
  const line = `compositor name=c ${pads.join(' ')} ! ${whole} ! fakesink sync=false ${sources.join(' ')}`;
  return ['-q', ...line.split(' ')];
}
