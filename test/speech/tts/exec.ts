import t from 'tap';
import { wavHeader } from '../../../src/media/wav-header.js';
import type { Synthesiser } from '../../../src/speech/synthesiser.js';
import { chosenTts, ttsChoice, ttsNeeds } from '../../../src/speech/tts/index.js';
import { testContext } from '../../nodes/node-lab.js';
import { requireSystem } from '../../support/require.js';
import { say, ttsSuite } from '../tts-suite.js';

function engine(options: object): Synthesiser {
  return chosenTts(ttsChoice.parse({ type: 'tts-exec', ...options }), testContext());
}

/** A program of Node.js. */
function script(code: string, more: object = {}): Synthesiser {
  return engine({ command: [process.execPath, '-e', code], ...more });
}

t.test('a program', async (t) => {
  if (requireSystem(t, 'espeak-ng') === undefined || requireSystem(t, 'pocketsphinx_continuous') === undefined) return;
  await ttsSuite(t, {
    create: () => engine({ voice: 'en-us' }),
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
      'a program that prints no sound': {
        create: () => script('console.log("Usage: say [options] text")'),
        code: 'SLUICE_SPEECH_FAILED',
        retryable: false,
      },
      'a program that prints nothing': {
        create: () => script(''),
        code: 'SLUICE_SPEECH_FAILED',
        retryable: true,
      },
      'a program that prints a file without sound': {
        create: () =>
          script(`process.stdout.write(Buffer.from('${Buffer.from(wavHeader(16_000, 1, 0)).toString('hex')}', 'hex'))`),
        code: 'SLUICE_SPEECH_FAILED',
        retryable: true,
      },
      'a program that is not there': {
        create: () => engine({ command: ['/nowhere/voice'] }),
        code: 'SLUICE_PROGRAM_MISSING',
        retryable: false,
      },
    },
  });
});

t.test('a text goes to a program as it is, by its standard input or among its arguments', async (t) => {
  const echo = (text: string): string => `process.stderr.write(JSON.stringify(${text})); process.exitCode = 1`;
  const text = '$& "quoted" \\ -f; $(rm)';
  const [byInput, byArgument] = [
    script(echo('fs.readFileSync(0, "utf8")')),
    engine({ command: [process.execPath, '-e', echo('process.argv[1]'), '--', '{text}'] }),
  ];
  for (const one of [byInput, byArgument]) {
    await t.rejects(say(one, text), { message: /: "\$& \\"quoted\\" \\\\ -f; \$\(rm\)"$/ });
  }
});

t.test('an engine among several is chosen by its type, and takes its own options only', (t) => {
  t.throws(() => ttsChoice.parse({ type: 'tts-exec', preset: 'piper' }), /piper needs the path of a model/);
  t.throws(() => ttsChoice.parse({ type: 'tts-exec', pauseMs: 5 }), /Unrecognized key/);
  t.throws(() => ttsChoice.parse({ type: 'stt-exec' }), /type/);
  t.end();
});

t.test('doctor is told of the program, and of the voice where that is a file', (t) => {
  const needs = (options: object): unknown => ttsNeeds(ttsChoice.parse({ type: 'tts-exec', ...options }), '/pipelines');
  t.match(needs({ voice: 'de' }), [{ kind: 'program', name: 'espeak-ng', mend: /apt install espeak-ng/ }]);
  t.match(needs({ preset: 'piper', voice: 'voices/kathleen.onnx' }), [
    { kind: 'program', name: 'piper', mend: /pip install piper-tts/ },
    { kind: 'file', path: '/pipelines/voices/kathleen.onnx', mend: /piper-voices/ },
  ]);
  t.same(needs({ command: ['says', '{text}'] }), [{ kind: 'program', name: 'says' }]);
  t.end();
});
