/** Answers in a conversation. What every node of a language model is made of, and the mind of an agent. */
export interface LanguageModel {
  /**
   * Answers to a conversation; the text is told as it comes. Settles with all of it. Rejects with a SluiceError whose `retryable`
   * says whether the same may work later, or with the signal's reason, and leaves nothing behind however it ends.
   */
  answer(request: AnswerRequest, signal: AbortSignal): Promise<Answer>;
  close?(): void | Promise<void>;
}

export interface AnswerRequest {
  readonly messages: readonly Message[];
  /** What it may call; it is called by `answer` itself, and its result goes back into the conversation. */
  readonly tools?: readonly Tool[];
  readonly onText: (piece: string) => void;
}

export interface Answer {
  /** The whole of what was told; may be empty. */
  readonly text: string;
  /** What was called on the way, with the results, as messages that follow those of the request. */
  readonly calls: readonly Message[];
}

/** What was said in a conversation. Of the agent: what was heard of it. */
export type Message =
  | { readonly role: 'system' | 'assistant'; readonly text: string; readonly calls?: readonly ToolCall[] }
  | { readonly role: 'user'; readonly text: string; readonly name?: string }
  | { readonly role: 'tool'; readonly callId: string; readonly text: string };

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON, as the model wrote it. */
  readonly arguments: string;
}

/** A function of the user's program. */
export interface Tool {
  /** 1 to 64 letters, digits, `_` and `-`. */
  readonly name: string;
  readonly description: string;
  /** JSON Schema of its one argument, an object. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** What it gives goes to the model as text, JSON where it is no text. What it throws is told to the model as a failure. */
  call(argument: unknown, signal: AbortSignal): unknown;
}
