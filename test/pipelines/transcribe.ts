import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Transcript } from '../../src/media/transcript.js';
import { wordsOf } from '../../src/speech/words.js';
import { COMMANDS, commandGrammar } from '../speech/spoken.js';
import { wordErrorRate } from '../speech/word-errors.js';
import { requireSystem } from '../support/require.js';
import { copyPipelines, startCli } from './process-lab.js';

/** Two who speak over each other, in voices of their own. */
const PARTICIPANTS = `
sessions:
  ann: { sessionId: demo, name: Ann }
  bob: { sessionId: demo, name: Bob }
nodes:
  a-lines: { type: text-lines, path: ann.txt }
  a-voice: { type: tts-exec, from: a-lines, command: [espeak-ng, -v, en-us, -s, '140', --stdin, --stdout], pauseMs: 1500 }
  a:       { type: publisher, session: ann, from: a-voice.out }
  b-lines: { type: text-lines, path: bob.txt }
  b-voice: { type: tts-exec, from: b-lines, command: [espeak-ng, -v, en-us, -s, '130', --stdin, --stdout], pauseMs: 1200 }
  b:       { type: publisher, session: bob, from: b-voice.out }
`;

await t.test(
  'transcribe.yaml writes down what each of two says who speak over each other, every command right',
  { timeout: 200_000 },
  async (t) => {
    if (!requireSystem(t, 'espeak-ng') || !requireSystem(t, 'pocketsphinx_continuous')) return;
    const said = { Ann: [...COMMANDS], Bob: [...COMMANDS].reverse() };
    const folder = t.testdir({
      'participants.yaml': PARTICIPANTS,
      'ann.txt': said.Ann.join('\n'),
      'bob.txt': said.Bob.join('\n'),
    });
    copyPipelines(folder);
    const GRAMMAR = await commandGrammar(folder);
    const scribe = startCli(t, ['run', 'pipelines/transcribe.yaml'], { cwd: folder, env: { GRAMMAR } });
    const address = await scribe.wrote(/Open http:\/\/(127\.0\.0\.1:\d+)\//);
    const env = { SLUICE_URL: `ws://${address}` };
    const participants = await startCli(t, ['run', 'participants.yaml'], { cwd: folder, env }).ended;
    t.equal(participants.code, 0, participants.stderr);
    scribe.kill('SIGTERM');
    const { code, stderr } = await scribe.ended;
    t.equal(code, 0, stderr);

    const heard = {
      Ann: transcripts(join(folder, 'out/Ann.jsonl')),
      Bob: transcripts(join(folder, 'out/Bob.jsonl')),
    };
    for (const name of ['Ann', 'Bob'] as const) {
      const texts = heard[name].map(({ text }) => text);
      const rate = wordErrorRate(said[name].flatMap(wordsOf), texts.flatMap(wordsOf));
      t.comment(`${name}: word error rate ${(100 * rate).toFixed(1)} %`);
      t.same(texts, said[name], name);
      t.ok(heard[name].every(({ participant }) => participant === name));
    }
    const together = heard.Ann.filter((one) => heard.Bob.some((other) => overlap(one, other) > 0.2)).length;
    t.ok(together > 0, `${together} of ${COMMANDS.length} over words of the other`);
    t.match(
      readFileSync(join(folder, 'out/Bob.vtt'), 'utf8'),
      /^WEBVTT\n\n00:00:.* --> 00:00:.*\n<v Bob>/,
      'from when Bob came',
    );
    t.match(readFileSync(join(folder, 'out/Bob.vtt'), 'utf8'), /<v Bob>turn on the light/);
  },
);

function transcripts(path: string): Transcript[] {
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Transcript);
}

/** For how long two spoke at the same time, in seconds on the clock of the graph. */
function overlap(one: Transcript, other: Transcript): number {
  const [a, b] = [spanOf(one), spanOf(other)];
  return (Math.min(a.endUs, b.endUs) - Math.max(a.startUs, b.startUs)) / 1_000_000;
}

function spanOf({ start, end, passed = [] }: Transcript): { startUs: number; endUs: number } {
  const endUs = passed.find(({ stage }) => stage === 'heard')?.atUs ?? NaN;
  return { startUs: endUs - (end - start), endUs };
}
