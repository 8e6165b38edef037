/** A process that is late by no more was not busy, but timers are as they are, in µs. */
const LEAST_STALL_US = 20_000;

/**
 * How long what falls due waits for media after the process was busy: nothing could be read meanwhile, so that its inputs have as
 * much time again, but no more than `patienceUs` in which nothing comes. Times are of one clock, in µs. Pure.
 */
export class StallWait {
  readonly #patienceUs: number;
  #busyUntilUs = 0;
  #waitUntilUs = 0;

  constructor(patienceUs: number) {
    this.#patienceUs = patienceUs;
  }

  /** A timer that was set for `dueUs` has fired at `nowUs`. */
  woke(nowUs: number, dueUs: number): void {
    const stalledUs = nowUs - dueUs;
    if (stalledUs <= LEAST_STALL_US) return;
    this.#busyUntilUs = nowUs + stalledUs;
    this.#waitUntilUs = nowUs + this.#patienceUs;
  }

  /** What is due may still wait at `nowUs`, should it miss something. */
  mayWait(nowUs: number): boolean {
    return nowUs < this.#busyUntilUs && nowUs < this.#waitUntilUs;
  }

  /** What was due at `nowUs` had all that it needs. */
  came(nowUs: number): void {
    this.#waitUntilUs = nowUs + this.#patienceUs;
  }
}
