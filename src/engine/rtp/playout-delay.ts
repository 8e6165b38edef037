import { DelayEstimator } from './delay-estimator.js';

const SAMPLES_PER_MS = 48;
/** The share of packets that should be in time. */
const IN_TIME = 0.98;
/** What one packet weighs in the share of packets lost. */
const LOSS_WEIGHT = 1 / 400;
/** Losses above the first share make it worth waiting for the copy in the next packet, until they are below the second. */
const LOSS_WORTH_WAITING = 0.008;
const LOSS_NOT_WORTH_WAITING = 0.003;
/** How far the delay may be off before time is stretched, in ms: below what is wanted packets would be late, above it is only late sound. */
const MAX_BELOW_MS = 1.9;
const MAX_ABOVE_MS = 6;

export interface PlayoutDelayOptions {
  /** Bounds of the target delay. Default 20 and 200. */
  readonly minDelayMs?: number;
  readonly maxDelayMs?: number;
}

/**
 * How long packets are held: as long as jitter needs, and one packet longer where packets get lost and the next one carries a copy. The
 * target delay is that and the packet itself, which is played only when the whole of it is there.
 */
export class PlayoutDelay {
  readonly #minMs: number;
  readonly #maxMs: number;
  #estimator = new DelayEstimator();
  #packetMs = 20;
  #neededMs = 0;
  #lossShare = 0;
  #waitsForFec = false;

  constructor(options: PlayoutDelayOptions = {}) {
    this.#minMs = options.minDelayMs ?? 20;
    this.#maxMs = Math.max(this.#minMs, options.maxDelayMs ?? 200);
  }

  get maxMs(): number {
    return this.#maxMs;
  }

  /** The delay aimed at, in ms. */
  get targetMs(): number {
    return Math.min(this.#maxMs, Math.max(this.#minMs, this.#neededMs + this.#packetMs));
  }

  /** What the target would be for the network alone, without the bounds. */
  get unboundedMs(): number {
    return this.#neededMs + this.#packetMs;
  }

  /** How long a packet that met no delay waits. */
  get holdMs(): number {
    return Math.max(0, this.targetMs - this.#packetMs);
  }

  /** Notes a packet that came; `timestamp` and duration in samples at 48 kHz. */
  arrived(arrivalUs: number, timestamp: number, durationSamples: number): void {
    this.#packetMs = durationSamples / SAMPLES_PER_MS;
    this.#estimator.update(arrivalUs, mediaUs(timestamp));
    this.#update();
  }

  /** Notes what became of a packet that was due; `fec`: packets carry copies of the ones before them. */
  wasDue(lost: boolean, fec: boolean): void {
    this.#lossShare += ((lost ? 1 : 0) - this.#lossShare) * LOSS_WEIGHT;
    const before = this.#waitsForFec;
    if (!fec || this.#lossShare < LOSS_NOT_WORTH_WAITING) this.#waitsForFec = false;
    else if (this.#lossShare > LOSS_WORTH_WAITING) this.#waitsForFec = true;
    if (this.#waitsForFec !== before) this.#update();
  }

  /** When a packet is to be played, in µs of the clock of arrivals. */
  dueUs(timestamp: number): number {
    return this.#estimator.baseUs + mediaUs(timestamp) + this.holdMs * 1000;
  }

  /** How much longer than wanted a packet waits that is played at `playUs`, in ms. */
  excessMs(playUs: number, timestamp: number): number {
    return (playUs - this.dueUs(timestamp)) / 1000;
  }

  /** By how many ms time should be stretched for this excess: more when positive, less when negative, 0 while it is near enough. */
  stretchMs(excessMs: number): number {
    return excessMs < -MAX_BELOW_MS || excessMs > MAX_ABOVE_MS ? -excessMs : 0;
  }

  reset(): void {
    this.#estimator = new DelayEstimator();
    this.#neededMs = 0;
    this.#lossShare = 0;
    this.#waitsForFec = false;
  }

  #update(): void {
    this.#neededMs = this.#estimator.delayMs(IN_TIME) + (this.#waitsForFec ? this.#packetMs : 0);
  }
}

function mediaUs(timestamp: number): number {
  return (timestamp * 1000) / SAMPLES_PER_MS;
}
