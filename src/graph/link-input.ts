import type { Writable } from 'node:stream';
import type { PipelineValue } from '../media/media-value.js';
import type { DropReason, LinkCount } from './link-count.js';

/** One stream that takes what a link carries, and what it was given and has not taken yet. */
export class LinkInput {
  readonly writable: Writable;
  /** Values that it was given and is not done with. */
  given = 0;
  /** Values that it is done with. */
  taken = 0;
  /** It wants no more for now. */
  isFull = false;
  readonly #count: LinkCount;
  readonly #onDrain: () => void;
  #detached = false;

  /** `onDrain` is called when it wants more again. */
  constructor(writable: Writable, count: LinkCount, onDrain: () => void) {
    this.writable = writable;
    this.#count = count;
    this.#onDrain = onDrain;
    writable.on('drain', this.#drained);
  }

  /** False once it has ended or was destroyed. */
  get takes(): boolean {
    return !this.writable.destroyed && !this.writable.writableEnded;
  }

  give(value: PipelineValue): void {
    this.given++;
    if (!this.writable.write(value, this.#done)) this.isFull = true;
  }

  end(): void {
    if (this.takes) this.writable.end();
  }

  /** Nothing more is given to it; what it has not taken is lost for `reason`. */
  detach(reason: DropReason): void {
    if (this.#detached) return;
    this.#detached = true;
    this.writable.off('drain', this.#drained);
    this.#count.drop(reason, this.given);
    this.given = 0;
  }

  /** One for all values, in the order in which they were given. */
  readonly #done = (error?: Error | null): void => {
    if (this.#detached) return;
    this.given--;
    if (error) {
      this.#count.drop('reader failed');
      return;
    }
    this.taken++;
    this.#count.taken++;
  };

  readonly #drained = (): void => {
    this.isFull = false;
    this.#onDrain();
  };
}
