/** What the delay says: packets queue up somewhere, a queue is draining, or neither. */
export type PathUse = 'normal' | 'overuse' | 'underuse';

/** Packets that leave within this are one group: a sender's burst says nothing about the path. */
const BURST_US = 5_000;
/** Packets that come within this part of the time that they left in were held up somewhere, and let go together. */
const MAX_CLUMP_SHARE = 0.5;
const MAX_CLUMP_US = 100_000;
const MAX_BACKWARDS_US = 3_000_000;
/** Groups that the trend is taken over. */
const WINDOW = 20;
const SMOOTHING = 0.9;
/** The slope counts for more the more groups stand behind it, up to so many. */
const MAX_WEIGHT = 60;
const GAIN = 4;
const START_THRESHOLD = 12.5;
const MIN_THRESHOLD = 6;
const MAX_THRESHOLD = 600;
/** Per millisecond, how fast the threshold follows the trend up and down. */
const THRESHOLD_UP = 0.0087;
const THRESHOLD_DOWN = 0.039;
/** A jump this far above the threshold is no noise to get used to. */
const MAX_ADAPTED_EXCESS = 15;
const OVERUSE_MS = 10;
/** The least delay of this long is what an empty path takes. */
const BASE_WINDOW_US = 10_000_000;

/**
 * Watches how the one-way delay of packets changes: groups of packets, a line through the delay of the last of them, and a
 * threshold that adapts to the path's noise (draft-ietf-rmcat-gcc-02 section 5, with a trend line for the filter). A group is told
 * by its least delayed packet: noise of the path and a receiver that stamps late only add.
 */
export class DelayTrend {
  use: PathUse = 'normal';
  readonly #x = new Float64Array(WINDOW);
  readonly #y = new Float64Array(WINDOW);
  #points = 0;
  #groups = 0;
  #smoothedMs = 0;
  #firstOwdUs = 0;
  #firstArrivalUs = 0;
  #previousArrivalUs = 0;
  #threshold = START_THRESHOLD;
  #previousTrend = 0;
  #overuseMs = 0;
  #overuseCount = 0;

  #open = false;
  #groupFirstSentUs = 0;
  #groupFirstArrivalUs = 0;
  #groupLastArrivalUs = 0;
  #bestOwdUs = 0;
  #bestArrivalUs = 0;

  #baseMs = Infinity;
  #nextBaseMs = Infinity;
  #baseUntilUs = -Infinity;

