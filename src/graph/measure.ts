/** How long something took, over a run: what the report tells of it. Times in ms. */
export interface MeasureReport {
  /** How often it was measured, and the times added up. */
  readonly count: number;
  readonly total: number;
  /** The last one. */
  readonly last: number;
  /** Of the last 1000: half of them took no longer, 99 of 100 took no longer, the longest. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Values that a measure looks back on; a run that lasts for months keeps no more. */
const KEPT = 1000;

/** Times of one stage of one node. */
export class Measure {
  readonly #kept: number[] = [];
  #count = 0;
  #total = 0;

  /** Adds a time, in ms. */
  add(ms: number): void {
    // A ring once it is full: the oldest gives way.
    this.#kept[this.#count % KEPT] = ms;
    this.#count++;
    this.#total += ms;
  }

  /** Meaningful once there is a time. */
  report(): MeasureReport {
    const sorted = Float64Array.from(this.#kept).sort();
    return {
      count: this.#count,
      total: rounded(this.#total),
      last: rounded(this.#kept[(this.#count - 1) % KEPT] ?? 0),
      p50: rounded(quantile(sorted, 0.5)),
      p99: rounded(quantile(sorted, 0.99)),
      max: rounded(sorted.at(-1) ?? 0),
    };
  }
}

/** The smallest value that so many are not above (nearest rank). */
function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

/** With two digits behind the point. */
function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
