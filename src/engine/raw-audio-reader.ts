import { type AudioData, audioData } from '../media/audio-data.js';
import { AudioRing } from '../media/audio-ring.js';
import { MediaBuffer } from '../media/media-buffer.js';
import type { Emit } from './media-reader.js';
import type { AudioFormat, ReaderOpenArgs } from './port.js';

/**
 * Decoded audio on its way to one reader of the main thread, through shared memory: no message is as cheap. Periods go while the
 * reader has asked for more, wait up to the limit when it has not, and the oldest are dropped beyond that.
 */
export class RawAudioReader {
  readonly #id: number;
  readonly #format: AudioFormat;
  readonly #emit: Emit;
  readonly #ring: AudioRing | undefined;
  readonly #periodUs: number;
  readonly #queue: MediaBuffer<AudioData>;

  constructor({ reader, audioFormat, audioRing, maxLagMs, ptimeMs = 20 }: ReaderOpenArgs, emit: Emit) {
    this.#id = reader;
    this.#format = audioFormat;
    this.#emit = emit;
    this.#ring = audioRing && new AudioRing(audioRing);
    this.#periodUs = ptimeMs * 1000;
    this.#queue = new MediaBuffer<AudioData>(maxLagMs, 'drop-oldest');
  }

  /** Whether all that came has gone to the reader. */
  get isEmpty(): boolean {
    return this.#queue.length === 0 && this.#ring?.isEmpty !== false;
  }

  /** Takes a period; its samples are copied. */
  push(period: Int16Array, timestampUs: number): void {
    const ring = this.#ring;
    if (!ring) return;
    if (this.#queue.length === 0 && ring.asked > 0 && ring.write(period, timestampUs)) {
      this.#tell(ring);
      return;
    }
    const { sampleRate, numberOfChannels } = this.#format;
    const before = this.#queue.counters.droppedUs;
    const values = this.#queue.push(
      audioData(period.slice(), sampleRate, numberOfChannels, timestampUs),
      this.#periodUs,
    );
    if (values > 0) {
      const durationUs = this.#queue.counters.droppedUs - before;
      this.#emit('overflow', { reader: this.#id, kind: 'audio', values, durationUs });
    }
    this.flow();
  }

  /** Lets what waits go, as far as it was asked for. */
  flow(): void {
    const ring = this.#ring;
    if (!ring || this.#move(ring)) return;
    ring.await();
    // What was asked meanwhile is not told of.
    this.#move(ring);
  }

  /** Whether nothing is left. */
  #move(ring: AudioRing): boolean {
    let moved = false;
    for (let value = this.#queue.peek(); value; value = this.#queue.peek()) {
      if (ring.asked <= 0 || !ring.write(value.data, value.timestamp)) break;
      this.#queue.shift();
      moved = true;
    }
    if (moved) this.#tell(ring);
    return this.#queue.length === 0;
  }

  #tell(ring: AudioRing): void {
    if (ring.wakesReader()) this.#emit('audio', { reader: this.#id });
  }
}
