import type { VideoFrame } from './video-frame.js';

export interface PictureQueueOptions {
  /**
   * `newest`: what came last is shown, for pictures that come by the clock. `paced`: the first is shown at once and the others
   * by their distance from it, for pictures that come as fast as they are taken. `own-time`: moments are those of the pictures.
   */
  readonly order: 'newest' | 'paced' | 'own-time';
  /** Distance of the moments that pictures are asked for, in µs. */
  readonly intervalUs: number;
  /** How long a picture is shown when none comes after it, in µs. */
  readonly holdUs: number;
  /** How much may wait before no more is wanted, in µs. */
  readonly queueUs: number;
  /** Called for each picture that another took the place of before it was shown. */
  readonly skipped: () => void;
}

/** A picture is shown so much of the interval before its time: time stamps jitter, and are rounded. */
const EARLY = 0.25;
/** Pictures later than this are not hurried through: their time goes on from where it is. In µs. */
const MAX_LATE_US = 1_000_000;

/** The pictures of one stream, and which of them is shown at a moment. Moments are asked for in ascending order. Pure. */
export class PictureQueue {
  readonly #options: PictureQueueOptions;
  readonly #earlyUs: number;
  readonly #waiting: VideoFrame[] = [];
  #shown: VideoFrame | undefined;
  /** The picture that is shown was given out. */
  #isGiven = true;
  /** Since when it is shown. */
  #sinceUs = 0;
  /** Of the picture that came last. */
  #lastUs: number | undefined;
  /** Between the last two pictures. */
  #stepUs: number | undefined;
  /** What lies between the time of the pictures and that of the moments. */
  #offsetUs: number | undefined;
  #isEnded = false;

  constructor(options: PictureQueueOptions) {
    this.#options = options;
    this.#earlyUs = options.intervalUs * EARLY;
  }

  /** Time of the oldest picture that waits, in µs. */
  get firstUs(): number | undefined {
    return this.#waiting[0]?.timestamp;
  }

  /** So much waits that no more is wanted. */
  get isFull(): boolean {
    const first = this.#waiting[0];
    const last = this.#waiting.at(-1);
    if (this.#options.order === 'newest' || !first || !last) return false;
    // Two moments at least: at the second it is known which picture is shown at the first.
    return last.timestamp - first.timestamp >= Math.max(this.#options.queueUs, 2 * this.#options.intervalUs);
  }

  push(frame: VideoFrame): void {
    if (this.#lastUs !== undefined) this.#stepUs = frame.timestamp - this.#lastUs;
    this.#lastUs = frame.timestamp;
    if (this.#options.order === 'newest' && this.#waiting.length > 0) {
      this.#waiting.length = 0;
      this.#options.skipped();
    }
    this.#waiting.push(frame);
  }

  /** No more pictures come. */
  end(): void {
    this.#isEnded = true;
  }

  /** Whether it is known which picture is shown at this moment. */
  isKnown(momentUs: number): boolean {
    const last = this.#waiting.at(-1);
    return this.#isEnded || (last !== undefined && this.#dueUs(last) > momentUs);
  }

  /** Whether nothing is shown from this moment on, for ever. */
  isOver(momentUs: number): boolean {
    if (!this.#isEnded) return false;
    if (this.#options.order === 'newest' && this.#waiting.length > 0) return false;
    return momentUs >= this.#endUs();
  }

  /** The picture that is shown at this moment; undefined when there is none, or none has come for too long. */
  at(momentUs: number): VideoFrame | undefined {
    this.#pace(momentUs);
    for (let next = this.#waiting[0]; next && this.#dueUs(next) <= momentUs; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#show(next, momentUs);
    }
    this.#isGiven = true;
    if (!this.#shown || this.isOver(momentUs)) return undefined;
    return momentUs - this.#sinceUs <= this.#options.holdUs ? this.#shown : undefined;
  }

  /** Lets go of what waits. */
  clear(): void {
    for (const _ of this.#waiting.splice(0)) this.#options.skipped();
  }

  #show(frame: VideoFrame, momentUs: number): void {
    if (!this.#isGiven) this.#options.skipped();
    this.#shown = frame;
    this.#isGiven = false;
    this.#sinceUs = this.#options.order === 'newest' ? momentUs : this.#dueUs(frame) + this.#earlyUs;
  }

  #dueUs(frame: VideoFrame): number {
    if (this.#options.order === 'newest') return -Infinity;
    return frame.timestamp + (this.#offsetUs ?? 0) - this.#earlyUs;
  }

  /** By their time, the last picture is shown for as long as the one before it; in real time until the next moment. */
  #endUs(): number {
    const { order, intervalUs, holdUs } = this.#options;
    if (order === 'newest') return this.#shown ? this.#sinceUs + intervalUs - this.#earlyUs : -Infinity;
    if (this.#lastUs === undefined) return -Infinity;
    return this.#lastUs + (this.#offsetUs ?? 0) + Math.min(this.#stepUs ?? intervalUs, holdUs) - this.#earlyUs;
  }

  #pace(momentUs: number): void {
    const next = this.#waiting[0];
    if (!next || this.#options.order !== 'paced') return;
    if (this.#offsetUs === undefined || momentUs - this.#dueUs(next) > MAX_LATE_US) {
      this.#offsetUs = momentUs - next.timestamp;
    }
  }
}
