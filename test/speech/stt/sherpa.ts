import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import type { Recogniser } from '../../../src/speech/recogniser.js';
import { ModelFolder } from '../../../src/speech/stt/sherpa/model-folder.js';
import { offlineModel } from '../../../src/speech/stt/sherpa/offline-model.js';
import { streamingModel } from '../../../src/speech/stt/sherpa/streaming-model.js';
import { sherpaStt } from '../../../src/speech/stt/sherpa.js';
import { testContext } from '../../nodes/node-lab.js';
import { hasSherpa } from './sherpa-installed.js';
import { SPOKEN_RATE, spoken, utterance } from '../spoken.js';

/** Folder of an English model: the real thing is tested where there is one, and the package. */
const MODEL = process.env['SLUICE_SHERPA_EARS'];

const never = new AbortController().signal;
const second = utterance(new Int16Array(SPOKEN_RATE));

function engine(options: object): Recogniser {
  const recogniser = sherpaStt.create(sherpaStt.options.parse(options), testContext());
  if (!('recognise' in recogniser)) throw new Error('it is a streaming model');
  return recogniser;
}

function model(path: string, names: readonly string[], options?: Parameters<typeof offlineModel>[1]): object {
  return offlineModel(new ModelFolder(path, names), options);
}

t.test('the files of a folder, and its name where they are alike, tell which model it is', (t) => {
  const tokens = '/m/tokens.txt';
  const whisper = ['tiny.en-encoder.int8.onnx', 'tiny.en-encoder.onnx', 'tiny.en-decoder.int8.onnx'];
  t.same(model('/m', [...whisper, 'tiny.en-tokens.txt'], { language: 'en' }), {
    whisper: { encoder: '/m/tiny.en-encoder.onnx', decoder: '/m/tiny.en-decoder.int8.onnx', language: 'en' },
    tokens: '/m/tiny.en-tokens.txt',
  });
  const moonshine = ['preprocess.onnx', 'encode.int8.onnx', 'uncached_decode.int8.onnx', 'cached_decode.int8.onnx'];
  t.same(model('/m', [...moonshine, 'tokens.txt']), {
    moonshine: {
      preprocessor: '/m/preprocess.onnx',
      encoder: '/m/encode.int8.onnx',
      uncachedDecoder: '/m/uncached_decode.int8.onnx',
      cachedDecoder: '/m/cached_decode.int8.onnx',
    },
    tokens,
  });
  const transducer = ['encoder-epoch-99-avg-1.onnx', 'decoder-epoch-99-avg-1.onnx', 'joiner-epoch-99-avg-1.onnx'];
  t.same(model('/m', [...transducer, 'tokens.txt', 'bpe.model']), {
    transducer: {
      encoder: '/m/encoder-epoch-99-avg-1.onnx',
      decoder: '/m/decoder-epoch-99-avg-1.onnx',
      joiner: '/m/joiner-epoch-99-avg-1.onnx',
    },
    tokens,
  });
  const parakeet = ['encoder.int8.onnx', 'decoder.int8.onnx', 'joiner.int8.onnx', 'tokens.txt'];
  t.match(model('/sherpa-onnx-nemo-parakeet-tdt-0.6b-v2-int8', parakeet), { modelType: 'nemo_transducer' });
  const single = ['model.int8.onnx', 'model.onnx', 'tokens.txt'];
  for (const [folder, kind] of [
    ['/m/sherpa-onnx-sense-voice-zh-en-ja-ko-yue-2024-07-17', 'senseVoice'],
    ['/m/sherpa-onnx-paraformer-zh-2023-09-14', 'paraformer'],
    ['/m/sherpa-onnx-nemo-ctc-en-conformer-small', 'nemoCtc'],
    ['/m/sherpa-onnx-zipformer-ctc-small-2024', 'zipformerCtc'],
  ] as const)
    t.same(model(folder, single), {
      [kind]: { model: `${folder}/model.onnx` },
      tokens: `${folder}/tokens.txt`,
    });
  t.same(model('/m', single, { kind: 'sense-voice', language: 'zh' }), {
    senseVoice: { model: '/m/model.onnx', language: 'zh' },
    tokens,
  });
  t.end();
});

