import fc from 'fast-check';
import assert from 'node:assert/strict';
import t from 'tap';
import { VirtualClock } from '../../src/media/clock.js';
import { FallbackVoice } from '../../src/speech/fallback-voice.js';
import { sentences } from '../../src/speech/sentences.js';
import type { SpeechListener, Synthesiser } from '../../src/speech/synthesiser.js';
import { chosenTts, ttsChoice } from '../../src/speech/tts/index.js';
import { testContext } from '../nodes/node-lab.js';
import { requireSystem } from '../support/require.js';
import { openaiSpeechServer } from './services/openai-speech.js';
import { COMMANDS, say } from './tts-suite.js';
import { understand } from './understand.js';

const FORMAT = { sampleRate: 1000, numberOfChannels: 1 };
/** Frames of a character. */
const LENGTH = 4;

/** Says each character as four samples with its code, plus `pitch`; breaks after so many characters of all that it says. */
class Spelling implements Synthesiser {
  readonly #pitch: number;
  readonly #breaksAfter: number;
  asked = 0;
  isClosed = false;
  #said = 0;

  constructor(pitch: number, breaksAfter = Infinity) {
    this.#pitch = pitch;
    this.#breaksAfter = breaksAfter;
  }

  async say(text: AsyncIterable<string>, listener: SpeechListener, signal: AbortSignal): Promise<void> {
    this.asked++;
    let us = 0;
    for await (const { text: sentence, end } of sentences(text, { minLength: 1 })) {
      for (const character of sentence.split('')) {
        signal.throwIfAborted();
        if (this.#said >= this.#breaksAfter) throw new Error('broken');
        const startUs = us;
        us += LENGTH * 1000;
        listener.onWords?.([{ text: character, startUs, endUs: us }]);
        await listener.onAudio(new Int16Array(LENGTH).fill(character.charCodeAt(0) + this.#pitch), FORMAT);
        this.#said++;
      }
      listener.onText?.(end);
    }
    if (this.#said >= this.#breaksAfter) throw new Error('broken');
  }

  close(): void {
    this.isClosed = true;
  }
}

/** What was heard, each character once, those of the second voice in capital letters. */
function spelled(samples: Int16Array, second = (letter: string): string => letter.toUpperCase()): string {
  const codes = Array.from({ length: samples.length / LENGTH }, (_, i) => samples[i * LENGTH] ?? 0);
  return codes
    .map((code) => (code >= 1000 ? second(String.fromCharCode(code - 1000)) : String.fromCharCode(code)))
    .join('');
}

function voices(...synthesisers: Synthesiser[]) {
  const clock = new VirtualClock();
  const context = testContext({ clock });
  const named = synthesisers.map((synthesiser, i) => ({ type: `voice ${i}`, synthesiser }));
  return { voice: new FallbackVoice(named, context), context, clock };
}

t.test('the rest of a text is said by another voice, from the beginning of the sentence that broke', async (t) => {
  const { voice, context } = voices(new Spelling(0, 7), new Spelling(1000));
  const { samples, words, marks } = await say(voice, ['abc! d', 'ef! ', 'ghi!']);
  t.equal(spelled(samples), 'abc!defDEF!GHI!');
  t.equal(words.map(({ text }) => text).join(''), 'abc!defdef!ghi!', 'words are those that were heard');
  words.forEach(({ startUs }, i) => t.equal(startUs, i * LENGTH * 1000));
  t.same(marks, [5, 10, 14]);
  t.equal(context.measures.get('fallback')?.length, 1);
});

t.test('wherever a voice breaks, nothing of a text is lost, and only one sentence is begun again', async () => {
  const piece = fc.constantFrom('word', '! ', ' ');
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 20 }), fc.nat(30), fc.nat(30), async (kinds, first, second) => {
      // No letter comes twice, so that what was begun again is known.
      const pieces = kinds.map((kind, i) =>
        kind === 'word' ? String.fromCharCode(0x100 + 2 * i, 0x101 + 2 * i) : kind,
      );
      const { voice } = voices(new Spelling(0, first), new Spelling(0, second), new Spelling(1000));
      const { samples } = await say(voice, pieces);
      const whole = spelled((await say(new Spelling(0), pieces)).samples);
      const heard = spelled(samples, (letter) => letter);
      let rest = whole;
      for (const character of heard) {
        // Begun again: from behind the last stop.
        if (!rest.startsWith(character)) rest = whole.slice(whole.lastIndexOf('!', whole.length - rest.length - 1) + 1);
        assert.equal(rest[0], character);
        rest = rest.slice(1);
      }
      assert.equal(rest, '');
    }),
    { numRuns: 200 },
  );
});

