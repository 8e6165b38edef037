/** The fastest packet of this long stands for all of them. */
const WINDOW_US = 4_000_000;
/** Windows looked back at: five minutes. */
const MAX_WINDOWS = 75;
/** Windows before a slope says anything. */
const MIN_WINDOWS = 8;
/** A window that is this far off the line, or four times what is usual, does not belong to it; two in a row begin a new line. */
const OUTLIER_US = 4000;
const OUTLIER_DEVIATIONS = 4;
/** A slope must be so many times its own error, or be known to this. */
const SIGNIFICANCE = 3;
const EXACT_PPM = 5;

/**
 * How much faster the source's clock runs than this machine's, from the fastest packets of each few seconds: the slope of their transit
 * times. Jitter does not reach it, and a change of the route begins it anew.
 */
export class DriftEstimator {
  readonly #timesUs = new Float64Array(MAX_WINDOWS);
  readonly #transitsUs = new Float64Array(MAX_WINDOWS);
  #count = 0;
  #next = 0;
  #windowStartUs = -1;
  #fastestUs = Infinity;
  #fastestAtUs = 0;
  #outliers = 0;
  #ppm = 0;
  /** The line: transit at `#originUs`, and its slope. */
  #originUs = 0;
  #levelUs = 0;
  #slope = 0;
  #deviationUs = 0;

  /** Parts per million, positive when the source is fast; 0 until it is known. */
  get ppm(): number {
    return this.#ppm;
  }

  /** Notes a packet: when it arrived, and the media time of its first sample, both in microseconds. */
  update(arrivalUs: number, mediaUs: number): void {
    const transitUs = arrivalUs - mediaUs;
    if (this.#windowStartUs < 0) this.#windowStartUs = arrivalUs;
    else if (arrivalUs - this.#windowStartUs > WINDOW_US) {
      this.#closeWindow();
      this.#windowStartUs = arrivalUs;
      this.#fastestUs = Infinity;
    }
    if (transitUs < this.#fastestUs) {
      this.#fastestUs = transitUs;
      this.#fastestAtUs = arrivalUs;
    }
  }

  reset(): void {
    this.#count = this.#next = this.#outliers = this.#ppm = 0;
    this.#windowStartUs = -1;
    this.#fastestUs = Infinity;
  }

  #closeWindow(): void {
    if (this.#count >= 3 && this.#isOutlier()) {
      if (++this.#outliers < 2) return;
      // What is known of the clocks outlasts a change of the route.
      this.#count = this.#next = 0;
    }
    this.#outliers = 0;
    this.#timesUs[this.#next] = this.#fastestAtUs;
    this.#transitsUs[this.#next] = this.#fastestUs;
    this.#next = (this.#next + 1) % MAX_WINDOWS;
    this.#count = Math.min(MAX_WINDOWS, this.#count + 1);
    this.#fit();
  }

  #isOutlier(): boolean {
    const expectedUs = this.#levelUs + this.#slope * (this.#fastestAtUs - this.#originUs);
    return Math.abs(this.#fastestUs - expectedUs) > Math.max(OUTLIER_US, OUTLIER_DEVIATIONS * this.#deviationUs);
  }

  /** Least squares; times count from their mean, so that hours do not cost precision. */
  #fit(): void {
    const n = this.#count;
    let time = 0;
    let transit = 0;
    for (let i = 0; i < n; i++) {
      time += this.#timesUs[i]! / n;
      transit += this.#transitsUs[i]! / n;
    }
    let xx = 0;
    let xy = 0;
    let yy = 0;
    for (let i = 0; i < n; i++) {
      const x = this.#timesUs[i]! - time;
      const y = this.#transitsUs[i]! - transit;
      xx += x * x;
      xy += x * y;
      yy += y * y;
    }
    this.#originUs = time;
    this.#levelUs = transit;
    this.#slope = xx === 0 ? 0 : xy / xx;
    if (n < 3) return;
    this.#deviationUs = Math.sqrt(Math.max(0, yy - this.#slope * xy) / (n - 2));
    if (n < MIN_WINDOWS) return;
    const uncertainty = (SIGNIFICANCE * this.#deviationUs) / Math.sqrt(xx);
    if (Math.abs(this.#slope) > uncertainty || uncertainty * 1e6 < EXACT_PPM) this.#ppm = -this.#slope * 1e6;
  }
}
