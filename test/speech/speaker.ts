import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import type { AudioData } from '../../src/media/audio-data.js';
import type { CaptionsData } from '../../src/media/captions.js';
import type { TextData } from '../../src/media/text.js';
import { sentences } from '../../src/speech/sentences.js';
import { Speaker } from '../../src/speech/speaker.js';
import type { SpeechListener, Synthesiser } from '../../src/speech/synthesiser.js';
import { concat, levelAt, testContext } from '../nodes/node-lab.js';
import { sine } from '../codecs/tones.js';

const RATE = 16_000;
/** Sentences have the frequency that they name. */
const SENTENCE_MS = 100;

/** Says "At 440 hertz." as a tone of that frequency; what holds "broken" breaks after its first half. */
class Tones implements Synthesiser {
  closed = 0;

  async say(text: AsyncIterable<string>, listener: SpeechListener, signal: AbortSignal): Promise<void> {
    for await (const sentence of sentences(text)) {
      signal.throwIfAborted();
      const tone = sine(Number(/\d+/.exec(sentence.text)?.[0]), RATE, (RATE * SENTENCE_MS) / 1000);
      const half = tone.length / 2;
      await listener.onAudio(tone.slice(0, half), { sampleRate: RATE, numberOfChannels: 1 });
      if (sentence.text.includes('broken')) throw new Error('broken');
      await listener.onAudio(tone.slice(half), { sampleRate: RATE, numberOfChannels: 1 });
      listener.onText?.(sentence.end);
    }
  }

  close(): void {
    this.closed++;
  }
}

function speaker(options: { pauseMs?: number } = {}) {
  const [context, synthesiser] = [testContext(), new Tones()];
  const stream = new Speaker({
    synthesiser,
    context,
    format: { sampleRate: RATE, numberOfChannels: 1 },
    pauseMs: 0,
    ...options,
  });
  return { stream, context, synthesiser };
}

function text(said: string, isFinal = true): TextData {
  return { kind: 'text', text: said, isFinal };
}

/** The frequency that is loudest in each 100 ms; 0 where it is silent. */
function tones(chunks: readonly AudioData[], among: readonly number[]): number[] {
  const samples = concat(chunks);
  const window = (RATE * SENTENCE_MS) / 1000;
  return Array.from({ length: Math.round(samples.length / window) }, (_, i) => {
    const part = samples.subarray(i * window, (i + 1) * window);
    return among.find((frequency) => levelAt(part, RATE, frequency) > -20) ?? 0;
  });
}

t.test('a text that is not final is said together with those that follow', async (t) => {
  const { stream } = speaker({ pauseMs: 100 });
  for (const piece of ['At 4', '40', ' hertz', '. At 880 ', 'hertz.']) stream.write(text(piece, false));
  stream.write(text(''));
  stream.write(text('  '));
  stream.end(text('At 1760 hertz.'));
  t.same(tones((await stream.toArray()) as AudioData[], [440, 880, 1760]), [440, 880, 0, 1760, 0]);
});

t.test('captions of a sentence come with its first sound', async (t) => {
  const { stream } = speaker();
  const words = stream.words;
  stream.write(text('At 440 hertz. At 880 '));
  stream.write(text('At 1760 hertz.'));
  stream.end();
  const came: [string, number][] = [];
  let frames = 0;
  const take = (): void => {
    for (let one = words.read() as CaptionsData | null; one; one = words.read() as CaptionsData | null)
      came.push([one.text, Math.round((frames * 1000) / RATE)]);
  };
  for await (const chunk of stream as AsyncIterable<AudioData>) {
    take();
    frames += chunk.numberOfFrames;
  }
  take();
  t.same(
    came.map(([said]) => said),
    ['At 440 hertz.', 'At 880', 'At 1760 hertz.'],
  );
  // What comes out is made ahead by what the stream may hold, 160 ms.
  for (const [i, [, atMs]] of came.entries()) t.ok(atMs <= i * SENTENCE_MS && atMs >= (i - 2) * SENTENCE_MS);
});

t.test(
  'a text that cannot be said is counted, with what is still to come of it, and the next one is said',
  async (t) => {
    const { stream, context } = speaker();
    const words = stream.words;
    stream.write(text('At 440 hertz. At 880, broken. ', false));
    stream.once('data', () => {
      stream.write(text('At 100 hertz. ', false));
      stream.write(text('At 200 hertz.'));
      stream.end(text('At 1760 hertz.'));
    });
    const chunks: AudioData[] = [];
    stream.on('data', (chunk: AudioData) => chunks.push(chunk));
    await once(stream, 'end');
    // Half of the broken one was heard.
    t.equal(chunks.length, Math.ceil((SENTENCE_MS * 2.5) / 20));
    t.same(Object.fromEntries(context.drops), { 'not said': 1 });
    t.same(
      ((await words.toArray()) as CaptionsData[]).map((one) => one.text),
      ['At 440 hertz.', 'At 880, broken.', 'At 1760 hertz.'],
    );
    t.equal(context.measures.get('first audio')?.length, 2);
  },
);

t.test('sound is made no faster than it is taken, and text is taken no faster than it is said', async (t) => {
  const { stream } = speaker();
  let taken = 0;
  for (let i = 0; i < 1000; i++) stream.write(text('At 440 hertz. ', false), () => taken++);
  for (let i = 0; i < 2000; i++) await turn();
  t.ok(stream.readableLength <= 9, 'no more than the stream may hold');
  t.ok(taken > 200 && taken < 320, `${taken} texts of 14 characters`);
  stream.destroy();
  await once(stream, 'close');
});

t.test('what was not said when it ends at once is counted, and the engine is closed', async (t) => {
  const { stream, context, synthesiser } = speaker();
  for (let i = 0; i < 3; i++) stream.write(text('At 440 hertz. '.repeat(20)));
  await once(stream, 'readable');
  stream.destroy();
  await once(stream, 'close');
  t.same(Object.fromEntries(context.drops), { 'not said': 3 });
  t.equal(synthesiser.closed, 1);

  const ended = speaker();
  ended.stream.end(text('At 440 hertz.'));
  await ended.stream.toArray();
  if (!ended.stream.closed) await once(ended.stream, 'close');
  t.equal(ended.synthesiser.closed, 1);
  t.equal(ended.context.drops.size, 0);
});
