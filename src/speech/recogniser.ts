import type { AudioData } from '../media/audio-data.js';
import type { TranscriptWord } from '../media/transcript.js';
import type { Utterance } from './utterances.js';

/** Turns what is said into text, an utterance at a time. What `stt-exec`, `stt-openai` and offline models are made of. */
export interface Recogniser {
  /**
   * The words of an utterance; an empty text where there are none. Rejects with a SluiceError whose `retryable` says whether the
   * same may work later, or with the signal's reason, and leaves nothing behind however it ends.
   */
  recognise(utterance: Utterance, signal: AbortSignal): Promise<Recognition>;
  /** Lets go of what it keeps between utterances: a model, a connection. */
  close?(): void | Promise<void>;
}

export interface Recognition {
  readonly text: string;
  /** Where the engine says when each was said, on the clock of the utterance. */
  readonly words?: readonly TranscriptWord[];
}

/** Turns sound into text while it comes. What `stt-deepgram` and streaming models are made of. */
export interface StreamingRecogniser {
  /** Listens to one speaker. Errors as `recognise`. */
  listen(options: ListenOptions): Promise<Listening>;
  close?(): void | Promise<void>;
}

export interface ListenOptions {
  /** Hz; the sound is mono. */
  readonly sampleRate: number;
  /** Ends it at once: nothing is told any more, nothing is left. */
  readonly signal: AbortSignal;
  /** Text of what is being said. A text that is final is not told again; one that is not takes the place of the one before. */
  readonly onHeard: (heard: Heard) => void;
  /** It broke, and is over. Not called after `end` or an abort. */
  readonly onFailed: (error: Error) => void;
}

export interface Heard extends Recognition {
  readonly isFinal: boolean;
  /** On the media clock of the sound that was written, in µs. */
  readonly startUs: number;
  readonly endUs: number;
}

export interface Listening {
  /** Takes sound as it comes; false where it does not get rid of it, and the chunk was not taken. Never waits. */
  write(chunk: AudioData): boolean;
  /** Nobody speaks any more: what was heard becomes final as soon as it can. */
  finish(): void;
  /** No more sound comes. Settles when all that was said has been told. */
  end(): Promise<void>;
}
