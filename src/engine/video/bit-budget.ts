/** What may be owed before pictures are left out, in s of the rate: a key frame and a little more. */
const MAX_DEBT_S = 0.3;
/** Encoders are not that exact: so much more than the rate is let pass. */
const TOLERANCE = 1.1;
/** What was not used earlier helps for so long, in s of the rate. */
const MAX_CREDIT_S = 0.1;

/** Watches that what an encoder makes stays near its rate, which it cannot change at once: a leaky bucket. Pure. */
export class BitBudget {
  #rateBps = 0;
  #debtBits = 0;
  #atUs = 0;

  /** Bits per second from now on. */
  setRate(bps: number, nowUs: number): void {
    this.#drain(nowUs);
    this.#rateBps = bps * TOLERANCE;
  }

  /** Notes what was made. */
  spend(bits: number, nowUs: number): void {
    this.#drain(nowUs);
    this.#debtBits += bits;
  }

  /** True while too much is owed to encode another picture. */
  isSpent(nowUs: number): boolean {
    this.#drain(nowUs);
    return this.#debtBits > this.#rateBps * MAX_DEBT_S;
  }

  #drain(nowUs: number): void {
    const seconds = Math.max(0, nowUs - this.#atUs) / 1_000_000;
    this.#atUs = Math.max(this.#atUs, nowUs);
    this.#debtBits = Math.max(this.#debtBits - seconds * this.#rateBps, -this.#rateBps * MAX_CREDIT_S);
  }
}
