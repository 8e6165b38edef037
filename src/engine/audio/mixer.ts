import { Limiter } from '../../media/limiter.js';
import type { AudioFormat } from '../port.js';
import type { RawAudioReader } from '../raw-audio-reader.js';
import type { TickTask } from '../ticker.js';
import type { AudioReceiver } from './audio-receiver.js';
import { MixSource } from './mix-source.js';

/**
 * Sums the audio of all streams of a session for one reader, a chunk at each beat; silence when nobody sends. What is too loud in
 * sum is turned down for as long as it is.
 */
export class Mixer implements TickTask {
  readonly format: AudioFormat;
  readonly #reader: Pick<RawAudioReader, 'push'>;
  readonly #periodUs: number;
  readonly #sum: Int32Array;
  readonly #period: Int16Array;
  readonly #limiter: Limiter;
  readonly #sources = new Map<AudioReceiver, MixSource>();
  #timestampUs: number | undefined;

  /** `periodMs`: between beats, and the length of a chunk; 10 or 20. */
  constructor(format: AudioFormat, reader: Pick<RawAudioReader, 'push'>, periodMs = 20) {
    this.format = format;
    this.#reader = reader;
    this.#periodUs = periodMs * 1000;
    this.#sum = new Int32Array(((format.sampleRate * periodMs) / 1000) * format.numberOfChannels);
    this.#period = new Int16Array(this.#sum.length);
    this.#limiter = new Limiter(format.sampleRate, format.numberOfChannels);
  }

  /** Tracks that are mixed. */
  get size(): number {
    return this.#sources.size;
  }

  add(receiver: AudioReceiver): void {
    if (this.#sources.has(receiver)) return;
    this.#sources.set(receiver, new MixSource(receiver, this.format, this.#periodUs));
  }

  remove(receiver: AudioReceiver): void {
    this.#sources.get(receiver)?.close();
    this.#sources.delete(receiver);
  }

  /** One beat: gives the sum to the reader. */
  tick(nowUs: number): void {
    const sum = this.#sum;
    for (const [receiver, source] of this.#sources) {
      // One that was closed plays nothing any more, and is held by nobody else.
      if (source.isClosed) this.#sources.delete(receiver);
      else source.mixInto(sum, nowUs);
    }
    this.#limiter.process(sum, this.#period);
    sum.fill(0);
    this.#timestampUs = this.#timestampUs === undefined ? nowUs : this.#timestampUs + this.#periodUs;
    this.#reader.push(this.#period, Math.round(this.#timestampUs));
  }

  close(): void {
    for (const source of this.#sources.values()) source.close();
    this.#sources.clear();
  }
}
