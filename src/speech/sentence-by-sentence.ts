import { sentences, type Sentence } from './sentences.js';
import type { SpeechFormat, SpeechListener } from './synthesiser.js';
import { untilAborted } from './until-aborted.js';
import { silentVoice } from './voice-failure.js';
import { wordsOf } from './words.js';

/** Sound of a sentence, in its order. */
export type Sound = AsyncIterable<SoundChunk>;

export interface SoundChunk {
  readonly samples: Int16Array;
  readonly format: SpeechFormat;
}

/**
 * Says a text a sentence at a time; the next one is asked for while the sound of one is handed over, so that nobody waits for it. `ask`
 * settles when the sound of a sentence begins; its signal ends it, and the sound. What has no words is not asked for. Errors: those of
 * `ask`, of the sound and of the text, SLUICE_SPEECH_FAILED for words without sound, and the signal's reason.
 */
export async function sayBySentence(
  text: AsyncIterable<string>,
  listener: SpeechListener,
  signal: AbortSignal,
  ask: (sentence: string, signal: AbortSignal) => Promise<Sound>,
): Promise<void> {
  signal.throwIfAborted();
  const ending = new AbortController();
  const end = (): void => {
    ending.abort(signal.reason);
  };
  signal.addEventListener('abort', end, { once: true });
  const coming = sentences(untilAborted(text, ending.signal));
  let next = asked(coming, ask, ending.signal);
  try {
    for (let one = await next; one; one = await next) {
      next = asked(coming, ask, ending.signal);
      // It is told when its turn has come.
      next.catch(() => undefined);
      let length = 0;
      for await (const { samples, format } of one.sound ?? []) {
        length += samples.length;
        if (samples.length > 0) await listener.onAudio(samples, format);
        signal.throwIfAborted();
      }
      if (one.sound && length === 0) throw silentVoice();
      listener.onText?.(one.sentence.end);
    }
  } finally {
    signal.removeEventListener('abort', end);
    ending.abort();
    await next.catch(() => undefined);
  }
}

async function asked(
  coming: AsyncGenerator<Sentence>,
  ask: (sentence: string, signal: AbortSignal) => Promise<Sound>,
  signal: AbortSignal,
): Promise<{ readonly sentence: Sentence; readonly sound?: Sound } | undefined> {
  const next = await coming.next();
  if (next.done === true) return undefined;
  const sentence = next.value;
  return wordsOf(sentence.text).length === 0 ? { sentence } : { sentence, sound: await ask(sentence.text, signal) };
}
