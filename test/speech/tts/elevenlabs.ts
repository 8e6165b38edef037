import t from 'tap';
import type { Synthesiser } from '../../../src/speech/synthesiser.js';
import { chosenTts, ttsChoice } from '../../../src/speech/tts/index.js';
import { type TestContext, testContext } from '../../nodes/node-lab.js';
import { requireSystem } from '../../support/require.js';
import { type Manner, elevenlabsServer } from '../services/elevenlabs.js';
import { COMMANDS, say, ttsSuite } from '../tts-suite.js';
import { understand } from '../understand.js';

function engine(options: object, context: TestContext = testContext()): Synthesiser {
  return chosenTts(ttsChoice.parse({ type: 'tts-elevenlabs', apiKey: 'xi-1', voice: 'anna', ...options }), context);
}

t.test('a service with the API of ElevenLabs', async (t) => {
  if (requireSystem(t, 'espeak-ng') === undefined || requireSystem(t, 'pocketsphinx_continuous') === undefined) return;
  const server = await elevenlabsServer();
  t.teardown(() => server.close());
  const failed = { code: 'SLUICE_SPEECH_FAILED', retryable: true } as const;
  const refused = { code: 'SLUICE_SERVICE_REFUSED', retryable: false } as const;
  const at = (manner: Manner, more: object = {}) => ({
    create: () => engine({ baseUrl: server.url(manner), ...more }),
  });

  await t.test('sound with times', (t) =>
    ttsSuite(t, {
      create: at('well').create,
      hanging: at('hanging').create,
      open: () => server.open,
      failing: {
        'a service that hangs': { ...at('hanging', { timeoutMs: 200 }), ...failed },
        'a service that hangs in the middle': { ...at('stuck', { timeoutMs: 500 }), ...failed },
        'a service that dies in the middle': { ...at('dying'), ...failed },
        'a service that is broken': { ...at('broken'), ...failed },
        'a service that gives no sound': { ...at('silent'), ...failed },
        'a service that refuses the key': { ...at('refusing'), ...refused },
        'a service that limits the rate': { ...at('limited'), code: 'SLUICE_SERVICE_REFUSED', retryable: true },
        'a service whose quota is spent': { ...at('spent'), ...refused },
        'a service that does not know the voice': { ...at('unknown-voice'), ...refused },
        'a service that sends floats': { ...at('floats'), code: 'SLUICE_SPEECH_FAILED', retryable: false },
        'a service that sends what is no JSON': { ...at('garbled'), code: 'SLUICE_SPEECH_FAILED', retryable: false },
        'a service that is not there': { create: () => engine({ baseUrl: 'ws://127.0.0.1:1/v1' }), ...failed },
      },
    }),
  );

  await t.test('a service that takes a text for over which is still written has failed', async (t) => {
    async function* writing(): AsyncGenerator<string> {
      yield 'Turn on the light. And then';
      await new Promise(() => undefined);
    }
    let length = 0;
    const listener = { onAudio: (samples: Int16Array) => void (length += samples.length) };
    const said = engine({ baseUrl: server.url('early') }).say(writing(), listener, new AbortController().signal);
    await t.rejects(said, { code: 'SLUICE_SPEECH_FAILED', message: /closed/, retryable: true });
    t.ok(length > 0, 'what it said was heard');
  });

  await t.test('is asked for what the options say, with a socket for each text', async (t) => {
    server.messages.length = server.paths.length = server.keys.length = 0;
    const context = testContext();
    const voice = engine({ baseUrl: server.url(), model: 'm1', language: 'en', speed: 1.1, stability: 0.4 }, context);
    await say(voice, ['Open ', 'the door.']);
    await say(voice, 'Turn on the light.');
    t.equal(server.paths.length, 2);
    t.match(
      server.paths[0],
      /^v1\/text-to-speech\/anna\/stream-input\?model_id=m1&output_format=pcm_24000.*language_code=en/,
    );
    t.same(server.keys, ['xi-1', 'xi-1']);
    t.same(server.messages.slice(0, 4), [
      { text: ' ', voice_settings: { stability: 0.4, speed: 1.1 } },
      { text: 'Open ' },
      { text: 'the door.' },
      { text: '' },
    ]);
    t.equal(context.measures.get('first byte')?.length, 2);
  });

  await t.test('is asked again where nothing was heard, with all of the text', async (t) => {
    const { samples, format } = await say(engine({ baseUrl: server.url('broken-once') }), ['Open ', 'the ', 'door.']);
    t.equal(await understand(samples, format!, COMMANDS), 'open the door');
    server.paths.length = 0;
    await t.rejects(say(engine({ baseUrl: server.url('dying-once') }), 'Open the door.'));
    t.equal(server.paths.length, 1, 'never when something was heard');
  });

  await t.test('sound in parts of odd length is whole', async (t) => {
    const { samples, format } = await say(engine({ baseUrl: server.url('odd') }), 'What time is it?');
    t.equal(await understand(samples, format!, COMMANDS), 'what time is it');
  });

  await t.test('keeps the key out of what it tells', async (t) => {
    const voice = engine({ baseUrl: server.url('refusing'), apiKey: 'xi-very-secret' });
    const error = await say(voice, 'Hello there.').catch((error: unknown) => error);
    t.match(error, { message: /answered 401 Unauthorized: Invalid API key \*\*\*/ });
    t.notMatch(JSON.stringify(error) + String((error as Error).stack), /very-secret/);
  });
});
