import type { Passing } from './passing.js';

/** Somebody has begun to speak, or has stopped. Immutable once it has been written to a stream. */
export interface VoiceActivity {
  readonly kind: 'voice-activity';
  readonly isSpeaking: boolean;
  /** Where speech begins or ends, on the media clock of the sound it was found in, in µs. It is earlier than what is known by now. */
  readonly timestamp: number;
  /** When what it was made of passed the stages before, in their order; where they tell. */
  readonly passed?: readonly Passing[];
}
