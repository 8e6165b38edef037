import type { PathUse } from './delay-trend.js';
import { ENOUGH_BPS } from './loss-limit.js';

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
/** After a decrease a queue may be draining. */
const PROOF_US = 2_000_000;
const MIN_DECREASE_INTERVAL_US = 100_000;
const MAX_DECREASE_INTERVAL_US = 300_000;
const CAPACITY_SMOOTHING = 0.1;
/** A queue above this is no jitter: then what arrives rules, however little that is. With a shorter one `ENOUGH_BPS` stays. */
const CERTAIN_QUEUE_MS = 100;
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
  readonly #minBps: number;
  #holding = false;
  #updatedUs: number | undefined;
  /** Mean of what arrived whenever a queue grew, and its relative deviation. */
  #capacityBps: number | undefined;
  #deviation = 0.1;

  /** `minBps`: the rate never falls below. */
  constructor(startBps: number, minBps = 0) {
    this.bps = startBps;
    this.#minBps = minBps;
  }

  /**
   * Takes one look at the path. `acknowledgedBps`: what arrives now, undefined while that is not known. `frozen`: something else limits
   * what is sent; the rate may fall but not rise. `applicationLimited`: clearly less is sent than may be; what arrives then tells of
   * the sender, not of the path, and the rate only comes down by steps unless a long queue proves otherwise.
   */
  update(
    use: PathUse,
    queueMs: number,
    acknowledgedBps: number | undefined,
    roundTripUs: number,
    frozen: boolean,
    nowUs: number,
    applicationLimited = false,
  ): void {
    const elapsedS = Math.min(1, (nowUs - (this.#updatedUs ?? nowUs)) / 1e6);
    this.#updatedUs = nowUs;
    const unproven = applicationLimited && queueMs < CERTAIN_QUEUE_MS;
    if (use === 'overuse') this.#decrease(queueMs, unproven ? undefined : acknowledgedBps, roundTripUs, nowUs);
    else if (use === 'underuse') this.#holding = true;
    else if (this.#holding) this.#holding = false;
    else if (!frozen && queueMs < MAX_STANDING_QUEUE_MS) {
      this.#increase(acknowledgedBps, roundTripUs, elapsedS);
      // What arrives and leaves no queue is proven, though it was sent above the rate: an overuse would leave this part of it.
      if (nowUs - this.decreasedUs > PROOF_US) this.bps = Math.max(this.bps, (acknowledgedBps ?? 0) * DECREASE_FACTOR);
    }
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
    const floorBps = queueMs < CERTAIN_QUEUE_MS ? Math.max(ENOUGH_BPS, this.#minBps) : this.#minBps;
    const lowered = Math.min(this.bps, Math.max(floorBps, arrived * factor));
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
