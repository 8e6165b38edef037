/** Where one signal is found in another. */
export interface Alignment {
  /** How much later, in samples, the second signal is than the first; negative when it is earlier. */
  readonly lag: number;
  /** Normalised cross-correlation over what overlaps at that lag: 1 for the same, 0 for nothing in common. */
  readonly peak: number;
  /** Samples that overlap at that lag. */
  readonly overlap: number;
}

/**
 * Looks for `second` in `first`, mono samples of one rate, at every lag at which at least `minOverlap` of the shorter
 * one overlaps (0 to 1). Normalised by the energy of what overlaps, so that a level makes no difference.
 */
export function align(first: Int16Array, second: Int16Array, minOverlap = 0.5): Alignment {
  const size = 2 ** Math.ceil(Math.log2(first.length + second.length));
  const products = crossCorrelation(first, second, size);
  const [firstEnergy, secondEnergy] = [energyUpTo(first), energyUpTo(second)];
  const least = Math.max(1, minOverlap * Math.min(first.length, second.length));
  let best: Alignment = { lag: 0, peak: 0, overlap: 0 };
  // At lag n, second[i + n] lies over first[i].
  for (let lag = -first.length + 1; lag < second.length; lag++) {
    const start = Math.max(0, -lag);
    const overlap = Math.min(first.length, second.length - lag) - start;
    if (overlap < least) continue;
    const energy =
      between(firstEnergy, start, start + overlap) * between(secondEnergy, start + lag, start + lag + overlap);
    const peak = energy > 0 ? (products[(lag + size) % size] ?? 0) / Math.sqrt(energy) : 0;
    if (peak > best.peak) best = { lag, peak, overlap };
  }
  return best;
}

/** A tone that rises from one frequency to another, in Hz: it is like itself at one lag only. Mono. */
export function chirp(rate: number, frames: number, from = 300, to = 3000, amplitude = 10_000): Int16Array {
  const seconds = frames / rate;
  return Int16Array.from({ length: frames }, (_, i) => {
    const t = i / rate;
    return Math.round(amplitude * Math.sin(2 * Math.PI * (from * t + ((to - from) * t * t) / (2 * seconds))));
  });
}

/** Every `factor`th sample, each the mean of so many: what is above the new range is weakened, and it is cheap. */
export function decimate(samples: Int16Array, factor: number): Int16Array {
  const out = new Int16Array(Math.floor(samples.length / factor));
  for (let i = 0; i < out.length; i++) {
    let sum = 0;
    for (let j = 0; j < factor; j++) sum += samples[i * factor + j] ?? 0;
    out[i] = Math.round(sum / factor);
  }
  return out;
}

/** Sum over i of first[i] * second[i + lag], at index lag modulo `size`. */
function crossCorrelation(first: Int16Array, second: Int16Array, size: number): Float64Array {
  const a = { re: new Float64Array(size), im: new Float64Array(size) };
  const b = { re: new Float64Array(size), im: new Float64Array(size) };
  a.re.set(first);
  b.re.set(second);
  transform(a.re, a.im);
  transform(b.re, b.im);
  for (let k = 0; k < size; k++) {
    const [ar, ai, br, bi] = [a.re[k] ?? 0, a.im[k] ?? 0, b.re[k] ?? 0, b.im[k] ?? 0];
    // The conjugate of the product: a second forward transform then is the inverse one.
    a.re[k] = ar * br + ai * bi;
    a.im[k] = ai * br - ar * bi;
  }
  transform(a.re, a.im);
  return a.re.map((value) => value / size);
}

/** Fourier transform in place; the length is a power of two. */
function transform(re: Float64Array, im: Float64Array): void {
  const size = re.length;
  for (let i = 1, j = 0; i < size; i++) {
    let bit = size >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [re[i], re[j]] = [re[j] ?? 0, re[i] ?? 0];
      [im[i], im[j]] = [im[j] ?? 0, im[i] ?? 0];
    }
  }
  for (let length = 2; length <= size; length *= 2) butterflies(re, im, length);
}

function butterflies(re: Float64Array, im: Float64Array, length: number): void {
  const half = length / 2;
  for (let k = 0; k < half; k++) {
    const cos = Math.cos((-2 * Math.PI * k) / length);
    const sin = Math.sin((-2 * Math.PI * k) / length);
    for (let i = k; i < re.length; i += length) {
      const j = i + half;
      const real = (re[j] ?? 0) * cos - (im[j] ?? 0) * sin;
      const imaginary = (re[j] ?? 0) * sin + (im[j] ?? 0) * cos;
      re[j] = (re[i] ?? 0) - real;
      im[j] = (im[i] ?? 0) - imaginary;
      re[i] = (re[i] ?? 0) + real;
      im[i] = (im[i] ?? 0) + imaginary;
    }
  }
}

/** Energy of the samples before each index. */
function energyUpTo(samples: Int16Array): Float64Array {
  const sums = new Float64Array(samples.length + 1);
  for (let i = 0; i < samples.length; i++) sums[i + 1] = (sums[i] ?? 0) + (samples[i] ?? 0) ** 2;
  return sums;
}

function between(sums: Float64Array, from: number, to: number): number {
  return (sums[to] ?? 0) - (sums[from] ?? 0);
}
