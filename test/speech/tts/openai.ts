import t from 'tap';
import type { Synthesiser } from '../../../src/speech/synthesiser.js';
import { chosenTts, ttsChoice } from '../../../src/speech/tts/index.js';
import { type TestContext, testContext } from '../../nodes/node-lab.js';
import { requireSystem } from '../../support/require.js';
import { openaiSpeechServer } from '../services/openai-speech.js';
import { COMMANDS, say, ttsSuite } from '../tts-suite.js';
import { understand } from '../understand.js';

function engine(options: object, context: TestContext = testContext()): Synthesiser {
  return chosenTts(ttsChoice.parse({ type: 'tts-openai', ...options }), context);
}

t.test('a service with the API of OpenAI', async (t) => {
  if (requireSystem(t, 'espeak-ng') === undefined || requireSystem(t, 'pocketsphinx_continuous') === undefined) return;
  const server = await openaiSpeechServer();
  t.teardown(() => server.close());
  const failed = { code: 'SLUICE_SPEECH_FAILED', retryable: true } as const;
  const unusable = { code: 'SLUICE_SPEECH_FAILED', retryable: false } as const;
  const refused = { code: 'SLUICE_SERVICE_REFUSED', retryable: false } as const;
  const at = (manner: Parameters<typeof server.url>[0], more: object = {}) => ({
    create: () => engine({ baseUrl: server.url(manner), ...more }),
  });

  await t.test('PCM', (t) =>
    ttsSuite(t, {
      create: at('well').create,
      hanging: at('hanging').create,
      open: () => server.open,
      rest: server.rest,
      failing: {
        'a service that hangs': { ...at('hanging', { timeoutMs: 200 }), ...failed },
        'a service that hangs in the middle': { ...at('stuck', { timeoutMs: 500 }), ...failed },
        'a service that dies in the middle': { ...at('dying'), ...failed },
        'a service that hangs up': { ...at('unreachable'), ...failed },
        'a service that is broken': { ...at('broken'), ...failed },
        'a service that gives no sound': { ...at('silent'), ...failed },
        'a service that refuses the key': { ...at('refusing'), ...refused },
        'a service that limits the rate': { ...at('limited'), code: 'SLUICE_SERVICE_REFUSED', retryable: true },
        'a service that wants to be asked in an hour': {
          ...at('busy'),
          code: 'SLUICE_SERVICE_REFUSED',
          retryable: true,
        },
        'a service whose quota is spent': { ...at('spent'), ...refused },
        'a service that sends floats': { ...at('floats'), ...unusable },
        'a service that sends MP3': { ...at('mp3'), ...unusable },
        'a service that sends JSON': { ...at('json'), ...unusable },
        'a service that is not there': { create: () => engine({ baseUrl: 'http://127.0.0.1:1/v1' }), ...failed },
        'another service': { create: () => engine({ baseUrl: `${server.url()}/other` }), ...refused },
      },
    }),
  );

  await t.test('is asked once more where nothing has come yet, and no oftener than twice', async (t) => {
    for (const manner of ['limited-once', 'broken-once', 'unreachable-once'] as const) {
      const { samples, format } = await say(engine({ baseUrl: server.url(manner) }), `Open the door.`);
      t.equal(await understand(samples, format!, COMMANDS), 'open the door', manner);
      server.requests.length = 0;
    }
    await t.rejects(say(engine({ baseUrl: server.url('broken') }), 'Once more.'));
    t.equal(server.requests.length, 3);
    server.requests.length = 0;
    await t.rejects(say(engine({ baseUrl: server.url('dying-once') }), 'Once more.'));
    t.equal(server.requests.length, 1, 'never when sound has come');
  });

  await t.test('sound comes whole in WAV, of samples or floats, and in parts of odd length', async (t) => {
    for (const [manner, format] of [
      ['well', 'wav'],
      ['float-wav', 'wav'],
      ['odd', 'pcm'],
    ] as const) {
      const said = await say(engine({ baseUrl: server.url(manner), format }), 'What time is it?');
      t.equal(said.format?.sampleRate, 24_000);
      t.equal(await understand(said.samples, said.format!, COMMANDS), 'what time is it', `${manner} ${format}`);
    }
  });

  await t.test('is asked for what the options say, sentence by sentence, and tells how long it took', async (t) => {
    server.requests.length = server.keys.length = 0;
    const context = testContext();
    const options = { model: 'kokoro', voice: 'bella', speed: 1.5, instructions: 'Whisper.', apiKey: 'sk-1234' };
    await say(engine({ baseUrl: `${server.url()}/`, ...options }, context), 'Open the door. ... Turn on the light.');
    const { apiKey, ...asked } = options;
    t.same(server.requests, [
      { ...asked, input: 'Open the door.', response_format: 'pcm' },
      { ...asked, input: '... Turn on the light.', response_format: 'pcm' },
    ]);
    t.same(server.keys, [`Bearer ${apiKey}`, `Bearer ${apiKey}`]);
    t.equal(context.measures.get('first byte')?.length, 2);
  });

  await t.test('asks for the next sentence while one is heard', async (t) => {
    server.requests.length = 0;
    let asked = 0;
    const onAudio = async (): Promise<void> => {
      asked ||= await new Promise<number>((resolve) => {
        const look = (): void => {
          if (server.requests.length > 1) resolve(server.requests.length);
          else setImmediate(look);
        };
        look();
      });
    };
    async function* text(): AsyncGenerator<string> {
      yield await Promise.resolve('Open the door. Turn on the light. What time is it?');
    }
    await engine({ baseUrl: server.url() }).say(text(), { onAudio }, new AbortController().signal);
    t.equal(asked, 2, 'but not for all of them');
  });

  await t.test('keeps the key out of what it tells', async (t) => {
    const error = await say(
      engine({ baseUrl: server.url('refusing'), apiKey: 'sk-very-secret' }),
      'Hello there.',
    ).catch((error: unknown) => error);
    t.match(error, { message: /answered 401 Unauthorized: Incorrect API key provided: \*\*\*\.$/, mend: /apiKey/ });
    t.notMatch(JSON.stringify(error) + String((error as Error).stack), /very-secret/);
  });
});

t.test('addresses are checked', (t) => {
  for (const baseUrl of ['api.openai.com', 'ftp://example.com', '']) t.throws(() => engine({ baseUrl }), /baseUrl/);
  t.end();
});
