import { MediaBuffer } from '../../media/media-buffer.js';
import { durationUs, type MediaValue } from '../../media/media-value.js';
import type { Kind, ReaderEvent } from '../../session/driver.js';

/** Media time of a picture that does not say it, in µs. */
const PICTURE_US = 33_333;

/** Media of one kind for one reader: it goes out while there is credit, and waits when there is none, up to a limit. */
export class ReaderLane {
  readonly #kind: Kind;
  readonly #onEvent: (event: ReaderEvent) => void;
  readonly #buffer: MediaBuffer<MediaValue>;
  #credit = 0;

  /** `maxLagMs`: media time that may wait; then the oldest is dropped. */
  constructor(kind: Kind, maxLagMs: number, onEvent: (event: ReaderEvent) => void) {
    this.#kind = kind;
    this.#onEvent = onEvent;
    this.#buffer = new MediaBuffer(maxLagMs, 'drop-oldest');
  }

  grant(values: number): void {
    this.#credit += values;
    while (this.#credit > 0) {
      const value = this.#buffer.shift();
      if (!value) return;
      this.#pass(value);
    }
  }

  push(value: MediaValue): void {
    if (this.#credit > 0) {
      this.#pass(value);
      return;
    }
    const { counters } = this.#buffer;
    const droppedUs = counters.droppedUs;
    const values = this.#buffer.push(value, durationUs(value) || PICTURE_US);
    if (values === 0) return;
    const event = { kind: this.#kind, values, durationUs: counters.droppedUs - droppedUs };
    this.#onEvent({ type: 'overflow', ...event });
  }

  #pass(value: MediaValue): void {
    this.#credit--;
    this.#onEvent({ type: 'media', value });
  }
}
