import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { LanguageModel, Message } from '../../../src/speech/language-model.js';
import { chosenLlm, llmChoice, llmNeeds } from '../../../src/speech/llm/index.js';
import { testContext } from '../../nodes/node-lab.js';
import { SUITE_RULES, ask, llmSuite } from '../llm-suite.js';

const PROGRAM = fileURLToPath(new URL('../programs/answer.js', import.meta.url));

function engine(options: object): LanguageModel {
  return chosenLlm(llmChoice.parse({ type: 'llm-exec', ...options }), testContext());
}

/** The program of the suite. */
function program(manner = 'well', more: object = {}): LanguageModel {
  return engine({ command: [process.execPath, PROGRAM, JSON.stringify(SUITE_RULES), manner], ...more });
}

/** A program of Node.js, with what it is to know as its arguments. */
function script(code: string, more: object = {}, ...args: readonly string[]): LanguageModel {
  return engine({ command: [process.execPath, '-e', code, ...args], ...more });
}

const SLEEP = 'setInterval(() => undefined, 1000)';

t.test('a program', async (t) => {
  await llmSuite(t, {
    create: () => program(),
    hanging: () => script(SLEEP),
    failing: {
      'a program that hangs': {
        create: () => script(SLEEP, { timeoutMs: 200 }),
        code: 'SLUICE_SPEECH_FAILED',
        retryable: true,
      },
      'one that stops in the middle': {
        create: () => program('stuck', { timeoutMs: 2000 }),
        code: 'SLUICE_SPEECH_FAILED',
        retryable: true,
      },
      'one that fails in the middle': {
        create: () => program('failing'),
        code: 'SLUICE_SPEECH_FAILED',
        retryable: undefined,
      },
      'one that dies in the middle': {
        create: () => program('dying'),
        code: 'SLUICE_SPEECH_FAILED',
        retryable: undefined,
      },
      'one that prints without end': {
        create: () => script('setInterval(() => console.log("la ".repeat(100_000)), 1)'),
        code: 'SLUICE_SPEECH_FAILED',
        retryable: false,
      },
      'one that is not there': {
        create: () => engine({ command: ['/nowhere/mind'] }),
        code: 'SLUICE_PROGRAM_MISSING',
        retryable: false,
      },
    },
  });
});

t.test('is heard while it still writes, word by word, without the white space around its answer', async (t) => {
  const go = join(t.testdir(), 'go');
  // It writes the rest only when its first words have come.
  const waiting = script(
    `process.stdout.write("\\n  One two");
     const timer = setInterval(() => fs.existsSync(process.argv[1]) && (clearInterval(timer), console.log(",\\n three. \\n")), 5)`,
    {},
    go,
  );
  const pieces: string[] = [];
  const { answer } = await ask(waiting, 'go', new AbortController().signal, (piece) => {
    pieces.push(piece);
    if (pieces.length === 2) void writeFile(go, '');
  });
  t.same(pieces, ['One', ' two', ',', '\n three.']);
  t.equal(answer.text, 'One two,\n three.');
});

t.test('letters that come in parts are put together', async (t) => {
  const split = script(`const bytes = Buffer.from("größer");
    process.stdout.write(bytes.subarray(0, 3)); setTimeout(() => process.stdout.write(bytes.subarray(3)), 50)`);
  t.equal((await ask(split, 'go')).answer.text, 'größer');
});

t.test('is given the conversation as JSON, or as a text to read', async (t) => {
  const told = 'process.stdout.write(JSON.stringify(fs.readFileSync(0, "utf8")))';
  const given = async (said: string | readonly Message[], more: object = {}): Promise<string> =>
    JSON.parse((await ask(script(told, { instructions: 'Be brief.', ...more }), said)).answer.text) as string;
  const conversation: readonly Message[] = [
    { role: 'user', text: 'Hello', name: 'Ann' },
    { role: 'assistant', text: 'Good\nmorning.' },
    { role: 'user', text: '$& "quoted"', name: 'Bob' },
  ];
  t.same(JSON.parse(await given(conversation)), {
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Ann: Hello' },
      { role: 'assistant', content: 'Good\nmorning.' },
      { role: 'user', content: 'Bob: $& "quoted"' },
    ],
  });
  t.equal(
    await given(conversation, { input: 'text' }),
    'Be brief.\n\nAnn: Hello\n\nAssistant: Good\nmorning.\n\nBob: $& "quoted"\n',
  );
  t.equal(await given('Hello', { input: 'text' }), 'Be brief.\n\nHello\n', 'what is all is told by itself');
  t.equal(await given('Hello', { input: 'text', instructions: '' }), 'Hello\n');
});

t.test('a long answer is not cut off as long as it goes on', async (t) => {
  const slow = script(
    'let n = 0; const timer = setInterval(() => { process.stdout.write(` ${++n}`); if (n === 60) clearInterval(timer) }, 50)',
    { timeoutMs: 2500 },
  );
  t.equal((await ask(slow, 'count')).answer.text, Array.from({ length: 60 }, (_, i) => i + 1).join(' '));
});

t.test('doctor is told of the program', (t) => {
  t.same(llmNeeds(llmChoice.parse({ type: 'llm-exec', command: ['ollama', 'run', 'llama3.2'] }), '/pipelines'), [
    { kind: 'program', name: 'ollama' },
  ]);
  t.throws(() => llmChoice.parse({ type: 'llm-exec' }), /command/);
  t.throws(() => llmChoice.parse({ type: 'llm-exec', command: [] }), /command/);
  t.end();
});
