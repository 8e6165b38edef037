import type { Clock, ClockTimer } from '../../media/clock.js';
import { durationUs, type MediaValue } from '../../media/media-value.js';

export interface OutflowOptions {
  readonly clock: Clock;
  /** Media time of a picture that does not say it, in µs. */
  readonly frameUs: number;
  /** When a value is due, in µs of the clock; without it values follow one another without a gap. */
  readonly dueUs?: (value: MediaValue) => number;
  /** A value leaves, at this time of the clock. */
  readonly onValue: (value: MediaValue, atUs: number) => void;
  /** The queue has shrunk. */
  readonly onConsumed: () => void;
  /** The last value is over and nothing came after it; told once until more comes. */
  readonly onDrained: () => void;
}

/** Times that are no whole microseconds differ by this much. */
const ROUNDING_US = 0.5;

/** Media of one kind on its way out of a publisher, at the pace of the clock. */
export class Outflow {
  readonly #options: OutflowOptions;
  readonly #queue: MediaValue[] = [];
  readonly #drains: (() => void)[] = [];
  /** Where what has left ends, in µs of the clock. */
  #endUs = 0;
  #timer: ClockTimer | undefined;
  #isDry = true;
  /** Media time in µs that has left or was dropped; and that which has left. */
  consumedUs = 0;
  sentUs = 0;

  constructor(options: OutflowOptions) {
    this.#options = options;
  }

  write(value: MediaValue): void {
    // After a pause it begins now.
    if (this.#queue.length === 0) this.#endUs = Math.max(this.#endUs, this.#options.clock.nowUs());
    this.#queue.push(value);
    this.#isDry = false;
    this.#flow();
  }

  /** Drops what waits. */
  clear(): void {
    for (const value of this.#queue.splice(0)) this.consumedUs += this.#lengthOf(value);
    this.#endUs = Math.min(this.#endUs, this.#options.clock.nowUs());
    this.#flow();
  }

  /** Settles when everything that was written has left. */
  drained(): Promise<void> {
    if (this.#queue.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drains.push(resolve));
  }

  close(): void {
    this.#timer?.cancel();
    this.#queue.length = 0;
    for (const resolve of this.#drains.splice(0)) resolve();
  }

  readonly #flow = (): void => {
    this.#timer?.cancel();
    const { clock, dueUs, onValue, onConsumed } = this.#options;
    const nowUs = clock.nowUs();
    let isConsumed = false;
    for (let head = this.#queue[0]; head; head = this.#queue[0]) {
      const atUs = dueUs ? Math.max(nowUs, dueUs(head)) : this.#endUs;
      if (atUs > nowUs + ROUNDING_US) {
        this.#wait(atUs);
        break;
      }
      this.#queue.shift();
      this.#endUs = atUs + this.#lengthOf(head);
      this.consumedUs += this.#lengthOf(head);
      this.sentUs += this.#lengthOf(head);
      isConsumed = true;
      onValue(head, atUs);
    }
    if (this.#queue.length === 0) this.#ranOut(nowUs);
    if (isConsumed) onConsumed();
  };

  #ranOut(nowUs: number): void {
    for (const resolve of this.#drains.splice(0)) resolve();
    if (this.#isDry) return;
    if (this.#endUs > nowUs + ROUNDING_US) {
      this.#wait(this.#endUs);
      return;
    }
    this.#isDry = true;
    this.#options.onDrained();
  }

  #wait(untilUs: number): void {
    this.#timer = this.#options.clock.after((untilUs - this.#options.clock.nowUs()) / 1000, this.#flow);
  }

  #lengthOf(value: MediaValue): number {
    return durationUs(value) || this.#options.frameUs;
  }
}
