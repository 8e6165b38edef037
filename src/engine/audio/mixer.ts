import { softLimit } from '../../media/pcm.js';
import type { AudioFormat } from '../port.js';
import type { RawAudioReader } from '../raw-audio-reader.js';
import type { AudioReceiver } from './audio-receiver.js';
import { PERIOD_US } from './audio-sender.js';
import { MixSource } from './mix-source.js';

/** Sums the audio of all streams of a session for one reader, a period at each beat; silence when nobody sends. */
export class Mixer {
  readonly format: AudioFormat;
  readonly #reader: Pick<RawAudioReader, 'push'>;
  readonly #sum: Int32Array;
  readonly #period: Int16Array;
  readonly #sources = new Map<AudioReceiver, MixSource>();
  #timestampUs: number | undefined;

  constructor(format: AudioFormat, reader: Pick<RawAudioReader, 'push'>) {
    this.format = format;
    this.#reader = reader;
    this.#sum = new Int32Array((format.sampleRate / 50) * format.numberOfChannels);
    this.#period = new Int16Array(this.#sum.length);
  }

  /** Tracks that are mixed. */
  get size(): number {
    return this.#sources.size;
  }

  add(receiver: AudioReceiver): void {
    if (!this.#sources.has(receiver)) this.#sources.set(receiver, new MixSource(receiver, this.format));
  }

  remove(receiver: AudioReceiver): void {
    this.#sources.get(receiver)?.close();
    this.#sources.delete(receiver);
  }

  /** One beat of 20 ms: gives the sum to the reader. */
  finish(nowUs: number): void {
    const sum = this.#sum;
    for (const [receiver, source] of this.#sources) {
      // One that was closed plays nothing any more, and is held by nobody else.
      if (source.isClosed) this.#sources.delete(receiver);
      else source.mixInto(sum, nowUs);
    }
    softLimit(sum, this.#period);
    sum.fill(0);
    this.#timestampUs = this.#timestampUs === undefined ? nowUs : this.#timestampUs + PERIOD_US;
    this.#reader.push(this.#period, Math.round(this.#timestampUs));
  }

  close(): void {
    for (const source of this.#sources.values()) source.close();
    this.#sources.clear();
  }
}
