import { audioData } from '../../media/audio-data.js';
import { softLimit } from '../../media/pcm.js';
import type { AudioFormat } from '../port.js';
import type { MediaReader } from '../media-reader.js';
import type { AudioReceiver } from './audio-receiver.js';
import { PERIOD_US } from './audio-sender.js';
import { MixSource } from './mix-source.js';

/** Sums the audio of all streams of a session for one reader, a period at each beat; silence when nobody sends. */
export class Mixer {
  readonly format: AudioFormat;
  readonly #reader: MediaReader;
  readonly #sum: Int32Array;
  readonly #sources = new Map<AudioReceiver, MixSource>();
  #timestampUs: number | undefined;

  constructor(format: AudioFormat, reader: MediaReader) {
    this.format = format;
    this.#reader = reader;
    this.#sum = new Int32Array((format.sampleRate / 50) * format.numberOfChannels);
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
    const data = new Int16Array(sum.length);
    softLimit(sum, data);
    sum.fill(0);
    this.#timestampUs = this.#timestampUs === undefined ? nowUs : this.#timestampUs + PERIOD_US;
    this.#reader.push(
      audioData(data, this.format.sampleRate, this.format.numberOfChannels, Math.round(this.#timestampUs)),
      PERIOD_US,
    );
  }

  close(): void {
    for (const source of this.#sources.values()) source.close();
    this.#sources.clear();
  }
}
