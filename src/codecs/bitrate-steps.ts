/**
 * A change worth a key frame: down at once when it is large, up only when it has lasted, sooner when it is large. Falls of the
 * kind that an estimate shows every few seconds are not: a key frame is just what a path that is full can do without.
 */
const DOWN_FACTOR = 0.75;
const DEEP_FACTOR = 0.5;
const UP_FACTOR = 1.15;
const JUMP_FACTOR = 2;
const DOWN_HOLD_US = 500_000;
const UP_HOLD_US = 2_000_000;
const JUMP_HOLD_US = 500_000;

/**
 * Decides when an encoder that cannot change its bitrate is worth being opened anew, which costs a key
 * frame each time. Small wishes are ignored, rises wait longer than falls. Pure: time comes with the call.
 */
export class BitrateSteps {
  #current: number;
  #wanted: number;
  #changedUs: number | undefined;

  constructor(bitsPerSecond: number) {
    this.#current = bitsPerSecond;
    this.#wanted = bitsPerSecond;
  }

  /** The bitrate that the encoder should have now. */
  get current(): number {
    return this.#current;
  }

  want(bitsPerSecond: number): void {
    this.#wanted = bitsPerSecond;
  }

  /** True when `current` has just been moved and the encoder must be opened anew. `free`: a key frame is made in any case. */
  step(nowUs: number, free = false): boolean {
    const due = this.#isDue(nowUs - (this.#changedUs ?? nowUs - UP_HOLD_US));
    if (!due && !(free && this.#wanted !== this.#current)) return false;
    this.#current = this.#wanted;
    this.#changedUs = nowUs;
    return true;
  }

  #isDue(heldUs: number): boolean {
    const ratio = this.#wanted / this.#current;
    if (ratio < DEEP_FACTOR) return true;
    if (ratio < DOWN_FACTOR) return heldUs >= DOWN_HOLD_US;
    if (ratio > JUMP_FACTOR) return heldUs >= JUMP_HOLD_US;
    return ratio > UP_FACTOR && heldUs >= UP_HOLD_US;
  }
}
