import { wordsOf } from '../words.js';

export interface InterruptionOptions {
  /** The agent goes silent when somebody has spoken for so long, in ms; the silence counts after which they are known to have stopped. */
  readonly minDurationMs: number;
  /** Fewer words are no interruption. 0: voice is enough to make the agent go silent. */
  readonly minWords: number;
  /** Words that say nothing but that one listens. */
  readonly backchannels: readonly string[];
  /** The agent goes on when nothing was understood for so long after the voice ended, in ms. */
  readonly falseInterruptionMs: number;
}

/** What listeners say while they listen. */
export const BACKCHANNELS: readonly string[] =
  'yeah yes yep yup uh-huh mm-hmm mhm mm hmm hm uh um ah oh okay ok right sure aha wow really ja genau oui sí'.split(
    ' ',
  );

/** What words that come while the agent speaks are. Pure. */
export class Interruptions {
  readonly #options: InterruptionOptions;
  readonly #backchannels: ReadonlySet<string>;

  constructor(options: InterruptionOptions) {
    this.#options = options;
    this.#backchannels = new Set(options.backchannels.flatMap(wordsOf));
  }

  /** Whether voice alone makes the agent go silent. */
  get byVoice(): boolean {
    return this.#options.minWords === 0;
  }

  /** Whether a text says nothing but that one listens. */
  isBackchannel(text: string): boolean {
    const words = wordsOf(text);
    return words.length > 0 && words.every((word) => this.#backchannels.has(word));
  }

  /** Whether a text is reason enough for the agent to stop. */
  interrupts(text: string): boolean {
    const words = wordsOf(text);
    return words.length >= Math.max(1, this.#options.minWords) && !this.isBackchannel(text);
  }
}
