import { createOpusDecoder, type OpusDecoder, type OpusSampleRate } from '../../codecs/opus.js';
import type { AudioFormat } from '../port.js';
import type { AudioConsumer } from './audio-consumer.js';
import { PeriodConverter } from './period-converter.js';

const OPUS_RATES: readonly number[] = [8000, 12000, 16000, 24000, 48000];
/** The longest packet, plus a period that waits. In seconds. */
const FIFO_SECONDS = 0.16;

/** Decodes one track into one format, for all who want it so, and cuts it into periods of 20 ms. */
export class AudioDecoding {
  readonly consumers = new Set<AudioConsumer>();
  readonly #format: AudioFormat;
  readonly #decodeRate: number;
  readonly #onError: (error: unknown) => void;
  readonly #fifo: Int16Array;
  #held = 0;
  #decoder: OpusDecoder | undefined;
  #converter: PeriodConverter | undefined;
  #closed = false;

  constructor(format: AudioFormat, onError: (error: unknown) => void) {
    this.#format = format;
    this.#onError = onError;
    this.#decodeRate = OPUS_RATES.includes(format.sampleRate) ? format.sampleRate : 48_000;
    this.#fifo = new Int16Array(Math.ceil(this.#decodeRate * FIFO_SECONDS) * format.numberOfChannels);
    this.#open().catch(onError);
  }

  decode(packet: Uint8Array, samples48: number): void {
    if (!this.#decoder) {
      this.silence(samples48);
      return;
    }
    try {
      this.#push(this.#decoder.decode(packet));
    } catch (error) {
      this.conceal(undefined, samples48);
      this.#onError(error);
    }
  }

  /** Stands in for a lost packet, from the FEC data of the one after it where that is there. */
  conceal(next: Uint8Array | undefined, samples48: number): void {
    if (!this.#decoder) {
      this.silence(samples48);
      return;
    }
    const frames = this.#frames(samples48);
    try {
      this.#push(next ? this.#decoder.decodeFec(next, frames) : this.#decoder.conceal(frames));
    } catch (error) {
      this.silence(samples48);
      this.#onError(error);
    }
  }

  silence(samples48: number): void {
    const length = Math.min(this.#frames(samples48) * this.#format.numberOfChannels, this.#fifo.length - this.#held);
    this.#fifo.fill(0, this.#held, this.#held + length);
    this.#held += length;
  }

  /** Gives the next 20 ms to every consumer. */
  deliver(timestampUs: number): void {
    const length = (this.#decodeRate / 50) * this.#format.numberOfChannels;
    let period: Int16Array = new Int16Array(length);
    const count = Math.min(length, this.#held);
    period.set(this.#fifo.subarray(0, count));
    this.#fifo.copyWithin(0, count, this.#held);
    this.#held -= count;
    if (this.#converter) period = this.#converter.convert(period);
    for (const consumer of this.consumers) consumer.audio(period, timestampUs);
  }

  close(): void {
    this.#closed = true;
    this.#decoder?.close();
    this.#converter?.close();
    this.#decoder = this.#converter = undefined;
  }

  async #open(): Promise<void> {
    const { sampleRate, numberOfChannels } = this.#format;
    const converter =
      this.#decodeRate === sampleRate
        ? undefined
        : await PeriodConverter.open({ sampleRate: this.#decodeRate, numberOfChannels }, this.#format);
    const decoder = await createOpusDecoder({
      sampleRate: this.#decodeRate as OpusSampleRate,
      numberOfChannels: numberOfChannels as 1 | 2,
    });
    this.#converter = converter;
    this.#decoder = decoder;
    if (this.#closed) this.close();
  }

  #frames(samples48: number): number {
    return Math.round((samples48 * this.#decodeRate) / 48_000);
  }

  #push(samples: Int16Array): void {
    const length = Math.min(samples.length, this.#fifo.length - this.#held);
    this.#fifo.set(samples.length === length ? samples : samples.subarray(0, length), this.#held);
    this.#held += length;
  }
}