t.test('streaming models are told from offline ones, and from each other', (t) => {
  const zipformer = [
    'encoder-epoch-99-avg-1.int8.onnx',
    'decoder-epoch-99-avg-1.onnx',
    'joiner-epoch-99-avg-1.int8.onnx',
  ];
  const folder = (path: string, ...names: readonly string[]): ModelFolder =>
    new ModelFolder(path, [...names, 'tokens.txt']);
  const tokens = '/m/streaming/tokens.txt';
  const transducer = folder('/m/sherpa-onnx-streaming-zipformer-en-20M', ...zipformer);
  t.ok(transducer.isStreaming);
  t.match(streamingModel(transducer), { transducer: { joiner: /\/joiner-epoch-99-avg-1\.int8\.onnx$/ } });
  t.same(streamingModel(folder('/m/streaming', 'encoder.int8.onnx', 'decoder.int8.onnx')), {
    paraformer: { encoder: '/m/streaming/encoder.int8.onnx', decoder: '/m/streaming/decoder.int8.onnx' },
    tokens,
  });
  const ctc = folder(
    '/m/small',
    'ctc-epoch-30-avg-3-chunk-16-left-128.int8.onnx',
    'ctc-epoch-30-avg-3-chunk-16-left-128.onnx',
  );
  t.ok(ctc.isStreaming, 'by the names of its files');
  t.match(streamingModel(ctc), { zipformer2Ctc: { model: '/m/small/ctc-epoch-30-avg-3-chunk-16-left-128.onnx' } });
  const nemo = folder('/m/sherpa-onnx-nemo-streaming-fast-conformer-ctc-en-80ms', 'model.onnx');
  t.match(streamingModel(nemo), { nemoCtc: { model: /model\.onnx$/ } });
  t.match(streamingModel(folder('/m/x', 'model.onnx'), 'streaming-zipformer-ctc'), { zipformer2Ctc: {} });
  t.notOk(folder('/m/whisper', 'tiny-encoder.onnx').isStreaming);
  t.throws(() => streamingModel(folder('/m/streaming', 'model.onnx')), { message: /do not tell its kind/ });
  t.throws(() => streamingModel(folder('/m/streaming', 'joiner.onnx')), { message: /an encoder is missing/ });
  t.end();
});

t.test('what a folder lacks is told', (t) => {
  const transducer = ['encoder.onnx', 'decoder.onnx', 'joiner.onnx'];
  for (const [folder, names, missing] of [
    ['/m', [], /tokens\.txt is missing/],
    ['/m', transducer, /tokens\.txt is missing/],
    ['/m', ['tokens.txt', 'joiner.onnx'], /an encoder is missing/],
    ['/m', ['tokens.txt', 'model.onnx'], /do not tell its kind/],
    ['/m/canary', ['tokens.txt', 'encoder.onnx', 'decoder.onnx'], /do not tell its kind/],
  ] as const)
    t.throws(() => model(folder, names), { code: 'SLUICE_CONFIG_INVALID', message: missing });
  t.end();
});

t.test('doctor is told of the package and the folder', (t) => {
  t.match(sherpaStt.needs!(sherpaStt.options.parse({ model: 'models/x' }), '/pipelines'), [
    { kind: 'package', name: 'sherpa-onnx-node' },
    { kind: 'file', path: '/pipelines/models/x' },
  ]);
  t.end();
});

if (!hasSherpa()) {
  t.test('says what it lacks', async (t) => {
    await t.rejects(engine({ model: t.testdir() }).recognise(second, never), {
      code: 'SLUICE_DRIVER_UNAVAILABLE',
      mend: /npm install sherpa-onnx-node/,
      retryable: false,
    });
  });
} else {
  t.test('a folder that is not there, or holds no model, or a broken one, is told of each time', async (t) => {
    await t.rejects(engine({ model: '/nowhere' }).recognise(second, never), { code: 'SLUICE_FILE_NOT_FOUND' });
    const folder = t.testdir();
    const ears = engine({ model: folder });
    await t.rejects(ears.recognise(second, never), { code: 'SLUICE_CONFIG_INVALID' });
    for (const name of ['x-encoder.onnx', 'x-decoder.onnx', 'tokens.txt']) await writeFile(join(folder, name), 'a 1\n');
    for (let times = 0; times < 2; times++)
      await t.rejects(ears.recognise(second, never), { code: 'SLUICE_SPEECH_FAILED', message: /a model failed/ });
    await ears.close?.();
  });
}

if (!hasSherpa() || MODEL === undefined) {
  t.pass('a model', { skip: 'SLUICE_SHERPA_EARS=folder' });
} else {
  t.test('a model', async (t) => {
    const ears = engine({ model: MODEL });
    for (const said of ['turn on the light', 'what time is it']) {
      const { text } = await ears.recognise(utterance(await spoken(said)), never);
      t.match(text.toLowerCase(), new RegExp(said));
    }
    await ears.close?.();
  });
}
