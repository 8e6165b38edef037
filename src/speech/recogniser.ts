import type { TranscriptWord } from '../media/transcript.js';
import type { Utterance } from './utterances.js';

/** Turns what is said into text, an utterance at a time. What every speech-to-text node is made of. */
export interface Recogniser {
  /**
   * The words of an utterance; an empty text where there are none. Rejects with a SluiceError, or with the signal's reason, and
   * leaves nothing behind however it ends.
   */
  recognise(utterance: Utterance, signal: AbortSignal): Promise<Recognition>;
}

export interface Recognition {
  readonly text: string;
  /** Where the engine says when each was said. */
  readonly words?: readonly TranscriptWord[];
}
