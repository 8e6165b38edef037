import { MediaBuffer } from '../media/media-buffer.js';
import type { MediaValue } from '../media/media-value.js';
import type { Kind, ReaderEvent } from './driver.js';

/** One kind of media on its way to a reader: goes out while there is credit, waits up to a limit, and loses the oldest beyond it. */
export class CreditedQueue {
  readonly #kind: Kind;
  readonly #onEvent: (event: ReaderEvent) => void;
  readonly #queue: MediaBuffer<MediaValue>;
  #credit = 0;

  constructor(kind: Kind, maxLagMs: number, onEvent: (event: ReaderEvent) => void) {
    this.#kind = kind;
    this.#onEvent = onEvent;
    this.#queue = new MediaBuffer<MediaValue>(maxLagMs, 'drop-oldest');
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  grant(values: number): void {
    this.#credit += values;
    while (this.#credit > 0) {
      const value = this.#queue.shift();
      if (!value) return;
      this.#send(value);
    }
  }

  push(value: MediaValue, durationUs: number): void {
    if (this.#credit > 0) {
      this.#send(value);
      return;
    }
    const before = this.#queue.counters.droppedUs;
    const values = this.#queue.push(value, durationUs);
    if (values === 0) return;
    this.#onEvent({
      type: 'overflow',
      kind: this.#kind,
      values,
      durationUs: this.#queue.counters.droppedUs - before,
    });
  }

  #send(value: MediaValue): void {
    this.#credit--;
    this.#onEvent({ type: 'media', value });
  }
}
