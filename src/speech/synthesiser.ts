/** Says texts. What every text-to-speech node is made of, and the voice of an agent. */
export interface Synthesiser {
  /**
   * Says a text that may still be written while it is said: its pieces come as a language model gives them, white space included.
   * Settles when all has been handed over; rejects with a SluiceError whose `retryable` says whether the same may work later, or
   * with the signal's reason. However it ends, nothing is left: no process, no request, no socket in use.
   * Empty texts give no sound.
   */
  say(text: AsyncIterable<string>, listener: SpeechListener, signal: AbortSignal): Promise<void>;
  /** Lets go of what it keeps between texts. */
  close?(): void | Promise<void>;
}

export interface SpeechListener {
  /** Sound in the order in which it is to be heard, interleaved; the memory is the listener's. A promise makes the engine wait. */
  onAudio(samples: Int16Array, format: SpeechFormat): void | Promise<void>;
  /**
   * Where words lie in the sound of this text, in µs from its beginning: told by engines that know it, before or after the sound
   * itself, in order, each word once. Where it is never called the words are estimated (`spoken-text.ts`).
   */
  onWords?(words: readonly SpokenWord[]): void;
  /** All sound of the text up to here (characters of what came in so far) has been handed over: a sentence, say. */
  onText?(characters: number): void;
}

export interface SpeechFormat {
  /** Hz; any. */
  readonly sampleRate: number;
  readonly numberOfChannels: number;
}

export interface SpokenWord {
  readonly text: string;
  /** In µs from the beginning of the sound of its text. */
  readonly startUs: number;
  readonly endUs: number;
}
