import type { PathUse } from './delay-trend.js';

/** What is left of what arrives, with a short queue and with a long one, which has to drain. */
const DECREASE_FACTOR = 0.85;
const LONG_QUEUE_FACTOR = 0.7;
const SHORT_QUEUE_MS = 60;
const LONG_QUEUE_MS = 250;
/** Growth per second while the path's capacity is not known to be near. */
const GROWTH_PER_S = 1.08;
/** Without proof by what arrived, the rate does not go beyond this. */
const MAX_OVER_ACKNOWLEDGED = 1.5;
const MARGIN_BPS = 10_000;
/** Near the capacity, half a packet more for each response time, or this part of the rate a second. */
const STEP_BITS = 600 * 8;
const NEAR_GROWTH_PER_S = 0.04;
/** How long the detector takes on top of the round trip. */
const DETECTION_US = 100_000;
const MIN_DECREASE_INTERVAL_US = 100_000;
const MAX_DECREASE_INTERVAL_US = 300_000;
const CAPACITY_SMOOTHING = 0.1;
/** A standing queue above this is not added to. */
const MAX_STANDING_QUEUE_MS = 80;

/**
 * The rate that the delay allows (draft-ietf-rmcat-gcc-02 section 5.5): down to a part of what arrives when a queue grows, up when
 * there is none: slowly where the capacity is thought to be, faster away from it.
 */
export class RateControl {
  bps: number;
  /** Rate before the last decrease, and when that was: where to probe afterwards. */
  bpsBeforeDecrease = 0;
  decreasedUs = -Infinity;
  #holding = false;
  #updatedUs: number | undefined;
  /** Mean of what arrived whenever a queue grew, and its relative deviation. */
  #capacityBps: number | undefined;
  #deviation = 0.1;

  constructor(startBps: number) {
    this.bps = startBps;
  }

  /**
   * Takes one look at the path. `acknowledgedBps`: what arrives now, undefined while that is not known. `frozen`: something else limits
   * what is sent; the rate may fall but not rise.
   */
  update(
    use: PathUse,
    queueMs: number,
    acknowledgedBps: number | undefined,
    roundTripUs: number,
    frozen: boolean,
    nowUs: number,
  ): void {
    const elapsedS = Math.min(1, (nowUs - (this.#updatedUs ?? nowUs)) / 1e6);
    this.#updatedUs = nowUs;
    if (use === 'overuse') this.#decrease(queueMs, acknowledgedBps, roundTripUs, nowUs);
    else if (use === 'underuse') this.#holding = true;
    else if (this.#holding) this.#holding = false;
    else if (!frozen && queueMs < MAX_STANDING_QUEUE_MS) this.#increase(acknowledgedBps, roundTripUs, elapsedS);
  }

  /** A probe went through at this rate. */
  raise(bps: number): void {
    if (bps <= this.bps) return;
    this.bps = bps;
    if (this.#capacityBps !== undefined && bps > this.#capacityBps * (1 + 3 * this.#deviation)) {
      this.#capacityBps = undefined;
    }
  }

  lower(bps: number): void {
    this.bps = Math.min(this.bps, bps);
  }

  reset(bps: number): void {
    this.bps = bps;
    this.#capacityBps = undefined;
    this.#updatedUs = undefined;
    this.#holding = false;
    this.decreasedUs = -Infinity;
  }

  #increase(acknowledgedBps: number | undefined, roundTripUs: number, elapsedS: number): void {
    let grown = this.bps;
    if (this.#near(acknowledgedBps)) {
      const step = Math.max((STEP_BITS * 1e6) / (roundTripUs + DETECTION_US), this.bps * NEAR_GROWTH_PER_S);
      grown += step * elapsedS;
    } else grown *= GROWTH_PER_S ** elapsedS;
    const most = acknowledgedBps === undefined ? Infinity : acknowledgedBps * MAX_OVER_ACKNOWLEDGED + MARGIN_BPS;
    this.bps = Math.max(this.bps, Math.min(grown, most));
  }

  #near(acknowledgedBps: number | undefined): boolean {
    if (this.#capacityBps === undefined || acknowledgedBps === undefined) return false;
    const distance = acknowledgedBps / this.#capacityBps - 1;
    if (distance > 3 * this.#deviation) {
      this.#capacityBps = undefined;
      return false;
    }
    return distance > -3 * this.#deviation;
  }

  #decrease(queueMs: number, acknowledgedBps: number | undefined, roundTripUs: number, nowUs: number): void {
    this.#holding = true;
    const interval = Math.min(MAX_DECREASE_INTERVAL_US, Math.max(MIN_DECREASE_INTERVAL_US, roundTripUs));
    if (nowUs - this.decreasedUs < interval) return;
    const arrived = acknowledgedBps ?? this.bps;
    const long = Math.min(1, Math.max(0, (queueMs - SHORT_QUEUE_MS) / (LONG_QUEUE_MS - SHORT_QUEUE_MS)));
    const factor = DECREASE_FACTOR + long * (LONG_QUEUE_FACTOR - DECREASE_FACTOR);
    const lowered = Math.min(this.bps, arrived * factor);
    if (nowUs - this.decreasedUs > 2_000_000) this.bpsBeforeDecrease = this.bps;
    this.decreasedUs = nowUs;
    this.bps = lowered;
    if (acknowledgedBps !== undefined) this.#noteCapacity(acknowledgedBps);
  }

  #noteCapacity(acknowledgedBps: number): void {
    if (this.#capacityBps === undefined || acknowledgedBps < this.#capacityBps * (1 - 3 * this.#deviation)) {
      this.#capacityBps = acknowledgedBps;
      this.#deviation = 0.1;
      return;
    }
    const error = Math.abs(acknowledgedBps / this.#capacityBps - 1);
    this.#deviation += CAPACITY_SMOOTHING * (Math.min(0.2, Math.max(0.03, error)) - this.#deviation);
    this.#capacityBps += CAPACITY_SMOOTHING * (acknowledgedBps - this.#capacityBps);
  }
}
