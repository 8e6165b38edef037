import type { EngineContext } from './engine.js';
import { RepeatableText } from './repeatable-text.js';
import type { SpeechFormat, SpeechListener, SpokenWord, Synthesiser } from './synthesiser.js';

/** A voice among several, with the name that its failures are logged by. */
export interface NamedVoice {
  readonly type: string;
  readonly synthesiser: Synthesiser;
}

/** A voice that failed is not asked again for so long, in µs: nobody waits for it at every text. */
const REST_US = 30_000_000;

/**
 * Several voices in order: where one fails, before or in the middle of a text, the next one says the rest, from the beginning of the
 * sentence that broke (or of the word, where the voice tells how far it came). How long it took until another took over is measured as
 * `fallback`. Fails with the error of the last one.
 */
export class FallbackVoice implements Synthesiser {
  readonly #voices: readonly NamedVoice[];
  readonly #context: EngineContext;
  /** When each may be asked again. */
  readonly #restsUntilUs = new Map<NamedVoice, number>();

  constructor(voices: readonly NamedVoice[], context: EngineContext) {
    this.#voices = voices;
    this.#context = context;
  }

  async say(text: AsyncIterable<string>, listener: SpeechListener, signal: AbortSignal): Promise<void> {
    const context = this.#context;
    const [source, told] = [new RepeatableText(text), new ToldSpeech(listener)];
    const begunUs = context.clock.nowUs();
    const voices = this.#awake();
    try {
      for (const [i, voice] of voices.entries()) {
        try {
          await voice.synthesiser.say(source.from(told.characters), told.another(), signal);
          told.finish();
          return;
        } catch (error) {
          const next = voices[i + 1];
          if (signal.aborted || source.hasFailed || told.hasFailed) throw error;
          this.#restsUntilUs.set(voice, context.clock.nowUs() + REST_US);
          if (!next) throw error;
          context.log.warn({ err: error, voice: voice.type, next: next.type }, 'another voice says the rest');
          context.measured('fallback', (context.clock.nowUs() - begunUs) / 1000);
        }
      }
    } finally {
      source.close();
    }
  }

  async close(): Promise<void> {
    for (const { synthesiser } of this.#voices) await synthesiser.close?.();
  }

  /** Those that may be asked; where all have failed just now, all of them. */
  #awake(): readonly NamedVoice[] {
    const nowUs = this.#context.clock.nowUs();
    const awake = this.#voices.filter((voice) => (this.#restsUntilUs.get(voice) ?? 0) <= nowUs);
    return awake.length > 0 ? awake : this.#voices;
  }
}

/** What was told of a text, by whichever voice. */
class ToldSpeech {
  readonly #listener: SpeechListener;
  #soundUs = 0;
  /** Words whose sound has not been handed over. */
  #words: SpokenWord[] = [];
  /** All sound up to here has been handed over. */
  characters = 0;
  hasFailed = false;

  constructor(listener: SpeechListener) {
    this.#listener = listener;
  }

  /** For a voice that begins where the one before it has ended. */
  another(): SpeechListener {
    const [fromUs, from] = [this.#soundUs, this.characters];
    this.#words = [];
    return {
      onAudio: (samples, format) => this.#audio(samples, format),
      onWords: (words) => {
        for (const { text, startUs, endUs } of words)
          this.#words.push({ text, startUs: fromUs + startUs, endUs: fromUs + endUs });
      },
      onText: (characters) => {
        this.characters = from + characters;
        this.#tellWords();
        this.#listener.onText?.(this.characters);
      },
    };
  }

  /** The text has been said. */
  finish(): void {
    this.#soundUs = Infinity;
    this.#tellWords();
  }

  async #audio(samples: Int16Array, format: SpeechFormat): Promise<void> {
    try {
      await this.#listener.onAudio(samples, format);
    } catch (error) {
      this.hasFailed = true;
      throw error;
    }
    this.#soundUs += (samples.length * 1e6) / format.numberOfChannels / format.sampleRate;
    this.#tellWords();
  }

  #tellWords(): void {
    const waiting = this.#words.findIndex(({ startUs }) => startUs >= this.#soundUs);
    const heard = this.#words.splice(0, waiting === -1 ? this.#words.length : waiting);
    if (heard.length > 0) this.#listener.onWords?.(heard);
  }
}
