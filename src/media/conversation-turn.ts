/** What one took part in a conversation with, as it was heard. Immutable once it has been written to a stream. */
export interface ConversationTurn {
  readonly kind: 'turn';
  readonly role: 'user' | 'agent';
  /** Of an agent: the words whose sound has left. */
  readonly text: string;
  /** Who said it, where it was not the agent; the name of the participant. */
  readonly participant?: string;
  readonly streamId?: string;
  /** From the first sound to the last, in µs on the clock of the graph. */
  readonly start: number;
  readonly end: number;
  /** It was going to be longer. */
  readonly isInterrupted?: boolean;
  /** Of an interrupted one: which words were heard was estimated, since the engine or the publisher did not say it. */
  readonly isEstimated?: boolean;
  /** Of an agent that answered somebody. */
  readonly latency?: VoiceLatency;
}

/** How long an answer took, in ms. */
export interface VoiceLatency {
  /** From the last sound of who was answered to the first of the answer. */
  readonly voiceToVoiceMs: number;
  /** The stages that it is made of; they add up to it. */
  readonly stages: Readonly<Record<string, number>>;
  /** What is left of it without engines, and without the silence that was asked for at the end of a turn. */
  readonly frameworkMs: number;
}
