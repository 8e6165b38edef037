import type { Readable } from 'node:stream';
import { join } from 'node:path';
import t from 'tap';
import { fitPicture, gridLayout } from '../../src/media/picture-layout.js';
import { readPattern } from '../../src/media/pattern.js';
import type { VideoFrame } from '../../src/media/video-frame.js';
import { openFile, readAudio } from '../nodes/media-lab.js';
import { levelAt } from '../nodes/node-lab.js';
import { copyPipelines, startCli } from './process-lab.js';

const SIZE = { width: 320, height: 240 };
const CANVAS = { width: 1280, height: 720 };

/** Two who show pictures at different rates and speak at different pitches. */
const PARTICIPANTS = `
sessions:
  ann: { sessionId: demo, name: Ann }
  bob: { sessionId: demo, name: Bob }
nodes:
  slow: { type: test-pattern, width: ${SIZE.width}, height: ${SIZE.height}, fps: 10, durationMs: 10000 }
  low:  { type: tone, frequency: 500, channels: 2, durationMs: 10000 }
  one:  { type: publisher, session: ann, video: true, from: [slow, low] }
  fast: { type: test-pattern, width: ${SIZE.width}, height: ${SIZE.height}, fps: 15, durationMs: 10000 }
  high: { type: tone, frequency: 1250, channels: 2, durationMs: 10000 }
  two:  { type: publisher, session: bob, video: true, from: [fast, high] }
`;
const WATCHER = `
sessions: { room: { sessionId: demo, name: Watcher } }
nodes:
  seen: { type: subscriber, streams: All, once: true, encoded: true }
  file: { type: recorder, from: [seen.audio, seen.video], path: watched.webm }
`;

await t.test('compose.yaml shows and records everyone in one picture', { timeout: 200_000 }, async (t) => {
  const folder = t.testdir({ 'participants.yaml': PARTICIPANTS, 'watcher.yaml': WATCHER });
  copyPipelines(folder);
  const compose = startCli(t, ['run', 'pipelines/compose.yaml'], { cwd: folder });
  const address = await compose.wrote(/Open http:\/\/(127\.0\.0\.1:\d+)\/\?session=demo /);
  const env = { SLUICE_URL: `ws://${address}` };
  const watcher = startCli(t, ['run', 'watcher.yaml'], { cwd: folder, env });
  const participants = await startCli(t, ['run', 'participants.yaml'], { cwd: folder, env }).ended;
  t.equal(participants.code, 0, participants.stderr);
  compose.kill('SIGTERM');
  const composed = await compose.ended;
  t.equal(composed.code, 0, composed.stderr);
  await watcher.ended;

  for (const name of ['out/compose.webm', 'watched.webm']) {
    const path = join(folder, name);
    const pairs = await numberPairs(path);
    t.comment(`${name}: ${pairs.length} pictures with both, ${String(pairs[0])} to ${String(pairs.at(-1))}`);
    t.ok(pairs.length > 60, `${name}: ${pairs.length} pictures show both`);
    for (const who of [0, 1] as const) {
      const numbers = pairs.map((pair) => pair[who]);
      t.ok(
        numbers.every((number, i) => i === 0 || number >= (numbers[i - 1] ?? NaN)),
        'each goes on',
      );
    }
    const [first, last] = [pairs[0] ?? [NaN, NaN], pairs.at(-1) ?? [NaN, NaN]];
    const rates = [last[0] - first[0], last[1] - first[1]].sort((a, b) => a - b);
    t.ok(Math.abs((rates[1] ?? NaN) / (rates[0] ?? NaN) - 1.5) < 0.2, `at its own rate: ${rates.join(' and ')}`);
    const { samples } = await readAudio(path);
    const middle = samples.subarray(samples.length / 2 - 24_000, samples.length / 2 + 24_000);
    for (const frequency of [500, 1250]) {
      t.ok(levelAt(middle, 48_000, frequency) > -30, `${frequency} Hz: ${levelAt(middle, 48_000, frequency)} dBFS`);
    }
  }
});

/** The numbers in the two cells, of the pictures that show both; a recording may be smaller than the picture was. */
async function numberPairs(path: string): Promise<(readonly [number, number])[]> {
  const cells = gridLayout(2, CANVAS, 4).map((cell) => fitPicture(SIZE, cell, 'contain').target);
  const pairs: (readonly [number, number])[] = [];
  const video: Readable = (await openFile(path)).output('video');
  for await (const frame of video as AsyncIterable<VideoFrame>) {
    const factor = frame.width / CANVAS.width;
    const [left, right] = cells.map(({ x, y, width, height }) => {
      const [across, down] = [Math.round(width * factor), Math.round(height * factor)];
      const [fromLeft, fromTop] = [Math.round(x * factor), Math.round(y * factor)];
      const luma = new Uint8Array(across * down);
      for (let row = 0; row < down; row++) {
        const start = (fromTop + row) * frame.width + fromLeft;
        luma.set(frame.data.subarray(start, start + across), row * across);
      }
      return readPattern({ data: luma, width: across, height: down });
    });
    if (left !== undefined && right !== undefined) pairs.push([left, right]);
  }
  return pairs;
}
