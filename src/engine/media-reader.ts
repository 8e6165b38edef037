import { MediaBuffer } from '../media/media-buffer.js';
import type { MediaValue } from '../media/media-value.js';
import type { EngineEvents } from './port.js';

/** Tells the main thread something; `buffer` is transferred. */
export type Emit = <N extends keyof EngineEvents>(name: N, args: EngineEvents[N], buffer?: ArrayBufferLike) => void;

/**
 * One kind of media on its way to one reader of the main thread. Values go out while the reader has given credit, wait
 * up to the limit when it has not, and the oldest are dropped beyond that.
 */
export class MediaReader {
  readonly #id: number;
  readonly #kind: 'audio' | 'video';
  readonly #emit: Emit;
  readonly #queue: MediaBuffer<MediaValue>;
  #credit = 0;

  constructor(id: number, kind: 'audio' | 'video', maxLagMs: number, emit: Emit) {
    this.#id = id;
    this.#kind = kind;
    this.#emit = emit;
    this.#queue = new MediaBuffer<MediaValue>(maxLagMs, 'drop-oldest');
  }

  /** Values that the reader would take at once. */
  get credit(): number {
    return this.#credit;
  }

  get heldUs(): number {
    return this.#queue.heldUs;
  }

  /** Lets so many more values go. */
  grant(values: number): void {
    this.#credit += values;
    while (this.#credit > 0) {
      const value = this.#queue.shift();
      if (!value) return;
      this.#send(value);
    }
  }

  /** Takes a value that this reader owns: its buffer is transferred. */
  push(value: MediaValue, durationUs: number): void {
    if (this.#credit > 0) {
      this.#send(value);
      return;
    }
    const before = this.#queue.counters.droppedUs;
    const values = this.#queue.push(value, durationUs);
    if (values > 0) this.overflow(values, this.#queue.counters.droppedUs - before);
  }

  /** Tells of values that were dropped, here or before they came here. */
  overflow(values: number, durationUs: number): void {
    this.#emit('overflow', { reader: this.#id, kind: this.#kind, values, durationUs });
  }

  #send(value: MediaValue): void {
    this.#credit--;
    this.#emit('media', { reader: this.#id, value }, value.data.buffer);
  }
}
