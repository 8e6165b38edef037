import { audioData } from '../../media/audio-data.js';
import { mixInto, softLimit } from '../../media/pcm.js';
import type { AudioFormat } from '../port.js';
import type { MediaReader } from '../media-reader.js';
import type { AudioConsumer } from './audio-consumer.js';
import type { AudioReceiver } from './audio-receiver.js';
import { PERIOD_US } from './audio-sender.js';

/** Sums the audio of all streams of a session for one reader, a period at each beat; silence when nobody sends. */
export class Mixer implements AudioConsumer {
  readonly format: AudioFormat;
  readonly #reader: MediaReader;
  readonly #sum: Int32Array;
  readonly #sources = new Set<AudioReceiver>();
  #timestampUs: number | undefined;

  constructor(format: AudioFormat, reader: MediaReader) {
    this.format = format;
    this.#reader = reader;
    this.#sum = new Int32Array((format.sampleRate / 50) * format.numberOfChannels);
  }

  add(source: AudioReceiver): void {
    this.#sources.add(source);
    source.add(this);
  }

  remove(source: AudioReceiver): void {
    if (this.#sources.delete(source)) source.remove(this);
  }

  audio(period: Int16Array): void {
    mixInto(this.#sum, period);
  }

  /** Ends the beat: gives the sum to the reader. */
  finish(nowUs: number): void {
    const data = new Int16Array(this.#sum.length);
    softLimit(this.#sum, data);
    this.#sum.fill(0);
    this.#timestampUs = this.#timestampUs === undefined ? nowUs : this.#timestampUs + PERIOD_US;
    this.#reader.push(
      audioData(data, this.format.sampleRate, this.format.numberOfChannels, Math.round(this.#timestampUs)),
      PERIOD_US,
    );
  }

  close(): void {
    for (const source of this.#sources) source.remove(this);
    this.#sources.clear();
  }
}
