import { createResampler, type Resampler } from '../../codecs/resampler.js';
import type { AudioFormat } from '../port.js';

/** Silence put in front, so that what the resampler holds back at its start never makes a period short. In ms. */
const PRIME_MS = 5;
const PERIODS_PER_SECOND = 50;

/** Turns periods of 20 ms of one format into periods of 20 ms of another, always exactly one for one. */
export class PeriodConverter {
  readonly #resampler: Resampler;
  readonly #resamples: boolean;
  readonly #length: number;
  #fifo: Int16Array;
  #held: number;

  private constructor(resampler: Resampler, from: AudioFormat, to: AudioFormat) {
    this.#resampler = resampler;
    this.#resamples = from.sampleRate !== to.sampleRate;
    this.#length = (to.sampleRate / PERIODS_PER_SECOND) * to.numberOfChannels;
    this.#fifo = new Int16Array(this.#length * 3);
    this.#held = ((to.sampleRate * PRIME_MS) / 1000) * to.numberOfChannels;
  }

  /** Errors: SLUICE_CONFIG_INVALID, SLUICE_CODEC_UNAVAILABLE. */
  static async open(from: AudioFormat, to: AudioFormat): Promise<PeriodConverter> {
    return new PeriodConverter(await createResampler({ from, to }), from, to);
  }

  /** A period in the other format: a new array, or `period` itself when the formats are the same. */
  convert(period: Int16Array): Int16Array {
    const converted = this.#resampler.process(period);
    if (!this.#resamples) return converted;
    if (this.#held + converted.length > this.#fifo.length) this.#held = 0;
    this.#fifo.set(converted, this.#held);
    this.#held += converted.length;
    const out = new Int16Array(this.#length);
    const count = Math.min(this.#length, this.#held);
    out.set(this.#fifo.subarray(0, count));
    this.#fifo.copyWithin(0, count, this.#held);
    this.#held -= count;
    return out;
  }

  close(): void {
    this.#resampler.close();
  }
}
