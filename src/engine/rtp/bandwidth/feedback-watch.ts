/** Feedback that stays away for longer than this, beyond a round trip, is missed. */
const TIMEOUT_US = 500_000;
/** Some receivers wait until there is feedback about some twenty packets: two in a row may get lost before it is missed. */
const MISSED_INTERVALS = 3;
const MAX_TIMEOUT_US = 2_000_000;
/** Taken for the time between two of them before that is known. */
const FIRST_INTERVAL_US = 300_000;
/** Up quickly and down slowly: what is late is not yet missing. */
const LONGER_WEIGHT = 0.5;
const SHORTER_WEIGHT = 0.05;
/** What is left of the rate for each half second without feedback, and at least. */
const FACTOR = 0.8;
const FLOOR = 0.25;

/** Notices that feedback stays away while packets leave, and says what to fall back to. */
export class FeedbackWatch {
  /** When feedback came last; undefined while none ever has. */
  lastUs: number | undefined;
  /** When the oldest packet left that feedback is awaited for; undefined when there is none. */
  awaitingUs: number | undefined;
  /** The rate that was given up; undefined while feedback comes. */
  givenUpBps: number | undefined;
  #nextUs = 0;
  /** From one feedback to the next, by the longer ones of them. */
  #intervalUs = FIRST_INTERVAL_US;

  /** The rate to fall back to now, once for each half second; undefined when there is no reason. */
  check(targetBps: number, roundTripUs: number, nowUs: number): number | undefined {
    if (this.lastUs === undefined || this.awaitingUs === undefined) return undefined;
    if (nowUs - Math.max(this.lastUs, this.awaitingUs) < this.#timeoutUs + roundTripUs) return undefined;
    if (this.givenUpBps === undefined) this.givenUpBps = targetBps;
    else if (nowUs < this.#nextUs) return undefined;
    this.#nextUs = nowUs + TIMEOUT_US;
    return Math.max(this.givenUpBps * FLOOR, targetBps * FACTOR);
  }

  /** Feedback came, about all that left before `awaitingUs`. */
  came(awaitingUs: number | undefined, nowUs: number): void {
    // Where nothing was sent for a while, that is no interval of the receiver's.
    if (this.lastUs !== undefined && nowUs - this.lastUs < MAX_TIMEOUT_US) {
      const longerUs = nowUs - this.lastUs - this.#intervalUs;
      this.#intervalUs += longerUs * (longerUs > 0 ? LONGER_WEIGHT : SHORTER_WEIGHT);
    }
    this.lastUs = nowUs;
    this.awaitingUs = awaitingUs;
    this.givenUpBps = undefined;
  }

  reset(): void {
    this.lastUs = this.awaitingUs = this.givenUpBps = undefined;
    this.#intervalUs = FIRST_INTERVAL_US;
  }

  get #timeoutUs(): number {
    return Math.min(MAX_TIMEOUT_US, Math.max(TIMEOUT_US, MISSED_INTERVALS * this.#intervalUs));
  }
}
