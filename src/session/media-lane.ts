import type { AudioData } from '../media/audio-data.js';
import { durationUs, type MediaValue } from '../media/media-value.js';

/** Raw audio is not cut into pieces shorter than this, unless it ends. */
const MIN_PIECE_US = 20_000;
/** Sums of durations that are no whole microseconds differ by this much. */
const ROUNDING_US = 1;

/** Where the media of a lane goes. */
export interface LaneSink {
  /** Takes a value at once, without keeping its memory. */
  write(value: MediaValue): void;
  /** Media time in µs that has left since the beginning. */
  consumedUs(): number;
  /** Asks for `flow` to be called when more has left. */
  awaitRoom(): void;
}

interface Waiting {
  readonly value: MediaValue;
  /** Frames of raw audio that were sent already. */
  sentFrames: number;
  readonly done: () => void;
}

/**
 * Media of one kind on its way to the engine: what was passed on and has not left is never more than `limitUs`.
 * What does not fit waits here, and raw audio that is longer than the room goes in pieces. A value that is longer
 * than the limit and cannot be cut goes when nothing else is held. Pure but for its sink.
 */
export class MediaLane {
  readonly #sink: LaneSink;
  readonly #limitUs: number;
  readonly #frameUs: number;
  #waiting: Waiting[] = [];
  #writtenUs = 0;
  /** What had been written when `clear` was called last: it counts as gone, also before the engine says so. */
  #clearedUs = 0;
  #closed = false;

  /** `frameUs` is the time that a picture takes whose duration is not known. */
  constructor(sink: LaneSink, limitUs: number, frameUs: number) {
    this.#sink = sink;
    this.#limitUs = limitUs;
    this.#frameUs = frameUs;
  }

  /** Media time in µs that was passed on and has not left. */
  get heldUs(): number {
    const heldUs = this.#writtenUs - Math.max(this.#clearedUs, this.#sink.consumedUs());
    return heldUs > ROUNDING_US ? heldUs : 0;
  }

  /** Whether a writer should wait; the sink is then asked to tell when there is room. */
  get full(): boolean {
    if (this.#waiting.length > 0) return true;
    if (this.#closed || !this.#isFull) return false;
    this.#sink.awaitRoom();
    // What has left meanwhile is not told of.
    return this.#isFull;
  }

  /** Passes the value on; calls `done` when all of it was. After `close` it is dropped. */
  write(value: MediaValue, done: () => void): void {
    if (this.#closed || (this.#waiting.length === 0 && this.#passWhole(value))) {
      done();
      return;
    }
    this.#waiting.push({ value, sentFrames: 0, done });
    this.flow();
  }

  /** Passes on as much of what waits as there is room for. */
  flow(): void {
    for (let head = this.#waiting[0]; head; head = this.#waiting[0]) {
      if (!this.#pass(head)) {
        this.#sink.awaitRoom();
        // As above.
        if (!this.#pass(head)) return;
      }
      this.#waiting.shift();
      head.done();
    }
  }

  /** Drops what waits here and counts what was passed on as gone. */
  clear(): void {
    this.#clearedUs = this.#writtenUs;
    this.#release();
  }

  /** Drops what waits and all that comes. */
  close(): void {
    this.#closed = true;
    this.#release();
  }

  get #isFull(): boolean {
    return this.heldUs + ROUNDING_US >= this.#limitUs;
  }

  /** Whether all of it, or what was left of it, was passed on. */
  #pass(head: Waiting): boolean {
    return head.value.kind === 'audio' ? this.#passPieces(head, head.value) : this.#passWhole(head.value);
  }

  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { done } of waiting) done();
  }

  #passWhole(value: MediaValue): boolean {
    const valueUs = durationUs(value) || this.#frameUs;
    const heldUs = this.heldUs;
    const cuttable = value.kind === 'audio';
    if (heldUs + valueUs > this.#limitUs + ROUNDING_US && (cuttable || heldUs > 0)) return false;
    this.#sink.write(value);
    this.#writtenUs += valueUs;
    return true;
  }

  /** Whether the rest of the chunk was passed on. */
  #passPieces(head: Waiting, audio: AudioData): boolean {
    const { sampleRate, numberOfChannels, numberOfFrames } = audio;
    const rest = numberOfFrames - head.sentFrames;
    const roomUs = this.#limitUs - this.heldUs;
    const room = Math.floor(((roomUs + ROUNDING_US) * sampleRate) / 1_000_000);
    const frames = Math.min(rest, room);
    if (frames < rest && roomUs + ROUNDING_US < MIN_PIECE_US) return false;
    const from = head.sentFrames * numberOfChannels;
    this.#sink.write({
      ...audio,
      data: audio.data.subarray(from, from + frames * numberOfChannels),
      numberOfFrames: frames,
      timestamp: audio.timestamp + Math.round((head.sentFrames * 1_000_000) / sampleRate),
    });
    head.sentFrames += frames;
    this.#writtenUs += (frames * 1_000_000) / sampleRate;
    return frames === rest;
  }
}