  /** How long packets wait on the path beyond what they must, in milliseconds, smoothed. */
  get queueMs(): number {
    const base = Math.min(this.#baseMs, this.#nextBaseMs);
    return base === Infinity ? 0 : Math.max(0, this.#smoothedMs - base);
  }

  /** Takes packets in the order they were sent, each with both times; the clocks need not agree. */
  packet(sentUs: number, arrivalUs: number): void {
    // Another clock: what was measured by the old one tells nothing.
    if (this.#open && arrivalUs < this.#groupFirstArrivalUs - MAX_BACKWARDS_US) this.reset();
    if (!this.#open) {
      this.#begin(sentUs, arrivalUs);
      return;
    }
    if (this.#belongs(sentUs, arrivalUs)) {
      this.#groupLastArrivalUs = Math.max(this.#groupLastArrivalUs, arrivalUs);
      if (arrivalUs - sentUs < this.#bestOwdUs) {
        this.#bestOwdUs = arrivalUs - sentUs;
        this.#bestArrivalUs = arrivalUs;
      }
      return;
    }
    this.#complete();
    this.#begin(sentUs, arrivalUs);
  }

  reset(): void {
    this.use = 'normal';
    this.#open = false;
    this.#points = this.#groups = 0;
    this.#threshold = START_THRESHOLD;
    this.#previousTrend = 0;
    this.#overuseMs = this.#overuseCount = 0;
    this.#baseMs = this.#nextBaseMs = Infinity;
    this.#baseUntilUs = -Infinity;
  }

  #belongs(sentUs: number, arrivalUs: number): boolean {
    if (sentUs - this.#groupFirstSentUs <= BURST_US) return true;
    // Packets that come in one clump were held up together: only the last of them tells how long the way is.
    const arrivedUs = arrivalUs - this.#groupFirstArrivalUs;
    const clumped = arrivedUs < MAX_CLUMP_SHARE * (sentUs - this.#groupFirstSentUs);
    return clumped && arrivedUs < MAX_CLUMP_US && arrivalUs - this.#groupLastArrivalUs <= BURST_US;
  }

  #begin(sentUs: number, arrivalUs: number): void {
    this.#open = true;
    this.#groupFirstSentUs = sentUs;
    this.#groupFirstArrivalUs = this.#groupLastArrivalUs = arrivalUs;
    this.#bestOwdUs = arrivalUs - sentUs;
    this.#bestArrivalUs = arrivalUs;
  }

  #complete(): void {
    const arrivalUs = this.#bestArrivalUs;
    if (this.#groups === 0) {
      this.#firstOwdUs = this.#bestOwdUs;
      this.#firstArrivalUs = arrivalUs;
      this.#smoothedMs = 0;
      this.#previousArrivalUs = arrivalUs;
    }
    this.#groups++;
    const owdMs = (this.#bestOwdUs - this.#firstOwdUs) / 1000;
    this.#smoothedMs = SMOOTHING * this.#smoothedMs + (1 - SMOOTHING) * owdMs;
    this.#noteBase(owdMs, arrivalUs);
    const slot = this.#groups % WINDOW;
    this.#x[slot] = (arrivalUs - this.#firstArrivalUs) / 1000;
    this.#y[slot] = this.#smoothedMs;
    this.#points = Math.min(WINDOW, this.#points + 1);
    const elapsedMs = Math.max(0, (arrivalUs - this.#previousArrivalUs) / 1000);
    this.#previousArrivalUs = arrivalUs;
    if (this.#points === WINDOW) this.#detect(this.#slope(), elapsedMs);
  }

  #noteBase(owdMs: number, arrivalUs: number): void {
    if (arrivalUs >= this.#baseUntilUs) {
      this.#baseMs = this.#nextBaseMs;
      this.#nextBaseMs = Infinity;
      this.#baseUntilUs = arrivalUs + BASE_WINDOW_US;
    }
    this.#nextBaseMs = Math.min(this.#nextBaseMs, owdMs);
  }

  /** Milliseconds of delay per millisecond of time, by least squares. */
  #slope(): number {
    let sumX = 0;
    let sumY = 0;
    for (let i = 0; i < WINDOW; i++) {
      sumX += this.#x[i]!;
      sumY += this.#y[i]!;
    }
    const meanX = sumX / WINDOW;
    const meanY = sumY / WINDOW;
    let products = 0;
    let squares = 0;
    for (let i = 0; i < WINDOW; i++) {
      const dx = this.#x[i]! - meanX;
      products += dx * (this.#y[i]! - meanY);
      squares += dx * dx;
    }
    return squares === 0 ? 0 : products / squares;
  }

  #detect(slope: number, elapsedMs: number): void {
    const trend = Math.min(this.#groups, MAX_WEIGHT) * slope * GAIN;
    if (trend > this.#threshold) {
      this.#overuseMs += elapsedMs;
      this.#overuseCount++;
      if (this.#overuseMs > OVERUSE_MS && this.#overuseCount > 1 && trend >= this.#previousTrend) {
        this.#overuseMs = this.#overuseCount = 0;
        this.use = 'overuse';
      }
    } else {
      this.#overuseMs = this.#overuseCount = 0;
      this.use = trend < -this.#threshold ? 'underuse' : 'normal';
    }
    this.#previousTrend = trend;
    this.#adapt(Math.abs(trend), elapsedMs);
  }

  #adapt(trend: number, elapsedMs: number): void {
    if (trend > this.#threshold + MAX_ADAPTED_EXCESS) return;
    const rate = trend < this.#threshold ? THRESHOLD_DOWN : THRESHOLD_UP;
    const changed = this.#threshold + rate * (trend - this.#threshold) * Math.min(100, elapsedMs);
    this.#threshold = Math.min(MAX_THRESHOLD, Math.max(MIN_THRESHOLD, changed));
  }
}
