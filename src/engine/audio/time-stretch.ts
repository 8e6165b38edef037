/** Shortest and longest span that is taken out or put in: the periods of voices from 67 to 400 Hz. In ms. */
const MIN_LAG_MS = 2.5;
const MAX_LAG_MS = 15;
/** How long both sides of a splice are blended. */
const FADE_MS = 5;
/** Rate of the first, coarse search, in Hz. */
const COARSE_RATE = 8000;
/** Below this root mean square (of 32768), nobody hears a splice, however unlike its sides are. */
const QUIET_RMS = 100;
/** Nor below this share of what was heard lately. */
const QUIET_SHARE = 0.05;

/** Differences below this are not worth a shorter span. */
const LIKELY_THE_SAME = 0.002;

/** Where a span can be taken out or put in: the sound at `at` and `lag` frames later is alike for the length of a blend. */
export interface Splice {
  readonly at: number;
  readonly lag: number;
  /** How alike, -1 to 1; 1 where it is quiet. */
  readonly likeness: number;
}

/**
 * Makes sound longer or shorter without changing its pitch: takes out, or puts in again, a whole number of periods, blended where both sides
 * are alike (waveform-similarity overlap-add). Interleaved 16-bit samples.
 */
export class TimeStretch {
  readonly #rate: number;
  readonly #channels: number;
  readonly #fade: number;
  readonly #step: number;
  #mono = new Float32Array(0);
  #coarse = new Float32Array(0);
  #usualEnergy = 0;

  constructor(sampleRate: number, numberOfChannels: number) {
    this.#rate = sampleRate;
    this.#channels = numberOfChannels;
    this.#fade = Math.round((sampleRate * FADE_MS) / 1000);
    this.#step = Math.max(1, Math.round(sampleRate / COARSE_RATE));
  }

  /** Notes what is heard: `meanSquare` of a block. */
  hear(meanSquare: number): void {
    this.#usualEnergy += (meanSquare - this.#usualEnergy) * 0.02;
  }

