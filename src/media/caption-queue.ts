import type { CaptionsData } from './captions.js';

/** Texts that wait for a reader; the oldest goes for a new one. */
const MAX_WAITING = 64;

/** Captions on their way to one reader: they go out while it has given credit, and some wait when it has not. */
export class CaptionQueue {
  readonly #send: (captions: CaptionsData) => void;
  readonly #onDropped: () => void;
  readonly #waiting: CaptionsData[] = [];
  #credit = 0;
  #started = false;

  /** `onDropped`: a text was dropped, since the reader is too slow. */
  constructor(send: (captions: CaptionsData) => void, onDropped: () => void) {
    this.#send = send;
    this.#onDropped = onDropped;
  }

  /** The reader has asked for captions. */
  get started(): boolean {
    return this.#started;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Lets so many more texts go. */
  grant(values: number): void {
    this.#started = true;
    this.#credit += values;
    while (this.#credit > 0) {
      const captions = this.#waiting.shift();
      if (!captions) return;
      this.#pass(captions);
    }
  }

  /** Takes a text; before the first read it is of no interest. */
  push(captions: CaptionsData): void {
    if (!this.#started) return;
    if (this.#credit > 0) {
      this.#pass(captions);
      return;
    }
    this.#waiting.push(captions);
    if (this.#waiting.length <= MAX_WAITING) return;
    this.#waiting.shift();
    this.#onDropped();
  }

  #pass(captions: CaptionsData): void {
    this.#credit--;
    this.#send(captions);
  }
}
