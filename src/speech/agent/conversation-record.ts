import type { ConversationTurn } from '../../media/conversation-turn.js';
import { Conversation } from '../dialogue/conversation.js';
import type { TurnDecision } from '../dialogue/turn-taker.js';
import type { Message } from '../language-model.js';

/** What somebody said, and how it came to that. Times in µs of the clock. */
export interface UserTurn extends Extract<TurnDecision, { type: 'turn' }> {
  /** Of who said it. */
  readonly name: string;
  /** It was known that they had stopped. */
  readonly detectedUs: number;
  /** Its words had come. */
  readonly transcribedUs: number;
  /** It was decided that this is all. */
  readonly decidedUs: number;
}

export interface ConversationRecordOptions {
  readonly instructions: string;
  readonly maxMessages: number;
  readonly onTurn: (turn: ConversationTurn) => void;
}

/** What was said in a conversation with an agent: for the language model at once, for others when nothing of it can change any more. */
export class ConversationRecord {
  /** What the agent said last. */
  lastText = '';
  readonly #options: ConversationRecordOptions;
  readonly #conversation: Conversation;
  /** Said by others, and not told of yet: it may go on until it is answered. */
  #untold: UserTurn[] = [];

  constructor(options: ConversationRecordOptions) {
    this.#options = options;
    this.#conversation = new Conversation(options.instructions, options.maxMessages);
  }

  get messages(): readonly Message[] {
    return this.#conversation.messages;
  }

  /** What was said last and is not answered; undefined where nothing is. */
  get unanswered(): UserTurn | undefined {
    return this.#untold.at(-1);
  }

  said(turn: UserTurn): void {
    this.#untold.push(turn);
    this.#conversation.add({ role: 'user', text: turn.text, name: turn.name });
  }

  /** What somebody said last is going on. */
  takeBack(participant: string): void {
    const last = this.#untold.findLast((turn) => turn.participant === participant);
    this.#untold = this.#untold.filter((turn) => turn.participant !== participant);
    if (last) this.#conversation.takeBack(last.name);
  }

  /** What others said is not going on any more. */
  settle(): void {
    for (const { participant, name, text, startUs, endUs } of this.#untold.splice(0)) {
      this.#options.onTurn({
        kind: 'turn',
        role: 'user',
        text,
        participant: name,
        streamId: participant,
        start: Math.round(startUs),
        end: Math.round(endUs),
      });
    }
  }

  /** The agent has said that; `calls` came before it. An empty text was not heard. */
  answered(turn: Omit<ConversationTurn, 'kind' | 'role'>, calls: readonly Message[]): void {
    this.settle();
    this.lastText = turn.text;
    this.#conversation.add(...calls);
    if (turn.text === '') return;
    this.#conversation.add({ role: 'assistant', text: turn.text });
    this.#options.onTurn({ kind: 'turn', role: 'agent', ...turn });
  }
}
