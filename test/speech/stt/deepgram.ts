import t from 'tap';
import { concatSamples } from '../../../src/media/pcm.js';
import type { StreamingRecogniser } from '../../../src/speech/recogniser.js';
import { deepgramStt } from '../../../src/speech/stt/deepgram.js';
import { testContext } from '../../nodes/node-lab.js';
import { requireSystem } from '../../support/require.js';
import { deepgramServer } from '../services/deepgram.js';
import { SPOKEN_RATE, commandGrammar, spoken } from '../spoken.js';
import { chunksOf, hear, streamingSttSuite, textOf } from '../streaming-stt-suite.js';

function engine(options: object): StreamingRecogniser {
  return deepgramStt.create(deepgramStt.options.parse(options), testContext());
}

t.test('a service with the API of Deepgram', async (t) => {
  if (requireSystem(t, 'espeak-ng') === undefined || requireSystem(t, 'pocketsphinx_continuous') === undefined) return;
  const server = await deepgramServer(await commandGrammar(t.testdir()));
  t.teardown(() => server.close());
  const at = (manner: Parameters<typeof server.url>[0], more: object = {}) => ({
    create: () => engine({ baseUrl: server.url(manner), ...more }),
  });
  const failed = { code: 'SLUICE_SPEECH_FAILED', retryable: true } as const;
  const refused = { code: 'SLUICE_SERVICE_REFUSED', retryable: false } as const;

  await streamingSttSuite(t, {
    create: at('well').create,
    hanging: at('hanging').create,
    open: () => server.open,
    failing: {
      'a service that hangs': { ...at('hanging', { timeoutMs: 200 }), ...failed },
      'a service that gives no sign of life': { ...at('mute', { timeoutMs: 200 }), ...failed },
      'a service that dies in the middle': { ...at('dying'), ...failed },
      'a service that hangs up': { ...at('bored'), ...failed },
      'a service that says that it is broken': { ...at('failing'), ...failed },
      'a service that is broken': { ...at('broken'), ...failed },
      'a service that refuses the key': { ...at('refusing'), ...refused },
      'a service that limits the rate': { ...at('limited'), code: 'SLUICE_SERVICE_REFUSED', retryable: true },
      'a service that cannot read the sound': { ...at('unreadable'), ...refused },
      'a service that sends a page': { ...at('html'), code: 'SLUICE_SPEECH_FAILED', retryable: false },
      'a service that sends other JSON': { ...at('odd'), code: 'SLUICE_SPEECH_FAILED', retryable: false },
      'a service that is not there': { create: () => engine({ baseUrl: 'ws://127.0.0.1:1/v1' }), ...failed },
      'a key with a line break': {
        create: () => engine({ baseUrl: server.url(), apiKey: 'dg-\ngeheim' }),
        code: 'SLUICE_CONFIG_INVALID',
        retryable: false,
      },
      'another service': { create: () => engine({ baseUrl: `${server.url()}/other` }), ...refused },
    },
  });

  await t.test('what was not final when a connection broke is sent again, and nothing else', async (t) => {
    server.seconds.length = 0;
    const commands = ['turn on the light', 'open the door', 'good night'];
    const pause = new Int16Array(SPOKEN_RATE);
    const sounds = await Promise.all(commands.map((command) => spoken(command)));
    const speech = concatSamples(sounds.flatMap((sound) => [sound, pause]));
    const heard = await hear(engine({ baseUrl: server.url('dying-once') }), chunksOf(speech, 9_000_000));
    t.equal(textOf(heard), commands.join(' '), 'each once');
    const lengthS = speech.length / SPOKEN_RATE;
    const [first = 0, second = 0] = server.seconds;
    t.comment(`${lengthS} s: ${server.seconds.join(' s, ')} s`);
    t.ok(server.seconds.length === 2 && first + second >= lengthS - 0.03);
    const last = heard.at(-1)!;
    const beginsS = (sounds[0]!.length + sounds[1]!.length + 2 * pause.length) / SPOKEN_RATE;
    t.ok(Math.abs(last.startUs / 1e6 - 9 - beginsS) < 0.6, 'in its place on the clock of the sound');
  });

  await t.test('a service that has no time yet is asked again', async (t) => {
    server.seconds.length = 0;
    const heard = await hear(
      engine({ baseUrl: server.url('limited-once') }),
      chunksOf(await spoken('open the door'), 0),
    );
    t.equal(textOf(heard), 'open the door');
  });

  await t.test(
    'is asked for what the options say, is told that somebody is there, and its key stays secret',
    async (t) => {
      server.asked.length = server.messages.length = 0;
      const options = {
        apiKey: 'dg-secret-1',
        language: 'en-US',
        interimResults: false,
        endpointingMs: 300,
        keyterms: ['sluice', 'light'],
        timeoutMs: 400,
      };
      const abort = new AbortController();
      const quiet = engine({ baseUrl: server.url(), ...options });
      const listening = await quiet.listen({
        sampleRate: 16_000,
        signal: abort.signal,
        onHeard: () => undefined,
        onFailed: (error) => t.fail(error.message),
      });
      while (!server.messages.includes('KeepAlive')) await new Promise((resolve) => setTimeout(resolve, 20));
      await listening.end();
      t.equal(server.messages.at(-1), 'CloseStream');
      const { query, key } = server.asked[0]!;
      t.equal(key, 'Token dg-secret-1');
      t.match(Object.fromEntries(query), {
        model: 'nova-3',
        encoding: 'linear16',
        sample_rate: '16000',
        channels: '1',
        interim_results: 'false',
        endpointing: '300',
        language: 'en-US',
      });
      t.same(query.getAll('keyterm'), ['sluice', 'light']);
      const refusal = await hear(engine({ baseUrl: server.url('refusing'), ...options }), []).catch(
        (error: unknown) => error,
      );
      t.match(refusal, { message: /401 Unauthorized: Invalid credentials/ });
      t.notMatch(JSON.stringify(refusal) + String(refusal), /dg-secret/);
    },
  );
});
