const BUCKET_MS = 5;
const BUCKETS = 64;
/** The share of packets that should be in time. */
const IN_TIME = 0.97;
/** What one packet weighs against all before it: half of the memory is some 350 packets, 7 s of 20 ms packets. */
const WEIGHT = 0.002;
/** The fastest packet of the last one to two windows is the base that delays are measured from. */
const WINDOW_US = 5_000_000;
/** A delay beyond this is a jump of the source's clock. */
const JUMP_US = 1_000_000;

/**
 * How much later than the fastest packet the slow ones arrive: a fading histogram of relative delays, whose 97th percentile is
 * the delay to hold packets for.
 */
export class DelayEstimator {
  readonly #histogram = new Float64Array(BUCKETS);
  #count = 0;
  #windowStartUs = 0;
  #minimumUs = Infinity;
  #previousMinimumUs = Infinity;

  /** Notes a packet: when it arrived, and the media time of its first sample, both in microseconds. */
  update(arrivalUs: number, mediaUs: number): void {
    const transitUs = arrivalUs - mediaUs;
    if (this.#count === 0 || transitUs - this.#base() > JUMP_US) this.#rebase(arrivalUs, transitUs);
    else if (arrivalUs - this.#windowStartUs > WINDOW_US) {
      this.#previousMinimumUs = this.#minimumUs;
      this.#minimumUs = transitUs;
      this.#windowStartUs = arrivalUs;
    }
    this.#minimumUs = Math.min(this.#minimumUs, transitUs);
    const bucket = Math.min(BUCKETS - 1, Math.floor((transitUs - this.#base()) / (BUCKET_MS * 1000)));
    // The first packets share the histogram evenly.
    const weight = Math.max(WEIGHT, 1 / ++this.#count);
    for (let i = 0; i < BUCKETS; i++) this.#histogram[i]! *= 1 - weight;
    this.#histogram[bucket]! += weight;
  }

  /** Milliseconds, a multiple of 5: 97 % of packets came no later than this after the fastest. */
  delayMs(): number {
    let sum = 0;
    for (let i = 0; i < BUCKETS; i++) {
      sum += this.#histogram[i]!;
      if (sum >= IN_TIME) return (i + 1) * BUCKET_MS;
    }
    return this.#count === 0 ? BUCKET_MS : BUCKETS * BUCKET_MS;
  }

  #base(): number {
    return Math.min(this.#minimumUs, this.#previousMinimumUs);
  }

  #rebase(arrivalUs: number, transitUs: number): void {
    this.#minimumUs = transitUs;
    this.#previousMinimumUs = Infinity;
    this.#windowStartUs = arrivalUs;
  }
}
