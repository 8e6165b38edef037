import { access } from 'node:fs/promises';
import t from 'tap';
import type { Recogniser } from '../../../src/speech/recogniser.js';
import { execStt } from '../../../src/speech/stt/exec.js';
import { testContext } from '../../nodes/node-lab.js';
import { requireSystem } from '../../support/require.js';
import { commandGrammar, utterance } from '../spoken.js';
import { sttSuite } from '../stt-suite.js';

function engine(options: object): Recogniser {
  return execStt.create(execStt.options.parse(options), testContext());
}

/** A program of Node.js. */
function script(code: string, more: object = {}): Recogniser {
  return engine({ command: [process.execPath, '-e', code], ...more });
}

t.test('a program', async (t) => {
  if (requireSystem(t, 'espeak-ng') === undefined || requireSystem(t, 'pocketsphinx_continuous') === undefined) return;
  const grammar = await commandGrammar(t.testdir());
  await sttSuite(t, {
    create: () => engine({ preset: 'pocketsphinx', grammar }),
    hanging: () => script('setInterval(() => undefined, 1000)'),
    failing: {
      'a program that hangs': {
        create: () => script('setInterval(() => undefined, 1000)', { timeoutMs: 300 }),
        code: 'SLUICE_SPEECH_FAILED',
        retryable: true,
      },
      'a program that fails': {
        create: () => script('process.exit(3)'),
        code: 'SLUICE_SPEECH_FAILED',
        retryable: undefined,
      },
      'a program that prints without end': {
        create: () => script('setInterval(() => console.log("la ".repeat(100_000)), 1)'),
        code: 'SLUICE_SPEECH_FAILED',
        retryable: false,
      },
      'a program that is not there': {
        create: () => engine({ command: ['/nowhere/recogniser'] }),
        code: 'SLUICE_PROGRAM_MISSING',
        retryable: false,
      },
    },
  });
});

t.test('a program gets a WAV file, by its standard input or by its path, which is gone afterwards', async (t) => {
  const told = 'console.log(wav.toString("latin1", 0, 4), wav.readUInt32LE(24), wav.readInt16LE(44 + 2 * 3))';
  const said = utterance(Int16Array.of(1, 2, 3, -4, 5));
  const [byInput, byPath] = [
    script(`const wav = fs.readFileSync(0); ${told}`),
    engine({
      command: [
        process.execPath,
        '-e',
        `const wav = fs.readFileSync(process.argv[1]); ${told}; console.log(process.argv[1])`,
        '{wav}',
      ],
    }),
  ];
  const { signal } = new AbortController();
  t.equal((await byInput.recognise(said, signal)).text, 'RIFF 16000 -4');
  const [heard, path] = /^(.+) (\S+)$/.exec((await byPath.recognise(said, signal)).text)!.slice(1);
  t.equal(heard, 'RIFF 16000 -4');
  await t.rejects(access(path!), { code: 'ENOENT' });
});

t.test('doctor is told of the program and the grammar', (t) => {
  const needs = execStt.needs!(execStt.options.parse({ preset: 'pocketsphinx', grammar: 'home.gram' }), '/pipelines');
  t.match(needs, [
    { kind: 'program', name: 'pocketsphinx_continuous', mend: /apt install pocketsphinx pocketsphinx-en-us/ },
    { kind: 'file', path: '/pipelines/home.gram' },
  ]);
  const own = execStt.needs!(execStt.options.parse({ command: ['hears'] }), '/pipelines');
  t.same(own, [{ kind: 'program', name: 'hears' }]);
  t.end();
});
