/** What a full buffer does with more: makes room at its old end, or refuses the new value. */
export type OverflowPolicy = 'drop-oldest' | 'drop-newest';

/** What went through a buffer. `pushed = shifted + dropped + held` at all times, in values and in µs alike. */
export interface MediaBufferCounters {
  pushed: number;
  shifted: number;
  dropped: number;
  pushedUs: number;
  shiftedUs: number;
  droppedUs: number;
}

/**
 * A queue bounded by media time. One value longer than the whole limit is kept only while it is alone.
 * No timers, no events: the owner decides when to push and when to shift.
 */
export class MediaBuffer<T> {
  readonly counters: MediaBufferCounters = {
    pushed: 0,
    shifted: 0,
    dropped: 0,
    pushedUs: 0,
    shiftedUs: 0,
    droppedUs: 0,
  };
  readonly #limitUs: number;
  readonly #policy: OverflowPolicy;
  #values: (T | undefined)[] = new Array<T | undefined>(16);
  #durations = new Float64Array(16);
  #times = new Float64Array(16);
  #head = 0;
  #length = 0;
  #heldUs = 0;

  /** `limitMs`: media time that may be held, in ms. */
  constructor(limitMs: number, policy: OverflowPolicy) {
    this.#limitUs = limitMs * 1000;
    this.#policy = policy;
  }

  get length(): number {
    return this.#length;
  }

  /** Media time held, in µs. */
  get heldUs(): number {
    return this.#heldUs;
  }

  /** When the oldest value came, as its owner said; 0 while there is none. */
  get headAtUs(): number {
    return this.#length === 0 ? 0 : (this.#times[this.#head] ?? 0);
  }

  /**
   * Adds a value that came at `atUs`; the number of values that were dropped for it (the new one itself counts under
   * `drop-newest`).
   */
  push(value: T, durationUs: number, atUs = 0): number {
    this.counters.pushed++;
    this.counters.pushedUs += durationUs;
    let dropped = 0;
    if (this.#policy === 'drop-newest' && this.#length > 0 && this.#heldUs + durationUs > this.#limitUs) {
      this.counters.dropped++;
      this.counters.droppedUs += durationUs;
      return 1;
    }
    while (this.#length > 0 && this.#heldUs + durationUs > this.#limitUs) {
      this.drop();
      dropped++;
    }
    if (this.#length === this.#values.length) this.#grow();
    const slot = (this.#head + this.#length) & (this.#values.length - 1);
    this.#values[slot] = value;
    this.#durations[slot] = durationUs;
    this.#times[slot] = atUs;
    this.#length++;
    this.#heldUs += durationUs;
    return dropped;
  }

  /** The oldest value, left in place. */
  peek(): T | undefined {
    return this.#length === 0 ? undefined : this.#values[this.#head];
  }

  /** Takes the oldest value. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const durationUs = this.#durations[this.#head] ?? 0;
    this.counters.shifted++;
    this.counters.shiftedUs += durationUs;
    return this.#take(durationUs);
  }

  /** Drops everything; how many values that were. */
  clear(): number {
    const count = this.#length;
    while (this.#length > 0) this.drop();
    return count;
  }

  /** Does away with the oldest value, which is given back. */
  drop(): T | undefined {
    if (this.#length === 0) return undefined;
    const durationUs = this.#durations[this.#head] ?? 0;
    this.counters.dropped++;
    this.counters.droppedUs += durationUs;
    return this.#take(durationUs);
  }

  #take(durationUs: number): T | undefined {
    const value = this.#values[this.#head];
    this.#values[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#values.length - 1);
    this.#length--;
    this.#heldUs = this.#length === 0 ? 0 : this.#heldUs - durationUs;
    return value;
  }

  #grow(): void {
    const size = this.#values.length * 2;
    const values = new Array<T | undefined>(size);
    const durations = new Float64Array(size);
    const times = new Float64Array(size);
    for (let i = 0; i < this.#length; i++) {
      const slot = (this.#head + i) & (this.#values.length - 1);
      values[i] = this.#values[slot];
      durations[i] = this.#durations[slot] ?? 0;
      times[i] = this.#times[slot] ?? 0;
    }
    this.#values = values;
    this.#durations = durations;
    this.#times = times;
    this.#head = 0;
  }
}
