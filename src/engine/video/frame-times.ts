/** Durations that the usual one is the mean of (W3C webrtc-stats, freezeCount). */
const WINDOW = 30;
/** Before so many durations nobody knows what is usual. */
const MIN_SAMPLES = 5;
const FREEZE_INCREASE_US = 150_000;
/** A picture that stands for longer is a pause. */
const PAUSE_US = 5_000_000;
/** Pictures whose time is remembered: more than come in a second; a power of two. */
const RECENT = 128;

/** How evenly the pictures of one video come: freezes, pauses and rate as W3C webrtc-stats defines them. Pure. */
export class FrameTimes {
  frames = 0;
  freezeCount = 0;
  totalFreezesUs = 0;
  pauseCount = 0;
  totalPausesUs = 0;
  /** Sum of the time between two pictures, in µs, and of its square, in s². */
  totalInterFrameUs = 0;
  totalSquaredInterFrame = 0;
  readonly #durations = new Float64Array(WINDOW);
  readonly #recent = new Float64Array(RECENT).fill(-Infinity);
  #samples = 0;
  #sumUs = 0;
  #lastUs = NaN;

  /** Notes a picture. */
  add(nowUs: number): void {
    const durationUs = nowUs - this.#lastUs;
    this.#lastUs = nowUs;
    this.#recent[this.frames++ & (RECENT - 1)] = nowUs;
    if (!(durationUs >= 0)) return;
    this.totalInterFrameUs += durationUs;
    this.totalSquaredInterFrame += (durationUs / 1e6) ** 2;
    if (durationUs >= PAUSE_US) {
      this.pauseCount++;
      this.totalPausesUs += durationUs;
      return;
    }
    if (this.#isFreeze(durationUs)) {
      this.freezeCount++;
      this.totalFreezesUs += durationUs;
    }
    const place = this.#samples++ % WINDOW;
    this.#sumUs += durationUs - this.#durations[place]!;
    this.#durations[place] = durationUs;
  }

  /** Nobody looked for a while: what comes next is not late. */
  interrupt(): void {
    this.#lastUs = NaN;
  }

  /** Pictures of the last second. */
  perSecond(nowUs: number): number {
    let count = 0;
    for (const atUs of this.#recent) if (nowUs - atUs < 1_000_000) count++;
    return count;
  }

  #isFreeze(durationUs: number): boolean {
    if (this.#samples < MIN_SAMPLES) return false;
    const usualUs = this.#sumUs / Math.min(this.#samples, WINDOW);
    return durationUs >= Math.max(3 * usualUs, usualUs + FREEZE_INCREASE_US);
  }
}
