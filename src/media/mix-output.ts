import { Readable } from 'node:stream';
import type { Limiter } from './limiter.js';

/** How many chunks wait for a slow reader. */
const WAITING = 8;

/** One reader of the mix, or of the mix without its own part. */
export class MixOutput extends Readable {
  readonly limiter: Limiter;
  /** What the reader gave itself in this period, and does not hear. */
  own: readonly Int16Array[] | undefined;
  isHungry = false;
  #hasBegun = false;
  readonly #wanted: () => void;

  constructor(limiter: Limiter, wanted: () => void) {
    super({ objectMode: true, highWaterMark: WAITING });
    this.limiter = limiter;
    this.#wanted = wanted;
  }

  override _read(): void {
    this.isHungry = this.#hasBegun = true;
    this.#wanted();
  }

  /** Whether the reader has begun, and is too far behind to take more now. */
  get isFull(): boolean {
    return this.#hasBegun && !this.isHungry;
  }

  /** False where the reader is too far behind to take it. Who has not begun to read misses nothing. */
  give(chunk: object): boolean {
    if (!this.isHungry) return !this.#hasBegun;
    this.isHungry = this.push(chunk);
    return true;
  }

  finish(): void {
    this.isHungry = false;
    if (!this.readableEnded && !this.destroyed) this.push(null);
  }
}