t.test('a voice that failed rests, and is asked again later', async (t) => {
  const [first, second] = [new Spelling(0, 2), new Spelling(1000)];
  const { voice, clock, context } = voices(first, second);
  for (let i = 0; i < 3; i++) await say(voice, 'abc.');
  t.same([first.asked, second.asked], [1, 3]);
  clock.advance(30_000);
  await say(voice, 'abc.');
  t.same([first.asked, second.asked], [2, 4]);
  t.equal(context.measures.get('fallback')?.length, 2);
});

t.test('fails where no voice is left, with what broke the last', async (t) => {
  const [first, second] = [new Spelling(0, 2), new Spelling(1000, 1)];
  const { voice } = voices(first, second);
  await t.rejects(say(voice, 'abc.'), { message: 'broken' });
  await t.rejects(say(voice, 'abc.'), { message: 'broken' });
  t.same([first.asked, second.asked], [2, 2], 'all are asked where all have failed');
  await voice.close();
  t.ok(first.isClosed && second.isClosed);
});

t.test('neither an abort nor a broken text nor a listener that throws is the fault of a voice', async (t) => {
  const [first, second] = [new Spelling(0), new Spelling(1000)];
  const { voice } = voices(first, second);
  const thrown = new Error('thrown');
  async function* breaking(): AsyncGenerator<string> {
    yield await Promise.resolve('abc. ');
    throw thrown;
  }
  async function* whole(): AsyncGenerator<string> {
    yield await Promise.resolve('abc.');
  }
  const fail = (): never => {
    throw thrown;
  };
  const abort = new AbortController();
  const stop = (): void => {
    abort.abort(thrown);
  };
  await t.rejects(voice.say(breaking(), { onAudio: () => undefined }, new AbortController().signal), thrown);
  await t.rejects(voice.say(whole(), { onAudio: fail }, new AbortController().signal), thrown);
  await t.rejects(voice.say(whole(), { onAudio: stop }, abort.signal), thrown);
  t.same([first.asked, second.asked], [3, 0]);
});

t.test(
  'a service that dies in the middle of a text is followed by a program, a hundred times, and nothing is left',
  async (t) => {
    if (requireSystem(t, 'espeak-ng') === undefined || requireSystem(t, 'pocketsphinx_continuous') === undefined)
      return;
    const server = await openaiSpeechServer();
    t.teardown(() => server.close());
    const choice = {
      type: 'tts-openai',
      baseUrl: server.url('dying'),
      fallback: [{ type: 'tts-exec', preset: 'espeak-ng', voice: 'en-us' }],
    };
    const context = testContext();
    const first = await say(chosenTts(ttsChoice.parse(choice), context), 'Open the door.');
    const rest = first.samples.subarray(10_000);
    t.equal(await understand(rest, { sampleRate: 22_050, numberOfChannels: 1 }, COMMANDS), 'open the door');
    for (let i = 1; i < 100; i++) {
      const voice = chosenTts(ttsChoice.parse(choice), context);
      const { samples } = await say(voice, 'Open the door.');
      if (samples.length !== first.samples.length) t.equal(samples.length, first.samples.length, `time ${i}`);
      await voice.close?.();
    }
    t.equal(context.measures.get('fallback')?.length, 100);
    t.equal(server.open, 0);
    server.rest();
    for (let turn = 0; turn < 200 && process.getActiveResourcesInfo().length > 1; turn++)
      await new Promise((resolve) => setImmediate(resolve));
    t.same(
      process.getActiveResourcesInfo().filter((name) => /Process|TCPSocket|Timeout/.test(name)),
      [],
    );
  },
);
