/** Feedback that stays away for longer than this, beyond a round trip, is missed. */
const TIMEOUT_US = 500_000;
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

  /** The rate to fall back to now, once for each half second; undefined when there is no reason. */
  check(targetBps: number, roundTripUs: number, nowUs: number): number | undefined {
    if (this.lastUs === undefined || this.awaitingUs === undefined) return undefined;
    if (nowUs - Math.max(this.lastUs, this.awaitingUs) < TIMEOUT_US + roundTripUs) return undefined;
    if (this.givenUpBps === undefined) this.givenUpBps = targetBps;
    else if (nowUs < this.#nextUs) return undefined;
    this.#nextUs = nowUs + TIMEOUT_US;
    return Math.max(this.givenUpBps * FLOOR, targetBps * FACTOR);
  }

  /** Feedback came, about all that left before `awaitingUs`. */
  came(awaitingUs: number | undefined, nowUs: number): void {
    this.lastUs = nowUs;
    this.awaitingUs = awaitingUs;
    this.givenUpBps = undefined;
  }

  reset(): void {
    this.lastUs = this.awaitingUs = this.givenUpBps = undefined;
  }
}
