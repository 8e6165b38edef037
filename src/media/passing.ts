/** When a value, or what it was made of, passed a stage of a pipeline. The stages of a conversation add up to its delay. */
export interface Passing {
  /** As `heard`, `speech-ended`, `transcribed`. */
  readonly stage: string;
  /** On the clock of the graph, in µs. */
  readonly atUs: number;
}