  /** The best splice in a block, of a span of at most `maxMs`; undefined where the block is too short for one. `meanSquare` of the block. */
  find(samples: Int16Array, maxMs: number, meanSquare: number): Splice | undefined {
    const frames = samples.length / this.#channels;
    const fade = Math.min(this.#fade, frames >> 2);
    const minLag = Math.round((this.#rate * MIN_LAG_MS) / 1000);
    const maxLag = Math.min(Math.floor((this.#rate * Math.min(maxMs, MAX_LAG_MS)) / 1000), frames - fade);
    if (maxLag < minLag || fade < 8) return undefined;
    if (meanSquare < QUIET_RMS ** 2 || meanSquare < this.#usualEnergy * QUIET_SHARE ** 2)
      return { at: 0, lag: maxLag, likeness: 1 };
    this.#toMono(samples, frames);
    const early = this.#search(frames, fade, minLag, maxLag, false);
    const late = this.#search(frames, fade, minLag, maxLag, true);
    return late.likeness > early.likeness ? late : early;
  }

  /** The block without the span of a splice. */
  shorten(samples: Int16Array, { at, lag, likeness }: Splice): Int16Array {
    const out = new Int16Array(samples.length - lag * this.#channels);
    const fade = this.#fadeOf(samples);
    out.set(samples.subarray(0, at * this.#channels));
    this.#blend(samples, at, at + lag, out, at, fade, likeness);
    out.set(samples.subarray((at + lag + fade) * this.#channels), (at + fade) * this.#channels);
    return out;
  }

  /** The block with the span of a splice twice. */
  lengthen(samples: Int16Array, { at, lag, likeness }: Splice): Int16Array {
    const out = new Int16Array(samples.length + lag * this.#channels);
    const fade = this.#fadeOf(samples);
    out.set(samples.subarray(0, (at + lag) * this.#channels));
    this.#blend(samples, at + lag, at, out, at + lag, fade, likeness);
    out.set(samples.subarray((at + fade) * this.#channels), (at + lag + fade) * this.#channels);
    return out;
  }

  /** A splice at the place and of the span of one that was found at another rate; undefined where the block does not hold it. */
  moved(splice: Splice, rate: number, lag: number, samples: Int16Array): Splice | undefined {
    const frames = samples.length / this.#channels;
    const room = frames - lag - this.#fadeOf(samples);
    if (lag <= 0 || room < 0) return undefined;
    const at = Math.min(room, Math.round((splice.at * this.#rate) / rate));
    return { at, lag, likeness: splice.likeness };
  }

  #fadeOf(samples: Int16Array): number {
    return Math.min(this.#fade, (samples.length / this.#channels) >> 2);
  }

  /** Both channels as one that does not vanish where they cancel out, fine and coarse. */
  #toMono(samples: Int16Array, frames: number): void {
    if (this.#mono.length < frames) {
      this.#mono = new Float32Array(frames);
      this.#coarse = new Float32Array(frames);
    }
    const mono = this.#mono;
    if (this.#channels === 1) for (let i = 0; i < frames; i++) mono[i] = samples[i]!;
    else for (let i = 0, j = 0; i < frames; i++, j += 2) mono[i] = samples[j]! + 0.5 * samples[j + 1]!;
    const step = this.#step;
    for (let i = 0, j = 0; j + step <= frames; i++, j += step) {
      let sum = 0;
      for (let k = 0; k < step; k++) sum += mono[j + k]!;
      this.#coarse[i] = sum;
    }
  }

  /** The span that fits best with its first side at the beginning of the block, or with its second side at the end. */
  #search(frames: number, fade: number, minLag: number, maxLag: number, atEnd: boolean): Splice {
    const step = this.#step;
    const coarse = best(
      this.#coarse,
      Math.floor(frames / step),
      Math.floor(fade / step),
      Math.ceil(minLag / step),
      Math.floor(maxLag / step),
      atEnd,
    );
    const from = Math.max(minLag, coarse.lag * step - step);
    const fine = best(this.#mono, frames, fade, from, Math.min(maxLag, coarse.lag * step + step), atEnd);
    return { at: atEnd ? frames - fade - fine.lag : 0, ...fine };
  }

  #blend(
    from: Int16Array,
    out: number,
    into: number,
    target: Int16Array,
    at: number,
    fade: number,
    likeness: number,
  ): void {
    const channels = this.#channels;
    for (let i = 0; i < fade; i++) {
      const gain = (i + 0.5) / fade;
      const rest = 1 - gain;
      // Unlike sides would add up to less than either: the power is kept instead.
      const scale = 1 / Math.sqrt(gain * gain + rest * rest + 2 * gain * rest * Math.max(0, likeness));
      for (let c = 0; c < channels; c++) {
        const sample =
          (rest * from[(out + i) * channels + c]! + gain * from[(into + i) * channels + c]!) *
          Math.min(scale, Math.SQRT2);
        target[(at + i) * channels + c] = sample > 32_767 ? 32_767 : sample < -32_768 ? -32_768 : Math.round(sample);
      }
    }
  }
}

/** The lag at which the first (or last) `length` values and those a lag later (earlier) are most alike, in shape and in strength. */
function best(
  x: Float32Array,
  size: number,
  length: number,
  minLag: number,
  maxLag: number,
  atEnd: boolean,
): { lag: number; likeness: number } {
  const anchor = atEnd ? size - length : 0;
  const direction = atEnd ? -1 : 1;
  let own = 1e-9;
  for (let i = 0; i < length; i++) own += x[anchor + i]! ** 2;
  let lag = minLag;
  let likeness = -1;
  for (let candidate = maxLag; candidate >= minLag; candidate--) {
    const other = anchor + direction * candidate;
    if (other < 0 || other + length > size) continue;
    let product = 0;
    let energy = 1e-9;
    for (let i = 0; i < length; i++) {
      const value = x[other + i]!;
      product += x[anchor + i]! * value;
      energy += value * value;
    }
    const value = (2 * product) / (own + energy);
    // Of a tone's many periods the longest span that fits does the most.
    if (value > likeness + LIKELY_THE_SAME) {
      likeness = value;
      lag = candidate;
    }
  }
  return { lag, likeness };
}
