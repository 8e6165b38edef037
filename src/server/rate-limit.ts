/** Lets so much through per second on average, and so much at once. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #burst: number;
  #left: number;
  #filledUs = -Infinity;

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#left = burst;
  }

  /** Takes so many; false when there are not as many left, and none is taken. */
  take(nowUs: number, count = 1): boolean {
    this.#left = Math.min(this.#burst, this.#left + ((nowUs - this.#filledUs) * this.#perSecond) / 1e6);
    this.#filledUs = nowUs;
    if (this.#left < count) return false;
    this.#left -= count;
    return true;
  }
}
