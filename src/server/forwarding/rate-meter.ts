const BUCKET_US = 100_000;
/** Together one second. */
const BUCKETS = 10;
/** A rate over less than this says nothing: one key frame would be all of it. */
const MIN_SPAN_US = 500_000;

/** How many bytes come per second, over the last second. */
export class RateMeter {
  readonly #buckets = new Float64Array(BUCKETS);
  #startUs = NaN;
  /** Number of the bucket that is being filled, counted from the beginning of the clock. */
  #current = 0;
  #sum = 0;

  add(bytes: number, nowUs: number): void {
    if (Number.isNaN(this.#startUs)) {
      this.#startUs = nowUs;
      this.#current = Math.floor(nowUs / BUCKET_US);
    } else this.#advance(nowUs);
    const slot = this.#current % BUCKETS;
    this.#buckets[slot] = this.#buckets[slot]! + bytes;
    this.#sum += bytes;
  }

  /** There is enough to go by. */
  settled(nowUs: number): boolean {
    this.#advance(nowUs);
    return nowUs - this.#startUs >= MIN_SPAN_US;
  }

  /** Bits per second; 0 before anything came. In the first half second too low rather than too high. */
  bitsPerSecond(nowUs: number): number {
    if (Number.isNaN(this.#startUs)) return 0;
    this.#advance(nowUs);
    if (this.#sum === 0) return 0;
    const windowUs = nowUs - (this.#current - BUCKETS + 1) * BUCKET_US;
    const spanUs = Math.max(MIN_SPAN_US, Math.min(windowUs, nowUs - this.#startUs));
    return (this.#sum * 8e6) / spanUs;
  }

  #advance(nowUs: number): void {
    const bucket = Math.floor(nowUs / BUCKET_US);
    if (bucket <= this.#current) return;
    const from = Math.max(this.#current + 1, bucket - BUCKETS + 1);
    for (let at = from; at <= bucket; at++) {
      const slot = at % BUCKETS;
      this.#sum -= this.#buckets[slot]!;
      this.#buckets[slot] = 0;
    }
    this.#current = bucket;
    // What silence emptied begins anew: the silence is no part of the rate.
    if (this.#sum === 0) this.#startUs = nowUs;
  }
}
