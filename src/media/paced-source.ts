import { Readable } from 'node:stream';
import type { Clock, ClockTimer } from './clock.js';
import type { MediaValue } from './media-value.js';

export interface PacedSourceOptions {
  readonly clock: Clock;
  /** Live: one value each interval of the clock, whether it is read or not. Otherwise as fast as it is read. */
  readonly live: boolean;
  /** Media time of one value in microseconds. */
  readonly intervalUs: number;
  /** How many values there are; Infinity for no end. */
  readonly count: number;
  /** Makes value `index`, from 0 on. */
  readonly make: (index: number) => MediaValue;
  /** Called for every live value that came while the reader was behind. */
  readonly dropped: () => void;
}

/** How many values wait for a slow reader before live ones are dropped. */
const WAITING = 8;

/** A source that makes numbered values, in real time or as asked. Media time starts at the first read. */
export class PacedSource extends Readable {
  readonly #options: PacedSourceOptions;
  #next = 0;
  #startUs: number | undefined;
  #hungry = false;
  #timer: ClockTimer | undefined;

  constructor(options: PacedSourceOptions) {
    super({ objectMode: true, highWaterMark: WAITING });
    this.#options = options;
  }

  override _read(): void {
    if (!this.#options.live) {
      this.#emitNext();
      return;
    }
    this.#hungry = true;
    if (this.#startUs !== undefined) return;
    this.#startUs = this.#options.clock.nowUs();
    this.#tick();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#timer?.cancel();
    done(error);
  }

  readonly #tick = (): void => {
    const { clock, intervalUs, count, dropped } = this.#options;
    const elapsedUs = clock.nowUs() - (this.#startUs ?? 0);
    while (this.#next < count && this.#next * intervalUs <= elapsedUs + 0.5) {
      if (this.#hungry) this.#emitNext();
      else {
        this.#next++;
        dropped();
      }
    }
    if (this.#next >= count) {
      if (!this.readableEnded) this.push(null);
      return;
    }
    this.#timer = clock.after((this.#next * intervalUs - elapsedUs) / 1000, this.#tick);
  };

  #emitNext(): void {
    if (this.#next < this.#options.count) this.#hungry = this.push(this.#options.make(this.#next++));
    else this.push(null);
  }
}
