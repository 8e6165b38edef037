import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { graph, runGraph } from '../../src/index.js';
import type { Transcript } from '../../src/media/transcript.js';
import { requireSystem } from '../support/require.js';

const GRAMMAR = `#JSGF V1.0;
grammar home;
public <command> = turn on the light | open the door | what time is it | good night;
`;
const COMMANDS = ['turn on the light', 'what time is it', 'open the door'];

t.test('what one program says another understands, word for word and in its place', async (t) => {
  const [espeak, sphinx] = [requireSystem(t, 'espeak-ng'), requireSystem(t, 'pocketsphinx_continuous')];
  if (espeak === undefined || sphinx === undefined) return;
  const folder = t.testdir();
  await writeFile(join(folder, 'home.gram'), GRAMMAR);
  await writeFile(join(folder, 'commands.txt'), COMMANDS.join('\n'));
  const chain = graph({
    nodes: {
      lines: { type: 'text-lines', path: join(folder, 'commands.txt') },
      voice: {
        type: 'tts-exec',
        from: 'lines',
        command: [espeak, '-v', 'en-us', '-s', '140', '--stdin', '--stdout'],
        pauseMs: 1000,
      },
      speech: { type: 'vad', from: 'voice' },
      text: { type: 'stt-exec', preset: 'pocketsphinx', grammar: join(folder, 'home.gram'), from: ['voice', 'speech'] },
      file: { type: 'jsonl', from: 'text', path: join(folder, 'said.jsonl') },
      sound: { type: 'wav', from: 'voice', path: join(folder, 'said.wav') },
    },
  });
  const report = await (await runGraph(chain)).finished;
  t.same(report.dropped, {});
  const lines = (await readFile(join(folder, 'said.jsonl'), 'utf8')).trim().split('\n');
  const said = lines.map((line) => JSON.parse(line) as Transcript);
  t.same(
    said.map(({ text }) => text),
    COMMANDS,
  );
  t.ok(
    said.every(({ start, end }, i) => end > start && (i === 0 || start > said[i - 1]!.end)),
    'one after the other',
  );
});

t.test('programs that fail are counted, and the next text and utterance are tried', async (t) => {
  const folder = t.testdir();
  await writeFile(join(folder, 'lines.txt'), 'one\ntwo\n');
  const chain = graph({
    nodes: {
      lines: { type: 'text-lines', path: join(folder, 'lines.txt') },
      voice: { type: 'tts-exec', from: 'lines', command: [process.execPath, '-e', 'process.exit(1)'], pauseMs: 300 },
      text: { type: 'stt-exec', from: 'voice', command: ['/nowhere/recogniser'] },
      file: { type: 'jsonl', from: 'text', path: join(folder, 'said.jsonl') },
    },
  });
  const report = await (await runGraph(chain)).finished;
  t.equal(report.outcome, 'ended');
  t.same(report.dropped, { voice: { 'not said': 2 }, text: { 'not understood': 1 } });
  t.equal(await readFile(join(folder, 'said.jsonl'), 'utf8'), '');
});
