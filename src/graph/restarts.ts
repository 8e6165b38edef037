import type { Clock } from '../media/clock.js';
import type { OnError } from './schema.js';

type RestartConfig = Extract<OnError, { readonly action: 'restart' }>;

/** A node that ran so long is well: failures before do not count any more, in ms. */
const WELL_MS = 10_000;

/** How often a node has been made anew, and how soon it may be again. */
export class Restarts {
  readonly #config: RestartConfig;
  readonly #clock: Clock;
  #inRow = 0;
  #count = 0;
  /** When it began to run, while it runs. */
  #beganUs: number | undefined;

  constructor(config: RestartConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
  }

  /** In all. */
  get count(): number {
    return this.#count;
  }

  /** The node runs. */
  began(): void {
    this.#beganUs = this.#clock.nowUs();
  }

  /** The node has failed: how long to wait before it is made anew, in ms; undefined when it has failed too often in a row. */
  next(): number | undefined {
    const { maxRestarts, backoffMs, maxBackoffMs } = this.#config;
    if (this.#beganUs !== undefined && this.#clock.nowUs() - this.#beganUs >= WELL_MS * 1000) this.#inRow = 0;
    this.#beganUs = undefined;
    if (this.#inRow >= maxRestarts) return undefined;
    this.#count++;
    return Math.min(maxBackoffMs, backoffMs * 2 ** this.#inRow++);
  }
}
