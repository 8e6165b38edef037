import type { EncodedVideoChunk } from '../../media/encoded-chunk.js';
import type { VideoFrame } from '../../media/video-frame.js';

export type VideoValue = VideoFrame | EncodedVideoChunk;

/** A picture further from the time line than this starts a new one: its source paused, or was replaced. In µs. */
const MAX_LEAD_US = 1_000_000;
/** While pictures keep to the time line of their sound, one this far ahead comes after a gap, and one this far behind late. In µs. */
const MAX_GAP_US = 30_000_000;
/** Pictures may begin so much behind their sound: an encoder is opened first, or the machine is busy. In µs. */
const MAX_BEHIND_US = 3_000_000;
/** A picture this late starts a new time line too, so that those behind it keep their distance. In µs. */
const MAX_LATE_US = 250_000;

/** Sound and picture further apart than this are brought together, in µs. */
const MAX_SKEW_US = 15_000;

/**
 * Pictures waiting for their time. Their time stamps say how far they are apart; the first one is due when it comes.
 * Where time stamps stand still, the nominal distance is taken. Pure. Not bounded itself: the writer keeps to its mark.
 */
export class VideoQueue {
  readonly #intervalUs: number;
  #values: VideoValue[] = [];
  #head = 0;
  /** Local time minus media time of the time line that is being played. */
  #offsetUs: number | undefined;
  #lastMediaUs = -Infinity;
  #heldUs = 0;
  #dueUs = 0;
  /** The time line of the sound, while it is that of the pictures too. */
  #followedUs: number | undefined;
  readonly #reference: () => number | undefined;

  /**
   * `intervalUs`: nominal distance of two pictures, in µs. `reference`: local time minus media time of the sound that
   * belongs to the pictures, in µs, while there is any: pictures keep to it, as far as they are near.
   */
  constructor(intervalUs: number, reference: () => number | undefined = () => undefined) {
    this.#intervalUs = intervalUs;
    this.#reference = reference;
  }

  /** Media time that waits, in µs. */
  get heldUs(): number {
    return this.#heldUs;
  }

  /** When the picture taken last was due, in µs of local time. */
  get dueUs(): number {
    return this.#dueUs;
  }

  push(value: VideoValue): void {
    this.#values.push(value);
    this.#heldUs += this.durationOf(value);
  }

  /** How much media time a picture counts for. */
  durationOf(value: VideoValue): number {
    return value.kind === 'encoded-video' && value.duration > 0 ? value.duration : this.#intervalUs;
  }

  /** The next picture, if it is due by `nowUs`. */
  shiftDue(nowUs: number): VideoValue | undefined {
    const value = this.#values[this.#head];
    if (!value) return undefined;
    this.#follow(value, nowUs);
    const mediaUs = this.#mediaTime(value);
    const dueUs = this.#offsetUs === undefined ? nowUs : mediaUs + this.#offsetUs;
    const restarts = this.#restarts(dueUs, nowUs);
    if (!restarts && dueUs > nowUs) return undefined;
    if (restarts) {
      this.#offsetUs = nowUs - value.timestamp;
      this.#lastMediaUs = value.timestamp;
      this.#dueUs = nowUs;
    } else {
      this.#lastMediaUs = mediaUs;
      this.#dueUs = dueUs;
    }
    return this.#take(value);
  }

  /** When the next picture is due, as far as that is known at `nowUs`; undefined while none waits. */
  nextDueUs(nowUs: number): number | undefined {
    const value = this.#values[this.#head];
    if (!value) return undefined;
    if (this.#offsetUs === undefined) return nowUs;
    const dueUs = this.#mediaTime(value) + this.#offsetUs;
    return this.#restarts(dueUs, nowUs) ? nowUs : dueUs;
  }

  /** Where time stamps stand still, the nominal distance is taken. */
  #mediaTime(value: VideoValue): number {
    return value.timestamp <= this.#lastMediaUs ? this.#lastMediaUs + this.#intervalUs : value.timestamp;
  }

  /** A picture far from the time line begins a new one. */
  #restarts(dueUs: number, nowUs: number): boolean {
    const maxLeadUs = this.#followedUs === undefined ? MAX_LEAD_US : MAX_GAP_US;
    return this.#offsetUs === undefined || dueUs - nowUs > maxLeadUs || nowUs - dueUs > MAX_LATE_US;
  }

  /** Takes over the time line of the sound, unless the two have nothing to do with each other. */
  #follow(value: VideoValue, nowUs: number): void {
    const offsetUs = this.#reference();
    const beforeUs = this.#followedUs;
    this.#followedUs = undefined;
    if (offsetUs === undefined) return;
    const followed = beforeUs !== undefined && Math.abs(offsetUs - beforeUs) <= MAX_LEAD_US;
    const aheadUs = value.timestamp + offsetUs - nowUs;
    if (aheadUs > (followed ? MAX_GAP_US : MAX_LEAD_US) || -aheadUs > (followed ? MAX_GAP_US : MAX_BEHIND_US)) return;
    this.#followedUs = offsetUs;
    if (this.#offsetUs === undefined || Math.abs(offsetUs - this.#offsetUs) > MAX_SKEW_US) this.#offsetUs = offsetUs;
  }

  /** Forgets the time line: the next picture is due when it comes. */
  restart(): void {
    this.#offsetUs = undefined;
    this.#lastMediaUs = -Infinity;
  }

  /** Drops everything; the media time that was dropped, in µs. */
  clear(): number {
    const droppedUs = this.#heldUs;
    this.#values = [];
    this.#head = this.#heldUs = 0;
    this.restart();
    return droppedUs;
  }

  #take(value: VideoValue): VideoValue {
    this.#head++;
    this.#heldUs -= this.durationOf(value);
    if (this.#head === this.#values.length) {
      this.#values = [];
      this.#head = this.#heldUs = 0;
    } else if (this.#head > 32) {
      this.#values.splice(0, this.#head);
      this.#head = 0;
    }
    return value;
  }
}
