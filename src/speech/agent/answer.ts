import type { AudioData } from '../../media/audio-data.js';
import type { NodeLog } from '../../media/node.js';
import type { Clock } from '../../media/clock.js';
import { AudioPieces, type AudioPiecesFormat } from '../audio-pieces.js';
import { SpokenText, type HeardText } from '../dialogue/spoken-text.js';
import type { LanguageModel, Message, Tool } from '../language-model.js';
import type { SpeechFormat, SpeechListener, Synthesiser } from '../synthesiser.js';
import { TextPieces } from '../text-pieces.js';
import type { Mouth } from './mouth.js';

/** Who thinks and who speaks. */
export interface Engines {
  readonly llm: LanguageModel;
  readonly tts: Synthesiser;
  /** Speaks where `tts` has failed. */
  readonly fallbackTts: Synthesiser;
  /** Said where an engine has failed. */
  readonly fallbackText: string;
}

export interface AnswerOptions {
  readonly engines: Engines;
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
  readonly mouth: Mouth;
  readonly format: AudioPiecesFormat;
  readonly clock: Clock;
  readonly log: NodeLog;
  /** An engine has failed; `reason` is a few fixed words. */
  readonly onFailed: (reason: string) => void;
}

/** So much sound waits at most to be heard, in µs; then the engine waits. */
const MOST_WAITING_US = 30_000_000;
/** What is louder is voice, of full scale 32768. */
const VOICED = 300;

/** One answer of an agent: thought, said and given to its mouth while it comes. */
export class Answer {
  /** What was called on the way. */
  calls: readonly Message[] = [];
  /** When the first text and the first sound came, in µs of the clock. */
  thoughtUs: number | undefined;
  synthesisedUs: number | undefined;
  /** Where in its sound voice begins, in µs. */
  voicedUs: number | undefined;
  readonly #options: AnswerOptions;
  readonly #abort = new AbortController();
  readonly #pieces: AudioPieces;
  /** What is said: as it was meant, and where something failed what is said instead. Each begins in the sound at `fromUs`. */
  readonly #spoken: { readonly text: SpokenText; readonly fromUs: number }[] = [];
  #soundUs = 0;
  /** What is thought, on its way to be said. */
  #text: TextPieces | undefined;

  constructor(options: AnswerOptions) {
    this.#options = options;
    this.#pieces = new AudioPieces(options.format);
  }

  /** What has been heard of it when its sound up to there has. */
  heardUntil(us: number): HeardText {
    const heard = this.#spoken.map(({ text, fromUs }) => text.heardUntil(us - fromUs));
    return {
      text: heard
        .map(({ text }) => text)
        .filter((text) => text !== '')
        .join(' '),
      isEstimated: heard.some(({ text, isEstimated }) => text !== '' && isEstimated),
    };
  }

  /** Whether it was called off. */
  get isAborted(): boolean {
    return this.#abort.signal.aborted;
  }

  /** Nobody wants it any more: engines stop at once, and nothing more is given. */
  abort(): void {
    this.#abort.abort(new Error('the answer is not wanted any more'));
    this.#text?.abandon();
  }

  /** Thinks and speaks; settles when all of its sound has been given to the mouth. Never rejects. */
  async run(): Promise<void> {
    const { engines } = this.#options;
    await this.#saying(
      async () => (await this.#answer()) || (await this.#say(engines.fallbackText, engines.fallbackTts)),
    );
  }

  /** Says a text that needs no thought; otherwise as `run`. */
  async runText(text: string): Promise<void> {
    const { engines } = this.#options;
    await this.#saying(
      async () => (await this.#say(text, engines.tts)) || (await this.#say(text, engines.fallbackTts)),
    );
  }

