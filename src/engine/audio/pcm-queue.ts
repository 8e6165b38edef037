import type { AudioData } from '../../media/audio-data.js';
import type { EncodedAudioChunk } from '../../media/encoded-chunk.js';
import { durationUs } from '../../media/media-value.js';

/**
 * Audio waiting to be sent: raw samples, read out in periods whatever the size of the chunks that came in, or Opus
 * packets, read out whole. Not bounded itself: the writer keeps to its high-water mark.
 */
export class PcmQueue {
  #items: (AudioData | EncodedAudioChunk)[] = [];
  /** Of each item, when it was written. */
  #writtenUs: number[] = [];
  #head = 0;
  /** Samples (of all channels) of the oldest item that were read already. */
  #offset = 0;
  #heldUs = 0;
  #readWrittenUs = 0;

  /** Media time that waits, in µs. */
  get heldUs(): number {
    return this.#heldUs;
  }

  /** When the last of what was read most lately had been written. */
  get readWrittenUs(): number {
    return this.#readWrittenUs;
  }

  /** `writtenUs`: when that was, not before any that was pushed earlier. */
  push(value: AudioData | EncodedAudioChunk, writtenUs = 0): void {
    const valueUs = durationUs(value);
    if (valueUs <= 0) return;
    this.#items.push(value);
    this.#writtenUs.push(writtenUs);
    this.#heldUs += valueUs;
  }

  /** The kind of what comes next. */
  get next(): 'audio' | 'encoded-audio' | undefined {
    return this.#items[this.#head]?.kind;
  }

  /** The time stamp of what is read next, in µs. */
  get timestampUs(): number | undefined {
    const item = this.#items[this.#head];
    if (item?.kind !== 'audio') return item?.timestamp;
    return item.timestamp + (this.#offset * 1_000_000) / (item.sampleRate * item.numberOfChannels);
  }

  /** Takes the next Opus packet; only when `next` says so. */
  shiftEncoded(): EncodedAudioChunk | undefined {
    const item = this.#items[this.#head];
    if (item?.kind !== 'encoded-audio') return undefined;
    this.#noteWritten();
    this.#advance(item.duration);
    return item;
  }

  /** Samples that can be read before the next Opus packet or the end; counted up to `limit`. */
  available(limit: number): number {
    let count = -this.#offset;
    for (let i = this.#head; i < this.#items.length && count < limit; i++) {
      const item = this.#items[i];
      if (item?.kind !== 'audio') break;
      count += item.data.length;
    }
    return Math.max(0, Math.min(count, limit));
  }

  /** Fills `target` as far as there are samples; the rest is left alone. Returns how many were written. */
  read(target: Int16Array): number {
    let written = 0;
    while (written < target.length) {
      const item = this.#items[this.#head];
      if (item?.kind !== 'audio') break;
      this.#noteWritten();
      const count = Math.min(target.length - written, item.data.length - this.#offset);
      target.set(item.data.subarray(this.#offset, this.#offset + count), written);
      written += count;
      this.#offset += count;
      const us = (count * 1_000_000) / (item.sampleRate * item.numberOfChannels);
      if (this.#offset === item.data.length) this.#advance(us);
      else this.#heldUs -= us;
    }
    return written;
  }

  /** Drops everything; the media time that was dropped, in µs. */
  clear(): number {
    const droppedUs = this.#heldUs;
    this.#items = [];
    this.#writtenUs = [];
    this.#head = this.#offset = this.#heldUs = 0;
    return droppedUs;
  }

  #noteWritten(): void {
    this.#readWrittenUs = this.#writtenUs[this.#head] ?? 0;
  }

  #advance(us: number): void {
    this.#items[this.#head] = undefined as never;
    this.#head++;
    this.#offset = 0;
    this.#heldUs -= us;
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#writtenUs = [];
      this.#head = 0;
      this.#heldUs = 0;
    } else if (this.#head > 64 && this.#head * 2 > this.#items.length) {
      this.#items.splice(0, this.#head);
      this.#writtenUs.splice(0, this.#head);
      this.#head = 0;
    }
  }
}
