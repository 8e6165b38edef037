const BUCKET_US = 10_000;
const BUCKETS = 64;
/** What is later than this is by another clock, or by one that has wrapped. */
const MAX_LATE_BUCKETS = 1_000;
/** Shorter than this, a measurement says nothing. */
const MIN_SPAN_US = 150_000;

/** Bit rate of what came in the last half second, in buckets of 10 ms. Times may go back a little. */
export class ByteRate {
  readonly #bytes = new Float64Array(BUCKETS);
  /** Number of the newest bucket since time 0; -1 while there is none. */
  #newest = -1;
  /** The bucket that the present run began with: a pause longer than the window begins a new one. */
  #first = 0;

  add(atUs: number, sizeBytes: number): void {
    const bucket = Math.floor(atUs / BUCKET_US);
    if (this.#newest === -1 || bucket - this.#newest >= BUCKETS || bucket < this.#newest - MAX_LATE_BUCKETS) {
      this.#bytes.fill(0);
      this.#newest = this.#first = bucket;
    }
    for (; this.#newest < bucket; this.#newest++) this.#bytes[(this.#newest + 1) & (BUCKETS - 1)] = 0;
    if (bucket <= this.#newest - BUCKETS) return;
    const slot = bucket & (BUCKETS - 1);
    this.#bytes[slot] = this.#bytes[slot]! + sizeBytes;
  }

  /** Over the last `spanUs` (at most 600,000) before the newest entry, or before `nowUs` of the same clock. Undefined while too little came. */
  bps(spanUs: number, nowUs?: number): number | undefined {
    if (this.#newest === -1) return undefined;
    const end = nowUs === undefined ? this.#newest : Math.max(this.#newest, Math.floor(nowUs / BUCKET_US));
    // The newest bucket is still filling.
    const from = Math.max(this.#first, end - Math.round(spanUs / BUCKET_US));
    if ((end - from) * BUCKET_US < MIN_SPAN_US) return undefined;
    let bytes = 0;
    for (let bucket = from; bucket < end && bucket < this.#newest; bucket++) {
      if (bucket > this.#newest - BUCKETS) bytes += this.#bytes[bucket & (BUCKETS - 1)]!;
    }
    return (bytes * 8e6) / ((end - from) * BUCKET_US);
  }

  reset(): void {
    this.#newest = -1;
  }
}
