import { createRequire } from 'node:module';
import t from 'tap';
import type { Synthesiser } from '../../../src/speech/synthesiser.js';
import { chosenTts, ttsChoice } from '../../../src/speech/tts/index.js';
import { sherpaTtsModel } from '../../../src/speech/tts/sherpa-model.js';
import { testContext } from '../../nodes/node-lab.js';
import { say, ttsSuite } from '../tts-suite.js';

/** Folder of an English voice: the real model is tested where there is one, and the package. */
const VOICE = process.env['SLUICE_SHERPA_VOICE'];

function engine(options: object): Synthesiser {
  return chosenTts(ttsChoice.parse({ type: 'tts-sherpa', ...options }), testContext());
}

function isInstalled(): boolean {
  try {
    createRequire(import.meta.url).resolve('sherpa-onnx-node');
    return true;
  } catch {
    return false;
  }
}

t.test('the files of a folder tell which model it is', (t) => {
  const shared = ['tokens.txt', 'espeak-ng-data', 'README.md'];
  const paths = { tokens: '/m/tokens.txt', dataDir: '/m/espeak-ng-data' };
  t.same(sherpaTtsModel('/m', ['en_US-joe.onnx', 'en_US-joe.onnx.json', ...shared]), {
    vits: { ...paths, model: '/m/en_US-joe.onnx' },
  });
  t.same(sherpaTtsModel('/m', ['model.int8.onnx', 'model.onnx', 'lexicon.txt', 'tokens.txt']), {
    vits: { tokens: paths.tokens, lexicon: '/m/lexicon.txt', model: '/m/model.onnx' },
  });
  t.same(sherpaTtsModel('/m', ['model.int8.onnx', 'voices.bin', 'lexicon-us-en.txt', 'lexicon-zh.txt', ...shared]), {
    kokoro: {
      ...paths,
      lexicon: '/m/lexicon-us-en.txt,/m/lexicon-zh.txt',
      model: '/m/model.int8.onnx',
      voices: '/m/voices.bin',
    },
  });
  t.same(sherpaTtsModel('/kitten', ['model.fp16.onnx', 'voices.bin', ...shared]), {
    kitten: {
      tokens: '/kitten/tokens.txt',
      dataDir: '/kitten/espeak-ng-data',
      model: '/kitten/model.fp16.onnx',
      voices: '/kitten/voices.bin',
    },
  });
  t.same(sherpaTtsModel('/m', ['model-steps-3.onnx', 'vocos-22khz-univ.onnx', ...shared]), {
    matcha: { ...paths, acousticModel: '/m/model-steps-3.onnx', vocoder: '/m/vocos-22khz-univ.onnx' },
  });
  for (const [names, missing] of [
    [['tokens.txt', 'espeak-ng-data'], /a model/],
    [['vocos.onnx', 'tokens.txt', 'espeak-ng-data'], /a model/],
    [['model.onnx', 'espeak-ng-data'], /tokens\.txt/],
    [['model.onnx', 'tokens.txt'], /espeak-ng-data or lexicon/],
  ] as const)
    t.throws(() => sherpaTtsModel('/m', names), { code: 'SLUICE_CONFIG_INVALID', message: missing });
  t.end();
});

if (!isInstalled()) {
  t.test('says what it lacks', async (t) => {
    await t.rejects(say(engine({ model: t.testdir() }), 'Hello there.'), {
      code: 'SLUICE_DRIVER_UNAVAILABLE',
      mend: /npm install sherpa-onnx-node/,
      retryable: false,
    });
  });
} else {
  t.test('a folder that is not there, or holds no voice, is told of', async (t) => {
    await t.rejects(say(engine({ model: '/nowhere' }), 'Hello there.'), { code: 'SLUICE_FILE_NOT_FOUND' });
    await t.rejects(say(engine({ model: t.testdir() }), 'Hello there.'), { code: 'SLUICE_CONFIG_INVALID' });
  });
}

if (!isInstalled() || VOICE === undefined) {
  t.pass('a voice', { skip: 'SLUICE_SHERPA_VOICE=folder' });
} else {
  t.test('a voice', (t) =>
    ttsSuite(t, {
      create: () => engine({ model: VOICE }),
      // Nothing comes before the model has been loaded.
      hanging: () => engine({ model: VOICE }),
      failing: {
        'a model that takes too long': {
          create: () => engine({ model: VOICE, timeoutMs: 100 }),
          code: 'SLUICE_SPEECH_FAILED',
          retryable: true,
        },
        'a model without the voice': {
          create: () => engine({ model: VOICE, speaker: 5000 }),
          code: 'SLUICE_CONFIG_INVALID',
          retryable: false,
        },
      },
    }),
  );
}
