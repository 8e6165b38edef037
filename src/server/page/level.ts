const FLOOR_DB = -60;
const SPEAKING_LEVEL = 0.42;
const HOLD_MS = 600;

/**
 * How loud a piece of sound is, 0 (-60 dBFS and below) to 1 (full scale), linear in decibels as ears are.
 * @param samples mono, -1 to 1.
 */
export function levelOf(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const rms = Math.sqrt(sum / Math.max(1, samples.length));
  const db = 20 * Math.log10(Math.max(rms, 1e-9));
  return Math.min(1, Math.max(0, 1 - db / FLOOR_DB));
}

/** Whether somebody speaks: at once when loud enough, and until it was quiet for 600 ms, so that pauses between words do not flicker. */
export class SpeakingDetector {
  #loudUntilMs = Number.NEGATIVE_INFINITY;

  /** @param nowMs any clock that does not go back. */
  update(level: number, nowMs: number): boolean {
    if (level >= SPEAKING_LEVEL) this.#loudUntilMs = nowMs + HOLD_MS;
    return nowMs < this.#loudUntilMs;
  }
}
