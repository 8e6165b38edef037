/** How well a recording matches the speech that was played. */
export interface SpeechMatch {
  /** Normalised cross-correlation, 0 to 1: the best of the windows, and the middle one. */
  readonly peak: number;
  readonly median: number;
}

/** Samples are taken this far apart: what is below 1 kHz is enough to tell words apart, and cheap. */
const DECIMATION = 8;
/** Windows that are compared: those with most sound in them. */
const WINDOWS = 4;

/** Looks for windows of 1 s of `heard` in `speech`, which starts again at its end. Both at `sampleRate`. */
export function matchSpeech(heard: Int16Array, speech: Int16Array, sampleRate: number): SpeechMatch {
  const length = Math.floor(sampleRate / DECIMATION);
  const reference = decimate(speech, true);
  const recording = decimate(heard, false);
  const windows: Float32Array[] = [];
  for (let start = 0; start + length <= recording.length; start += length / 2)
    windows.push(recording.subarray(start, start + length));
  windows.sort((a, b) => energy(b) - energy(a));
  const peaks = windows.slice(0, WINDOWS).map((window) => bestMatch(window, reference));
  peaks.sort((a, b) => a - b);
  return { peak: peaks.at(-1) ?? 0, median: peaks[Math.floor(peaks.length / 2)] ?? 0 };
}

function bestMatch(window: Float32Array, reference: Float32Array): number {
  const own = energy(window);
  let windowEnergy = energy(reference.subarray(0, window.length));
  let best = 0;
  for (let lag = 0; lag + window.length < reference.length; lag++) {
    let dot = 0;
    for (let i = 0; i < window.length; i++) dot += window[i]! * reference[lag + i]!;
    best = Math.max(best, Math.abs(dot) / Math.sqrt(own * Math.max(windowEnergy, 1)));
    windowEnergy += reference[lag + window.length]! ** 2 - reference[lag]! ** 2;
  }
  return best;
}

/** The mean of each few samples, without the steady part; `twice` puts the signal behind itself. */
function decimate(samples: Int16Array, twice: boolean): Float32Array {
  const count = Math.floor(samples.length / DECIMATION);
  const out = new Float32Array(twice ? 2 * count : count);
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (let j = 0; j < DECIMATION; j++) sum += samples[i * DECIMATION + j]!;
    out[i] = sum / DECIMATION;
  }
  if (twice) out.copyWithin(count, 0, count);
  return out;
}

function energy(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return sum;
}
