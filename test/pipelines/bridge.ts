import { statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { EncodedVideoChunk } from '../../src/media/encoded-chunk.js';
import { collect, levelAt } from '../nodes/node-lab.js';
import { openFile, readAudio } from '../nodes/media-lab.js';
import { copyPipelines, startCli } from './process-lab.js';
import { findPictures } from './recording.js';

/** One in each session: Ann with a key frame at the start and then only where somebody asks, Bob without a picture. */
const PARTICIPANTS = `
sessions:
  ann: { sessionId: demo, name: Ann }
  bob: { sessionId: demo-2, name: Bob }
nodes:
  pattern: { type: test-pattern, width: 320, height: 240, fps: 15 }
  vp8:  { type: video-encoder, from: pattern, keyFrameIntervalMs: 600000, bitrate: 400000 }
  low:  { type: tone, frequency: 500, channels: 2 }
  one:  { type: publisher, session: ann, video: true, from: [low, vp8] }
  high: { type: tone, frequency: 1250, channels: 2 }
  two:  { type: publisher, session: bob, from: high }
`;
const BEFORE = `
sessions: { here: { sessionId: demo, name: Watcher } }
nodes:
  origin: { type: subscriber, streams: Ann, encoded: true }
  file:   { type: recorder, from: [origin.audio, origin.video], path: before.webm }
`;
const AFTER = `
sessions:
  here:  { sessionId: demo, name: Watcher }
  there: { sessionId: demo-2, name: Watcher }
nodes:
  bridged: { type: subscriber, session: there, streams: Ann, encoded: true }
  file:    { type: recorder, from: [bridged.audio, bridged.video], path: after.webm }
  back:    { type: subscriber, session: here, streams: Bob, media: audio, encoded: true }
  bob:     { type: recorder, from: back.audio, path: bob.ogg }
`;

await t.test('bridge.yaml carries everyone into the other session, as they are', { timeout: 200_000 }, async (t) => {
  const folder = t.testdir({ 'participants.yaml': PARTICIPANTS, 'before.yaml': BEFORE, 'after.yaml': AFTER });
  copyPipelines(folder);
  const plan = await startCli(t, ['plan', 'pipelines/bridge.yaml', '--json'], { cwd: folder }).ended;
  t.notMatch(plan.stdout, /"type": ?"(opus|video)-(en|de)coder"/, 'nothing is decoded or encoded');

  const bridge = startCli(t, ['run', 'pipelines/bridge.yaml'], { cwd: folder });
  const address = await bridge.wrote(/Open http:\/\/(127\.0\.0\.1:\d+)\//);
  const env = { SLUICE_URL: `ws://${address}` };
  const participants = startCli(t, ['run', 'participants.yaml'], { cwd: folder, env });
  const before = startCli(t, ['run', 'before.yaml'], { cwd: folder, env });
  const processes = [before, participants, bridge];
  const written = async (files: Readonly<Record<string, number>>): Promise<void> => {
    const over = Promise.race(processes.map(({ ended }) => ended)).then(({ stderr }) =>
      Promise.reject(new Error(stderr)),
    );
    over.catch(() => undefined);
    const isWritten = ([name, least]: readonly [string, number]): boolean =>
      (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0) >= least;
    while (!Object.entries(files).every(isWritten))
      await Promise.race([over, new Promise((resolve) => setTimeout(resolve, 200))]);
  };
  await written({ 'before.webm': 60_000 });
  // Who comes late has to ask for a key frame, across the bridge.
  processes.unshift(startCli(t, ['run', 'after.yaml'], { cwd: folder, env }));
  await written({ 'after.webm': 150_000, 'bob.ogg': 15_000 });
  for (const process of processes) {
    process.kill('SIGTERM');
    const { code, stderr } = await process.ended;
    t.equal(code, 0, stderr);
  }

  const numbers = (await findPictures(join(folder, 'after.webm'))).map(({ number }) => number ?? NaN);
  t.ok(numbers.length > 30 && (numbers[0] ?? 0) > 5, `${numbers.length} pictures, from number ${numbers[0]} on`);
  t.ok(
    numbers.every((number, i) => i === 0 || number > (numbers[i - 1] ?? NaN)),
    'each shows its number, from the first on: a key frame was asked for',
  );
  const [sent, came] = await Promise.all(['before.webm', 'after.webm'].map((name) => chunksOf(join(folder, name))));
  const found = (came ?? []).filter((chunk) => sent?.includes(chunk) === true).length;
  t.comment(`${found} of ${came?.length} encoded pictures are those of the other session`);
  t.ok(found > 20, 'bit by bit as they were sent');
  for (const [name, frequency] of [
    ['after.webm', 500],
    ['bob.ogg', 1250],
  ] as const) {
    const { samples } = await readAudio(join(folder, name));
    const end = samples.subarray(-2 * 48_000, -48_000);
    t.ok(Math.abs(levelAt(end, 48_000, frequency) + 12) < 2, `${name}: ${levelAt(end, 48_000, frequency)} dBFS`);
  }
});

/** The encoded pictures of a file, as text. */
async function chunksOf(path: string): Promise<string[]> {
  const chunks = await collect<EncodedVideoChunk>((await openFile(path, { encoded: true })).output('video'));
  return chunks.map(({ data }) => Buffer.from(data).toString('base64'));
}
