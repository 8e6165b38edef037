import type { TurnDecision } from '../dialogue/turn-taker.js';
import type { UserTurn } from './conversation-record.js';

/** A participant, and when what they said last came how far. Times in µs of the clock. */
interface Listener {
  readonly name: string;
  detectedUs: number;
  transcribedUs: number;
  /** Until they have left: then only their last turn is waited for. */
  isThere: boolean;
}

/** Who takes part in a conversation with an agent. */
export class Audience {
  readonly #listeners = new Map<string, Listener>();

  /** Whether anybody is there to hear something. */
  get isThere(): boolean {
    return [...this.#listeners.values()].some(({ isThere }) => isThere);
  }

  joined(participant: string, name: string): void {
    if (this.#listeners.get(participant)?.isThere === true) return;
    this.#listeners.set(participant, { name, detectedUs: 0, transcribedUs: 0, isThere: true });
  }

  left(participant: string): void {
    const listener = this.#listeners.get(participant);
    if (listener) listener.isThere = false;
  }

  /** Nothing more comes of who has left. */
  forget(participant: string): void {
    if (this.#listeners.get(participant)?.isThere === false) this.#listeners.delete(participant);
  }

  /** It is known that they have stopped to speak. */
  stopped(participant: string, nowUs: number): void {
    const listener = this.#listeners.get(participant);
    if (listener) listener.detectedUs = nowUs;
  }

  /** Their words have come. */
  transcribed(participant: string, nowUs: number): void {
    const listener = this.#listeners.get(participant);
    if (listener) listener.transcribedUs = nowUs;
  }

  /** What they said, with their name, and how it came to that. */
  turn(decision: Extract<TurnDecision, { type: 'turn' }>, decidedUs: number): UserTurn {
    const listener: Partial<Listener> = this.#listeners.get(decision.participant) ?? {};
    const { name = decision.participant, detectedUs = decidedUs, transcribedUs = decidedUs } = listener;
    return { ...decision, name, detectedUs, transcribedUs, decidedUs };
  }
}
