import { recommendedBitrate } from './layer-plan.js';

/** How a picture is sent for the bits that there are. */
export interface Quality {
  /** The sides are divided by this: 1, 2 or 4. */
  readonly scale: number;
  /** Pictures per second. */
  readonly frameRate: number;
}

/** Of the bits that look good: below the first, pictures are left out; below the second, they get smaller. */
const FULL_RATE = 0.4;
const HALF_RATE = 0.22;
/** The shorter side does not get below this by scaling, in pixels. */
const MIN_SIDE = 80;
const MIN_FRAME_RATE = 5;
/** A fall has to last before it counts, unless it is deep; a rise much longer. In µs. */
const DOWN_HOLD_US = 400_000;
const DEEP_FACTOR = 0.6;
const UP_HOLD_US = 2_500_000;
/** How much more than its least a better rung needs before it is taken. */
const UP_FACTOR = 1.25;

interface Rung extends Quality {
  /** Bits per second from which it is worth while. */
  readonly needBps: number;
}

/**
 * Follows a bitrate with what can be seen of it: first every other picture is left out, then pictures get smaller, by steps that
 * are held for a while. Pure: time comes with the call, in µs.
 */
export class QualityLadder {
  #rungs: readonly Rung[] = [];
  #key = '';
  #at = 0;
  #shortSinceUs: number | undefined;
  #betterSinceUs: number | undefined;
  /** The least of the better rungs that would have done since then. */
  #betterRung = 0;

  /** The quality for pictures of this size (pixels) and rate (1/s) at a bitrate. */
  choose(bitrate: number, width: number, height: number, frameRate: number, nowUs: number): Quality {
    const key = `${width}x${height}@${frameRate}`;
    if (key !== this.#key) {
      this.#key = key;
      this.#rungs = rungsOf(width, height, frameRate);
      this.#move(this.#best(bitrate, 1));
    } else this.#follow(bitrate, nowUs);
    return this.#rungs[this.#at]!;
  }

  /** True while something is left out or made smaller. */
  get limited(): boolean {
    return this.#at > 0;
  }

  #follow(bitrate: number, nowUs: number): void {
    const { needBps } = this.#rungs[this.#at]!;
    if (bitrate < needBps) {
      this.#betterSinceUs = undefined;
      this.#shortSinceUs ??= nowUs;
      if (bitrate < needBps * DEEP_FACTOR || nowUs - this.#shortSinceUs >= DOWN_HOLD_US)
        this.#move(this.#best(bitrate, 1));
      return;
    }
    this.#shortSinceUs = undefined;
    const better = this.#best(bitrate, UP_FACTOR);
    if (better >= this.#at) {
      this.#betterSinceUs = undefined;
      return;
    }
    if (this.#betterSinceUs === undefined) {
      this.#betterSinceUs = nowUs;
      this.#betterRung = better;
    }
    this.#betterRung = Math.max(this.#betterRung, better);
    if (nowUs - this.#betterSinceUs >= UP_HOLD_US) this.#move(this.#betterRung);
  }

  #best(bitrate: number, factor: number): number {
    const found = this.#rungs.findIndex((rung) => bitrate >= rung.needBps * factor);
    return found === -1 ? this.#rungs.length - 1 : found;
  }

  #move(rung: number): void {
    this.#at = rung;
    this.#shortSinceUs = this.#betterSinceUs = undefined;
  }
}

function rungsOf(width: number, height: number, frameRate: number): Rung[] {
  const rungs: Rung[] = [];
  const half = Math.max(Math.min(MIN_FRAME_RATE, frameRate), frameRate / 2);
  for (const scale of [1, 2, 4]) {
    if (scale > 1 && Math.min(width, height) / scale < MIN_SIDE) break;
    const goodBps = recommendedBitrate(width / scale, height / scale, frameRate);
    rungs.push({ scale, frameRate, needBps: goodBps * FULL_RATE });
    rungs.push({ scale, frameRate: half, needBps: goodBps * HALF_RATE });
  }
  return rungs;
}
