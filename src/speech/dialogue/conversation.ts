import type { Message } from '../language-model.js';

/** The messages of a conversation for a language model: the last ones, and what it was told at first. Pure. */
export class Conversation {
  readonly #instructions: readonly Message[];
  readonly #most: number;
  #messages: Message[] = [];

  /** `most`: so many messages are kept, beside the instructions. */
  constructor(instructions: string, most: number) {
    this.#instructions = instructions === '' ? [] : [{ role: 'system', text: instructions }];
    this.#most = most;
  }

  get messages(): readonly Message[] {
    return [...this.#instructions, ...this.#messages];
  }

  add(...messages: readonly Message[]): void {
    this.#messages.push(...messages);
    if (this.#messages.length > this.#most) this.#messages = this.#messages.slice(-this.#most);
    // The result of a call means nothing without the call.
    while (this.#messages[0]?.role === 'tool') this.#messages.shift();
  }

  /** Takes the last message back that somebody said, as long as it has not been answered. */
  takeBack(name: string): void {
    const index = this.#messages.findLastIndex((message) => message.role !== 'user' || message.name === name);
    if (index >= 0 && this.#messages[index]?.role === 'user') this.#messages.splice(index, 1);
  }
}