  async #saying(attempt: () => Promise<boolean>): Promise<void> {
    const { mouth, onFailed } = this.#options;
    mouth.begin();
    const isSaid = await attempt();
    if (!this.isAborted) {
      if (!isSaid) onFailed('nothing said');
      this.#give(this.#pieces.end(0));
      mouth.end();
    }
    this.#pieces.close();
  }

  /** Whether the answer was said, or nobody wants it any more. */
  async #answer(): Promise<boolean> {
    const { engines, messages, tools, clock } = this.#options;
    const text = (this.#text = new TextPieces());
    const spoken = this.#begin();
    // What one of them breaks, the other need not finish.
    const failing = new AbortController();
    const signal = AbortSignal.any([this.#abort.signal, failing.signal]);
    const onText = (piece: string): void => {
      this.thoughtUs ??= clock.nowUs();
      spoken.write(piece);
      text.write(piece);
    };
    const thinking = engines.llm.answer({ messages, tools, onText }, signal).finally(() => {
      text.end();
    });
    const speaking = engines.tts.say(text, this.#listener(spoken), signal).catch((error: unknown) => {
      failing.abort(error);
      throw error;
    });
    const [thought, said] = await Promise.allSettled([thinking, speaking]);
    if (this.isAborted) return true;
    if (thought.status === 'fulfilled') this.calls = thought.value.calls;
    if (said.status === 'rejected') this.#tell(said.reason, 'not said');
    else if (thought.status === 'rejected') this.#tell(thought.reason, 'not answered');
    if (said.status === 'fulfilled' && thought.status === 'fulfilled') spoken.end();
    else spoken.cut();
    return said.status === 'fulfilled' && thought.status === 'fulfilled';
  }

  /** Whether a text was said, or nobody wants it any more. */
  async #say(text: string, tts: Synthesiser): Promise<boolean> {
    if (this.isAborted || text === '') return true;
    const pieces = new TextPieces();
    const spoken = this.#begin();
    spoken.write(text);
    pieces.write(text);
    pieces.end();
    this.thoughtUs ??= this.#options.clock.nowUs();
    try {
      await tts.say(pieces, this.#listener(spoken), this.#abort.signal);
      spoken.end();
      return true;
    } catch (error) {
      if (this.#isOver()) return true;
      spoken.cut();
      this.#tell(error, 'not said');
      return false;
    }
  }

  /** It may become so while one waits. */
  #isOver(): boolean {
    return this.isAborted;
  }

  #begin(): SpokenText {
    const text = new SpokenText();
    this.#spoken.push({ text, fromUs: this.#soundUs });
    return text;
  }

  #listener(spoken: SpokenText): SpeechListener {
    return {
      onAudio: (samples, format) => this.#take(spoken, samples, format),
      onText: (characters) => {
        spoken.part(characters);
      },
      onWords: (words) => {
        spoken.words(words);
      },
    };
  }

  async #take(spoken: SpokenText, samples: Int16Array, format: SpeechFormat): Promise<void> {
    if (this.isAborted || samples.length === 0) return;
    const { clock, mouth } = this.#options;
    this.synthesisedUs ??= clock.nowUs();
    const frames = samples.length / format.numberOfChannels;
    if (this.voicedUs === undefined) {
      const at = samples.findIndex((sample) => sample > VOICED || sample < -VOICED);
      const frame = Math.floor(at / format.numberOfChannels);
      if (at >= 0) this.voicedUs = this.#soundUs + (frame * 1_000_000) / format.sampleRate;
    }
    const us = (frames * 1_000_000) / format.sampleRate;
    this.#soundUs += us;
    spoken.sound(us);
    this.#give(await this.#pieces.push(samples, format));
    await mouth.untilLess(MOST_WAITING_US);
  }

  #give(chunks: readonly AudioData[]): void {
    if (!this.isAborted) for (const chunk of chunks) this.#options.mouth.say(chunk);
  }

  #tell(error: unknown, reason: string): void {
    this.#options.onFailed(reason);
    this.#options.log.warn({ err: error }, reason);
  }
}
