import { unplayable } from './voice-failure.js';

/** Looked at for what is no 16-bit PCM: pairs of samples that are not silent. */
const LOOKED_AT = 64;

/** Reads 16-bit little-endian PCM that comes in parts of any length. */
export class PcmReader {
  #odd: number | undefined;
  #samples = 0;
  #pairs = 0;
  #floats = 0;
  #low = 0;

  /** The samples in what has come, in memory of their own. Errors: SLUICE_SPEECH_FAILED for what are 32-bit floats. */
  push(bytes: Uint8Array): Int16Array {
    const all = this.#odd === undefined ? 0 : 1;
    const samples = new Int16Array((bytes.length + all) >> 1);
    const own = Buffer.from(samples.buffer);
    if (this.#odd !== undefined && samples.length > 0) own[0] = this.#odd;
    own.set(bytes.subarray(0, 2 * samples.length - all), all);
    if ((bytes.length + all) % 2 === 1) this.#odd = bytes.at(-1) ?? this.#odd;
    else this.#odd = undefined;
    if (this.#pairs < LOOKED_AT) this.#look(samples);
    return samples;
  }

  /**
   * Floats of sound are below 1, so that the upper half of each, read as a sample, is in two narrow ranges: no sound of 16 bits has
   * every other sample there.
   */
  #look(samples: Int16Array): void {
    for (let i = 0; i < samples.length && this.#pairs < LOOKED_AT; i++) {
      const sample = samples[i] as number;
      if (this.#samples++ % 2 === 0) this.#low = sample;
      else if (sample !== 0 || this.#low !== 0) {
        this.#pairs++;
        const bits = sample & 0x7fff;
        if (bits >= 0x3400 && bits <= 0x3f80) this.#floats++;
      }
    }
    if (this.#pairs === LOOKED_AT && this.#floats > 0.95 * LOOKED_AT) {
      throw unplayable({
        found: '32-bit floats',
        expected: '16-bit PCM',
        mend: 'Ask for WAV (format: wav), which says what it holds.',
      });
    }
  }
}
