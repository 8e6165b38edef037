import { createResampler, type Resampler } from '../../codecs/resampler.js';

/** Frames that bring a new resampler to where the sound was: several lengths of its filter. */
const PRIME_FRAMES = 128;
/** A rate is set for this long, and set again well before. In seconds. */
const SPREAD_SECONDS = 100;
const RENEW_SECONDS = 50;
/** Changes below this are not worth setting, in parts per million. */
const LEAST_CHANGE_PPM = 0.5;

/**
 * Makes sound a little longer or shorter, all the time, for a source whose clock is a little slow or fast: resampling by parts per million.
 * Nothing is loaded or computed before it is first needed, and it begins without a seam.
 */
export class DriftCompensator {
  readonly #sampleRate: number;
  readonly #channels: number;
  readonly #onError: (error: unknown) => void;
  #resampler: Resampler | undefined;
  #wanted = false;
  #closed = false;
  #primed = false;
  /** Samples that the resampler still has to give before those that were not heard. */
  #skip = 0;
  #last: Int16Array | undefined;
  #ppm = 0;
  #framesLeft = 0;

  constructor(sampleRate: number, numberOfChannels: number, onError: (error: unknown) => void) {
    this.#sampleRate = sampleRate;
    this.#channels = numberOfChannels;
    this.#onError = onError;
  }

  /** Nothing is being opened. */
  get isOpen(): boolean {
    return !this.#wanted || this.#resampler !== undefined;
  }

  /** The block, shorter by `ppm` parts per million (longer, when negative); 0 until the first other value costs nothing. */
  process(block: Int16Array, ppm: number): Int16Array {
    if (!this.#wanted) {
      if (ppm === 0) return block;
      this.#wanted = true;
      this.#open().catch(this.#onError);
    }
    if (!this.#resampler) {
      this.#last = block;
      return block;
    }
    if (!this.#primed) this.#prime(this.#resampler);
    this.#set(this.#resampler, ppm, block.length / this.#channels);
    const out = this.#resampler.process(block);
    if (this.#skip === 0) return out;
    const skipped = Math.min(this.#skip, out.length);
    this.#skip -= skipped;
    return out.subarray(skipped);
  }

  close(): void {
    this.#closed = true;
    this.#resampler?.close();
    this.#resampler = undefined;
  }

  async #open(): Promise<void> {
    const format = { sampleRate: this.#sampleRate, numberOfChannels: this.#channels };
    this.#resampler = await createResampler({ from: format, to: format, adjustable: true });
    if (this.#closed) this.close();
  }

  /** Gives the resampler the end of what went by it, so that what it has inside follows on. */
  #prime(resampler: Resampler): void {
    this.#primed = true;
    // The first compensation makes FFmpeg forget what it has, so it comes before that.
    resampler.compensate(0, this.#sampleRate);
    const length = PRIME_FRAMES * this.#channels;
    const past = new Int16Array(length);
    const last = this.#last?.subarray(-length);
    if (last) past.set(last, length - last.length);
    this.#last = undefined;
    this.#skip = length - resampler.process(past).length;
  }

  #set(resampler: Resampler, ppm: number, frames: number): void {
    this.#framesLeft -= frames;
    if (this.#framesLeft > 0 && Math.abs(ppm - this.#ppm) < LEAST_CHANGE_PPM) return;
    const distance = this.#sampleRate * SPREAD_SECONDS;
    resampler.compensate(Math.round((-ppm * distance) / 1e6), distance);
    this.#ppm = ppm;
    this.#framesLeft = this.#sampleRate * RENEW_SECONDS;
  }
}
