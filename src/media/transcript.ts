import type { Passing } from './passing.js';

/** What was said: the words of one utterance of one speaker, as far as they are known. Immutable once it has been written to a stream. */
export interface Transcript {
  readonly kind: 'transcript';
  /** The whole text of the utterance so far. */
  readonly text: string;
  /** False while it may change: the next transcript of the same utterance takes the place of this one. */
  readonly isFinal: boolean;
  /** Where the utterance begins and ends on the media clock of the sound it was heard in, in µs. */
  readonly start: number;
  readonly end: number;
  /** Who said it: the name of the participant, where the sound was that of one. */
  readonly participant?: string;
  readonly streamId?: string;
  /** When each word was said; where that is not known yet, as while somebody speaks, they may be missing. */
  readonly words?: readonly TranscriptWord[];
  /** When what it was made of passed the stages before, in their order; where they tell. */
  readonly passed?: readonly Passing[];
}

export interface TranscriptWord {
  readonly text: string;
  /** On the same clock, in µs. */
  readonly start: number;
  readonly end: number;
  /** Estimated, by the length of the words: the engine does not say when each was said, or only where it begins. */
  readonly isEstimated?: boolean;
}
