const FULL_SCALE = 32_767;
/** Samples that fit 16 bits have no more than those once this is added: all of them are checked at the cost of one. */
const HALF_RANGE = 32_768;
const MAX_BITS = 65_535;
/** For how long the gain stays down: longer than half a period of the lowest tone, whose tops come no faster. */
const HOLD_MS = 30;
/** Time in which the gain comes back to within a third of where it was. */
const RELEASE_MS = 300;
/** From here on the gain is as good as none. */
const OPEN = 0.9999;

/**
 * Brings sums of audio back to 16 bits by turning them down for as long as they are too loud, and not by cutting them off: what
 * fits is passed on bit by bit, and no sample passes full scale. It looks ahead within what it is given, which needs no delay;
 * only where that begins with a rise too steep to be met is the top of it flattened. Both channels get the same gain.
 */
export class Limiter {
  readonly #numberOfChannels: number;
  /** Frames of a millisecond, in which the gain changes along a straight line. */
  readonly #stepFrames: number;
  readonly #releasePerStep = 1 - Math.exp(-1 / RELEASE_MS);
  /** The gain at which each step of what is limited now would just fit. */
  #fitting = new Float64Array(0);
  #gain = 1;
  /** Steps for which the gain stays down. */
  #held = 0;
  #difference = new Int32Array(0);

  constructor(sampleRate: number, numberOfChannels: number) {
    this.#numberOfChannels = numberOfChannels;
    this.#stepFrames = Math.round(sampleRate / 1000);
  }

  /** What the last sample was turned down by, 0 to 1. */
  get gain(): number {
    return this.#gain;
  }

  /** Goes on from where another one is. */
  follow(other: Limiter): void {
    this.#gain = other.#gain;
    this.#held = other.#held;
  }

  /** Whether both would make the same of the same sum. */
  isLike(other: Limiter): boolean {
    return this.#gain === other.#gain && (this.#gain === 1 || this.#held === other.#held);
  }

  /** Writes interleaved samples into `out`, which is as long as `sum`. Frames follow those of the last call. */
  process(sum: Int32Array, out: Int16Array): void {
    let bits = 0;
    for (let i = 0; i < sum.length; i++) {
      const sample = sum[i]!;
      out[i] = sample;
      bits |= sample + HALF_RANGE;
    }
    if (this.#gain < 1 || bits > MAX_BITS || bits < 0) this.#limit(sum, out);
  }

  /** As `process`, for a sum without one of its parts, which is as long. */
  processWithout(sum: Int32Array, part: Int16Array, out: Int16Array): void {
    let bits = 0;
    for (let i = 0; i < sum.length; i++) {
      const sample = sum[i]! - part[i]!;
      out[i] = sample;
      bits |= sample + HALF_RANGE;
    }
    if (this.#gain < 1 || bits > MAX_BITS || bits < 0) this.#limit(this.#rest(sum, part), out);
  }

  #rest(sum: Int32Array, part: Int16Array): Int32Array {
    if (this.#difference.length !== sum.length) this.#difference = new Int32Array(sum.length);
    const rest = this.#difference;
    for (let i = 0; i < sum.length; i++) rest[i] = sum[i]! - part[i]!;
    return rest;
  }

  #limit(sum: Int32Array, out: Int16Array): void {
    const length = this.#stepFrames * this.#numberOfChannels;
    const steps = Math.ceil(sum.length / length);
    const fitting = this.#measure(sum, steps, length);
    for (let step = 0; step < steps; step++) {
      const start = step * length;
      const end = Math.min(start + length, sum.length);
      const from = this.#gain;
      // The gain at the end of a step has to fit the step that follows as well.
      const to = this.#towards(Math.min(fitting[step]!, fitting[step + 1] ?? 1));
      if (from > fitting[step]!) this.#dive(sum, out, start, end, from, to);
      else ramp(sum, out, start, end, from, to, this.#numberOfChannels);
      this.#gain = to;
    }
    if (this.#gain > OPEN) this.#gain = 1;
  }

  /** The gain at which each step would just fit. */
  #measure(sum: Int32Array, steps: number, length: number): Float64Array {
    if (this.#fitting.length !== steps) this.#fitting = new Float64Array(steps);
    for (let step = 0; step < steps; step++) {
      const end = Math.min((step + 1) * length, sum.length);
      let highest = FULL_SCALE;
      for (let i = step * length; i < end; i++) {
        const sample = sum[i]!;
        if (sample > highest) highest = sample;
        else if (~sample > highest) highest = ~sample;
      }
      this.#fitting[step] = FULL_SCALE / highest;
    }
    return this.#fitting;
  }

  /** The gain a step further on, where at most `limit` fits: down at once, up after a while and slowly. */
  #towards(limit: number): number {
    if (limit <= this.#gain) {
      if (limit < 1) this.#held = HOLD_MS;
      return limit;
    }
    if (this.#held > 0) {
      this.#held--;
      return this.#gain;
    }
    return Math.min(limit, this.#gain + (1 - this.#gain) * this.#releasePerStep);
  }

  /** Goes down within a step that does not fit from its beginning: no slower than its samples need. */
  #dive(sum: Int32Array, out: Int16Array, start: number, end: number, from: number, to: number): void {
    const channels = this.#numberOfChannels;
    const slope = (to - from) / ((end - start) / channels);
    let gain = from;
    for (let i = start; i < end; i += channels) {
      let highest = Math.abs(sum[i]!);
      if (channels === 2) highest = Math.max(highest, Math.abs(sum[i + 1]!));
      gain = Math.max(to, gain + slope);
      if (highest * gain > FULL_SCALE) gain = FULL_SCALE / highest;
      for (let channel = 0; channel < channels; channel++) out[i + channel] = scaled(sum[i + channel]!, gain);
    }
  }
}

/** Writes samples times a gain that goes along a straight line. */
function ramp(
  sum: Int32Array,
  out: Int16Array,
  start: number,
  end: number,
  from: number,
  to: number,
  channels: number,
): void {
  const slope = (to - from) / ((end - start) / channels);
  let gain = from;
  for (let i = start; i < end; i += channels) {
    gain += slope;
    out[i] = scaled(sum[i]!, gain);
    if (channels === 2) out[i + 1] = scaled(sum[i + 1]!, gain);
  }
}

function scaled(sample: number, gain: number): number {
  const value = sample * gain;
  const whole = value < 0 ? (value - 0.5) | 0 : (value + 0.5) | 0;
  return whole > FULL_SCALE ? FULL_SCALE : whole < -FULL_SCALE ? -FULL_SCALE : whole;
}
