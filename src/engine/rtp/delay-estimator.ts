const BUCKET_MS = 2;
/** Up to 256 ms. */
const BUCKETS = 128;
/** What one packet weighs against all before it: half of the memory is some 350 packets, 7 s of 20 ms packets. */
const WEIGHT = 0.002;
/**
 * The first packets weigh more, so that what a start-up was like is soon forgotten; but as much as if so many without delay had come
 * before them, so that one late packet is not half of all there is.
 */
const EARLY_WEIGHT = 1.9;
const PRIOR_PACKETS = 100;
/** Where the histogram is brought back to small numbers. */
const MAX_TOTAL = 1e9;
/** The fastest packet of the last one to two windows is the base that delays are measured from. */
const WINDOW_US = 5_000_000;
/** A delay beyond this is a jump of the source's clock. */
const JUMP_US = 1_000_000;
/** Packets of so long that were all later than the base by so much came a longer way, or from a source that stood still: both in µs. */
const STEP_WINDOW_US = 500_000;
const STEP_US = 60_000;
const STEP_PACKETS = 10;

/**
 * How much later than the fastest packet the slow ones arrive: a fading histogram of relative delays, whose quantile is the time
 * to hold packets for. A few late packets raise it at once; it comes down as they are forgotten.
 */
export class DelayEstimator {
  readonly #histogram = new Float64Array(BUCKETS);
  #total = 1;
  #packets = 0;
  #windowStartUs = -Infinity;
  #minimumUs = Infinity;
  #previousMinimumUs = Infinity;
  #stepStartUs = 0;
  #stepPackets = 0;
  /** Transit time of the fastest packet since then. */
  #stepMinimumUs = 0;

  constructor() {
    this.#forget();
  }

  /** Transit time of the fastest packet lately, in µs, on a scale of its own; Infinity before the first. */
  get baseUs(): number {
    return Math.min(this.#minimumUs, this.#previousMinimumUs);
  }

  /** Notes a packet: when it arrived, and the media time of its first sample, both in microseconds. */
  update(arrivalUs: number, mediaUs: number): void {
    const transitUs = arrivalUs - mediaUs;
    if (transitUs - this.baseUs > JUMP_US) {
      this.#minimumUs = this.#previousMinimumUs = Infinity;
      this.#windowStartUs = arrivalUs;
    } else if (arrivalUs - this.#windowStartUs > WINDOW_US) {
      this.#previousMinimumUs = this.#minimumUs;
      this.#minimumUs = transitUs;
      this.#windowStartUs = arrivalUs;
    }
    this.#minimumUs = Math.min(this.#minimumUs, transitUs);
    this.#followStep(arrivalUs, transitUs);
    const bucket = Math.min(BUCKETS - 1, Math.floor((transitUs - this.baseUs) / (BUCKET_MS * 1000)));
    const weight = Math.max(WEIGHT, EARLY_WEIGHT / (PRIOR_PACKETS + this.#packets++));
    // To add more each time is the same as to fade all there is.
    const added = (this.#total * weight) / (1 - weight);
    this.#histogram[bucket]! += added;
    this.#total += added;
    if (this.#total > MAX_TOTAL) this.#rescale();
  }

  /** Milliseconds, a multiple of 2: this share of packets (0 to 1) came no later than so much after the fastest. */
  delayMs(share: number): number {
    const wanted = share * this.#total;
    let sum = 0;
    for (let i = 0; i < BUCKETS; i++) {
      sum += this.#histogram[i]!;
      if (sum >= wanted) return (i + 1) * BUCKET_MS;
    }
    return BUCKETS * BUCKET_MS;
  }

  /** Delays against a base that no packet comes near any more say nothing: it is left for one that they do. */
  #followStep(arrivalUs: number, transitUs: number): void {
    if (transitUs - this.baseUs <= STEP_US) {
      this.#stepPackets = 0;
      return;
    }
    if (this.#stepPackets++ === 0) {
      this.#stepStartUs = arrivalUs;
      this.#stepMinimumUs = transitUs;
    }
    this.#stepMinimumUs = Math.min(this.#stepMinimumUs, transitUs);
    if (this.#stepPackets < STEP_PACKETS || arrivalUs - this.#stepStartUs < STEP_WINDOW_US) return;
    this.#minimumUs = this.#stepMinimumUs;
    this.#previousMinimumUs = Infinity;
    this.#windowStartUs = arrivalUs;
    this.#stepPackets = 0;
    this.#forget();
  }

  #forget(): void {
    this.#histogram.fill(0);
    this.#histogram[0] = this.#total = 1;
    this.#packets = 0;
  }

  #rescale(): void {
    for (let i = 0; i < BUCKETS; i++) this.#histogram[i]! /= this.#total;
    this.#total = 1;
  }
}
