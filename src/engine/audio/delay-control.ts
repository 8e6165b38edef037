import type { StretchPlan } from './audio-decoding.js';

const SAMPLES_PER_MS = 48;
/** How alike both sides of a splice must be at first, and after it was waited for: the more there is to do, the less. */
const MAX_LIKENESS = 0.95;
const MIN_LIKENESS = 0.85;
const MIN_LIKENESS_MUCH = 0.6;
const MIN_LIKENESS_URGENT = 0.4;
/** How fast less is asked for, by the second: where packets would be late, and where sound is only late. */
const LESS_A_SECOND_BELOW = 2;
const LESS_A_SECOND_ABOVE = 0.4;
/** Splices are so far apart unless there is much to do. */
const PAUSE_MS = 100;
const MUCH_MS = 20;
/** Every so many packets a place is looked for, unless there is much to do. */
const LOOK_EVERY = 3;
/** This much does not wait for a good place. */
const URGENT_MS = 60;
/** A splice is a whole number of periods of the sound, so it may be that much longer than what there is to do. */
const ROOM_BELOW_MS = 4;
const ROOM_ABOVE_MS = 1.5;
/** Drift below this is left to stretching: resampling would cost more than a splice every few minutes. */
const LEAST_PPM = 8;
const MAX_PPM = 1000;
/** Resampling also brings the delay back to the middle of where it may be: so much for each ms that it is off, and no more than this. */
const PPM_PER_MS = 8;
const MAX_PULL_PPM = 40;
const MIDDLE_MS = 2;

/** Decides how the sound is stretched and resampled, so that the delay stays where it is wanted. */
export class DelayControl {
  /** Parts per million that the sound is made shorter by now. */
  ppm = 0;
  #compensates = false;
  #wantedForMs = 0;
  #passed = 0;
  #sinceSpliceMs = Infinity;

  /** How to stretch a packet that should be longer by `stretchMs` (shorter, when negative); undefined for not at all. */
  plan(stretchMs: number, durationSamples: number): StretchPlan | undefined {
    const durationMs = durationSamples / SAMPLES_PER_MS;
    this.#sinceSpliceMs += durationMs;
    if (stretchMs === 0) {
      this.#wantedForMs = 0;
      return undefined;
    }
    this.#wantedForMs += durationMs;
    const size = Math.abs(stretchMs);
    if (this.#sinceSpliceMs < PAUSE_MS && size < MUCH_MS) return undefined;
    // To look for a place takes longer than to decode; where it is not pressing, not every packet is looked at.
    if (stretchMs < 0 && size < MUCH_MS && this.#passed++ % LOOK_EVERY !== 0) return undefined;
    return {
      longer: stretchMs > 0,
      mostMs: size + (stretchMs > 0 ? ROOM_BELOW_MS : ROOM_ABOVE_MS),
      minLikeness: this.#minLikeness(size, stretchMs > 0),
      splice: undefined,
      rate: 0,
    };
  }

  /** The plan was carried out. */
  stretched(): void {
    this.#sinceSpliceMs = this.#wantedForMs = 0;
  }

  /** By how many parts per million a source that is `driftPpm` fast is made shorter, with a delay that is off by `excessMs`. */
  compensation(driftPpm: number, excessMs: number): number {
    if (Math.abs(driftPpm) >= LEAST_PPM) this.#compensates = true;
    if (!this.#compensates) return 0;
    const pull = Math.max(-MAX_PULL_PPM, Math.min(MAX_PULL_PPM, (excessMs - MIDDLE_MS) * PPM_PER_MS));
    this.ppm = Math.max(-MAX_PPM, Math.min(MAX_PPM, driftPpm)) + pull;
    return this.ppm;
  }

  #minLikeness(size: number, isBelow: boolean): number {
    if (size > URGENT_MS) return MIN_LIKENESS_URGENT;
    const less = isBelow ? LESS_A_SECOND_BELOW : LESS_A_SECOND_ABOVE;
    const least = isBelow || size > MUCH_MS ? MIN_LIKENESS_MUCH : MIN_LIKENESS;
    return Math.max(least, MAX_LIKENESS - (less * this.#wantedForMs) / 1000);
  }
}
