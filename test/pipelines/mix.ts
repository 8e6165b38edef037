import { join } from 'node:path';
import t from 'tap';
import { readAudio } from '../nodes/media-lab.js';
import { levelAt } from '../nodes/node-lab.js';
import { copyPipelines, startCli } from './process-lab.js';

/** Three who speak at different pitches, one after the other and together. */
const PARTICIPANTS = `
sessions:
  ann: { sessionId: demo, name: Ann }
  bob: { sessionId: demo, name: Bob }
  eve: { sessionId: demo, name: Eve }
nodes:
  low:  { type: tone, frequency: 500, channels: 2, durationMs: 8000 }
  one:  { type: publisher, session: ann, from: low }
  mid:  { type: tone, frequency: 1250, channels: 2, durationMs: 8000 }
  two:  { type: publisher, session: bob, from: mid }
  high: { type: tone, frequency: 2000, channels: 2, durationMs: 8000 }
  all:  { type: publisher, session: eve, from: high }
`;
const LISTENER = `
sessions: { room: { sessionId: demo-listeners, name: Listener } }
nodes:
  heard: { type: subscriber, streams: Everyone, media: audio, once: true, encoded: true }
  file: { type: recorder, from: heard.audio, path: heard.ogg }
`;

await t.test(
  'mix.yaml mixes everyone into a file, and a stream of another session',
  { timeout: 200_000 },
  async (t) => {
    const folder = t.testdir({ 'participants.yaml': PARTICIPANTS, 'listener.yaml': LISTENER });
    copyPipelines(folder);
    const mix = startCli(t, ['run', 'pipelines/mix.yaml'], { cwd: folder });
    const address = await mix.wrote(/Open http:\/\/(127\.0\.0\.1:\d+)\//);
    const env = { SLUICE_URL: `ws://${address}` };
    const listener = startCli(t, ['run', 'listener.yaml'], { cwd: folder, env });
    const participants = await startCli(t, ['run', 'participants.yaml'], { cwd: folder, env }).ended;
    t.equal(participants.code, 0, participants.stderr);
    mix.kill('SIGTERM');
    const mixed = await mix.ended;
    t.equal(mixed.code, 0, mixed.stderr);
    const { code, stderr } = await listener.ended;
    t.ok(code === 0 || /SLUICE_SESSION_LOST/.test(stderr), stderr);

    for (const name of ['out/mix.ogg', 'heard.ogg']) {
      const { samples } = await readAudio(join(folder, name));
      t.ok(samples.length > 5 * 48_000, `${name}: ${samples.length / 48_000} s`);
      const levels = [500, 1250, 2000].map((frequency) => loudest(samples, frequency));
      t.comment(name, levels);
      t.ok(
        levels.every((level) => Math.abs(level + 12) < 2),
        `each as loud as it was given: ${levels.join()} dBFS`,
      );
      t.ok(loudest(samples, 900) < -40, 'and nothing else');
      t.ok(together(samples) > 4, `all together for ${together(samples)} s`);
    }
  },
);

/** Level of a tone in the tenth of a second in which it is loudest, in dBFS. */
function loudest(samples: Int16Array, frequency: number): number {
  return Math.max(...tenths(samples).map((part) => levelAt(part, 48_000, frequency)));
}

/** For how many seconds all three are heard. */
function together(samples: Int16Array): number {
  const isHeard = (part: Int16Array): boolean =>
    [500, 1250, 2000].every((frequency) => levelAt(part, 48_000, frequency) > -16);
  return tenths(samples).filter(isHeard).length / 10;
}

function tenths(samples: Int16Array): Int16Array[] {
  return Array.from({ length: Math.floor(samples.length / 4800) }, (_, i) =>
    samples.subarray(i * 4800, (i + 1) * 4800),
  );
}
