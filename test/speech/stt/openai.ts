import t from 'tap';
import type { Recogniser } from '../../../src/speech/recogniser.js';
import { openaiStt } from '../../../src/speech/stt/openai.js';
import { type TestContext, testContext } from '../../nodes/node-lab.js';
import { requireSystem } from '../../support/require.js';
import { openaiTranscriptionServer } from '../services/openai-transcription.js';
import { commandGrammar, spoken, utterance } from '../spoken.js';
import { sttSuite } from '../stt-suite.js';

function engine(options: object, context: TestContext = testContext()): Recogniser {
  return openaiStt.create(openaiStt.options.parse(options), context);
}

const never = new AbortController().signal;

t.test('a service with the API of OpenAI', async (t) => {
  if (requireSystem(t, 'espeak-ng') === undefined || requireSystem(t, 'pocketsphinx_continuous') === undefined) return;
  const server = await openaiTranscriptionServer(await commandGrammar(t.testdir()));
  t.teardown(() => server.close());
  const at = (manner: Parameters<typeof server.url>[0], more: object = {}) => ({
    create: () => engine({ baseUrl: server.url(manner), ...more }),
  });
  const failed = { code: 'SLUICE_SPEECH_FAILED', retryable: true } as const;
  const unusable = { code: 'SLUICE_SPEECH_FAILED', retryable: false } as const;
  const refused = { code: 'SLUICE_SERVICE_REFUSED', retryable: false } as const;

  await sttSuite(t, {
    create: at('well', { words: true }).create,
    tellsWords: true,
    hanging: at('hanging').create,
    open: () => server.open,
    rest: server.rest,
    failing: {
      'a service that hangs': { ...at('hanging', { timeoutMs: 200 }), ...failed },
      'a service that hangs in the middle': { ...at('stuck', { timeoutMs: 300 }), ...failed },
      'a service that dies in the middle': { ...at('dying'), ...failed },
      'a service that hangs up': { ...at('unreachable'), ...failed },
      'a service that is broken': { ...at('broken'), ...failed },
      'a service that refuses the key': { ...at('refusing'), ...refused },
      'a service that limits the rate': { ...at('limited'), code: 'SLUICE_SERVICE_REFUSED', retryable: true },
      'a service whose quota is spent': { ...at('spent'), ...refused },
      'a service that gives a page': { ...at('html'), ...unusable },
      'a service that gives other JSON': { ...at('other'), ...unusable },
      'a service that does not end': { ...at('endless'), ...unusable },
      'a service that is not there': { create: () => engine({ baseUrl: 'http://127.0.0.1:1/v1' }), ...failed },
      'another service': { create: () => engine({ baseUrl: `${server.url()}/other` }), ...refused },
    },
  });

  await t.test('is asked again where that may help, and no oftener than twice', async (t) => {
    const said = utterance(await spoken('open the door'));
    for (const manner of ['limited-once', 'broken-once', 'unreachable-once'] as const) {
      server.requests.length = 0;
      t.same(await engine({ baseUrl: server.url(manner) }).recognise(said, never), { text: 'open the door' }, manner);
      t.equal(server.requests[0]?.['response_format'], 'json');
    }
    server.requests.length = 0;
    await t.rejects(engine({ baseUrl: server.url('broken') }).recognise(said, never));
    t.equal(server.requests.length, 3);
  });

  await t.test('is asked for what the options say, and its key stays out of errors', async (t) => {
    const context = testContext();
    const options = { apiKey: 'sk-secret-1', model: 'whisper-1', language: 'en', prompt: 'door, light', words: true };
    server.requests.length = server.keys.length = 0;
    const said = utterance(await spoken('open the door'));
    await engine({ baseUrl: server.url('well'), ...options }, context).recognise(said, never);
    t.match(server.requests[0], {
      model: 'whisper-1',
      language: 'en',
      prompt: 'door, light',
      response_format: 'verbose_json',
      'timestamp_granularities[]': 'word',
    });
    t.equal(server.keys[0], 'Bearer sk-secret-1');
    t.equal(context.measures.get('first byte')?.length, 1);
    const refusal = await engine({ baseUrl: server.url('refusing'), ...options })
      .recognise(said, never)
      .catch((error: unknown) => error);
    t.match(refusal, { message: /401 Unauthorized: Incorrect API key provided: \*\*\*/ });
    t.notMatch(JSON.stringify(refusal) + String(refusal), /sk-secret/);
  });

  await t.test('words are taken as servers give them, and lie inside of the utterance', async (t) => {
    const said = utterance(await spoken('good night'), 2_000_000);
    const inSegments = await engine({ baseUrl: server.url('segments'), words: true }).recognise(said, never);
    t.equal(inSegments.text, 'good night');
    t.same(
      inSegments.words?.map(({ text }) => text),
      ['good', 'night'],
    );
    const late = await engine({ baseUrl: server.url('late'), words: true }).recognise(said, never);
    t.same(late.words, [{ text: 'good night', start: said.startUs, end: said.endUs }]);
  });
});

t.test('options that cannot be meant are refused', (t) => {
  for (const options of [{ baseUrl: 'ftp://x' }, { baseUrl: 'localhost:80' }, { language: 'English' }, { model: '' }]) {
    t.throws(() => openaiStt.options.parse(options), JSON.stringify(options));
  }
  t.end();
});
