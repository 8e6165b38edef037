/** Time that may pass while it is counted. */
export class TimeLimit {
  readonly #ms: number;
  readonly #onOver: () => void;
  #leftMs: number;
  #sinceMs = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `onOver` is called when `ms` have been counted. It does not count before `count`. */
  constructor(ms: number, onOver: () => void) {
    this.#ms = this.#leftMs = ms;
    this.#onOver = onOver;
  }

  count(): void {
    this.#sinceMs = performance.now();
    this.#timer = setTimeout(this.#onOver, Math.max(0, this.#leftMs));
  }

  /** Time does not count any more, until `count`. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#leftMs -= performance.now() - this.#sinceMs;
  }

  /** All of it may pass again. To be called while it does not count. */
  refill(): void {
    this.#leftMs = this.#ms;
  }
}
