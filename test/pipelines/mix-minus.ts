import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readAudio } from '../nodes/media-lab.js';
import { levelAt } from '../nodes/node-lab.js';
import { startCli } from './process-lab.js';

const PITCHES = { Ann: 500, Bob: 1250, Eve: 2000 } as const;

const PARTICIPANTS = `
sessions:
  ann: { sessionId: demo, name: Ann }
  bob: { sessionId: demo, name: Bob }
  eve: { sessionId: demo, name: Eve }
nodes:
  low:  { type: tone, frequency: ${PITCHES.Ann}, channels: 2, durationMs: 8000 }
  one:  { type: publisher, session: ann, from: low }
  mid:  { type: tone, frequency: ${PITCHES.Bob}, channels: 2, durationMs: 8000 }
  two:  { type: publisher, session: bob, from: mid }
  high: { type: tone, frequency: ${PITCHES.Eve}, channels: 2, durationMs: 8000 }
  all:  { type: publisher, session: eve, from: high }
`;
const CONFERENCE = `
sessions:
  room: { sessionId: demo, name: Mixer }
  back: { sessionId: demo-back, name: Mixer }
nodes:
  voices: { type: subscriber, session: room, media: audio, streams: each }
  mix: { type: mixer, from: voices }
  for-each: { type: publisher, session: back, name: '{name}', from: mix.others }
`;
const LISTENER = `
sessions: { back: { sessionId: demo-back, name: Listener } }
nodes:
  heard: { type: subscriber, streams: each, media: audio, encoded: true }
  files: { type: recorder, from: heard.audio, path: 'heard/{name}.ogg' }
`;

await t.test('through sessions each hears all others, and nobody themselves', { timeout: 200_000 }, async (t) => {
  const folder = t.testdir({
    'participants.yaml': PARTICIPANTS,
    'conference.yaml': CONFERENCE,
    'listener.yaml': LISTENER,
  });
  const conference = startCli(t, ['run', 'conference.yaml'], { cwd: folder });
  const address = await conference.wrote(/Open http:\/\/(127\.0\.0\.1:\d+)\//);
  const env = { SLUICE_URL: `ws://${address}` };
  const listener = startCli(t, ['run', 'listener.yaml'], { cwd: folder, env });
  const participants = await startCli(t, ['run', 'participants.yaml'], { cwd: folder, env }).ended;
  t.equal(participants.code, 0, participants.stderr);
  listener.kill('SIGTERM');
  const { code, stderr } = await listener.ended;
  t.equal(code, 0, stderr);
  conference.kill('SIGTERM');
  const mixed = await conference.ended;
  t.equal(mixed.code, 0, mixed.stderr);

  t.same(readdirSync(join(folder, 'heard')).sort(), ['Ann.ogg', 'Bob.ogg', 'Eve.ogg']);
  for (const name of ['Ann', 'Bob', 'Eve'] as const) {
    const { samples } = await readAudio(join(folder, 'heard', `${name}.ogg`));
    const { [name]: own, ...others } = PITCHES;
    const loudest = (frequency: number): number =>
      Math.max(...tenths(samples).map((part) => levelAt(part, 48_000, frequency)));
    const levels = Object.values<number>(others).map(loudest);
    t.ok(
      levels.every((level) => Math.abs(level + 12) < 2),
      `${name} hears the others at ${levels.map((level) => level.toFixed(1)).join(' and ')} dBFS`,
    );
    t.ok(loudest(own) < -40, `and themselves at ${loudest(own).toFixed(1)} dBFS`);
  }
});

function tenths(samples: Int16Array): Int16Array[] {
  return Array.from({ length: Math.floor(samples.length / 4800) }, (_, i) =>
    samples.subarray(i * 4800, (i + 1) * 4800),
  );
}
