/** A request that brought nothing is repeated after this at the earliest, then less and less often, in µs. */
const FIRST_RETRY_US = 250_000;
const MAX_RETRY_US = 1_000_000;
const BACK_OFF = 1.5;
/** A key frame takes so much longer than a round trip: it has to be encoded, and is large. In µs. */
const ENCODING_US = 100_000;

/** When to ask for key frames: at once, again when none came in the time that it takes, and ever less often. Pure. */
export class KeyFrameRequests {
  /** Requests made. */
  count = 0;
  #nextUs = -Infinity;
  #retryUs = 0;

  /** When the next request may be made. */
  get nextUs(): number {
    return this.#nextUs;
  }

  /** A request was made. */
  asked(nowUs: number, roundTripUs: number): void {
    this.count++;
    this.#retryUs = Math.max(
      FIRST_RETRY_US,
      roundTripUs + ENCODING_US,
      Math.min(BACK_OFF * this.#retryUs, MAX_RETRY_US),
    );
    this.#nextUs = nowUs + this.#retryUs;
  }

  /** A key frame came: the next request may be made soon again, though not at once: what led to it may have been on its way. */
  answered(nowUs: number): void {
    this.#retryUs = 0;
    this.#nextUs = Math.min(this.#nextUs, nowUs + FIRST_RETRY_US / 2);
  }

  /** Begins anew with another source. */
  reset(): void {
    this.#nextUs = -Infinity;
    this.#retryUs = 0;
  }
}
