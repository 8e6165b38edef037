/** A picture may come so much later than others before it shows: what is within this is not waited for, in µs. */
const UNSEEN_US = 100_000;
/** Pictures are held for no longer than this, in µs. */
const MAX_DELAY_US = 250_000;
/** How fast the delay grows and shrinks, per time of media. */
const GROWTH = 0.2;
const DECLINE = 0.02;
/** How long what was learned from late pictures holds: it halves in so long, in µs. */
const HALF_LIFE_US = 15_000_000;
/** Retransmission is to be expected for so long after the last one, in µs. */
const LOSSY_US = 10_000_000;

/**
 * How long pictures are held before they are handed on, so that those that had to be sent again do not make the others stand still:
 * nothing on a way that loses nothing, and on others no more than hides two requests for a packet. Pure.
 */
export class VideoDelay {
  #us = 0;
  #latenessUs = 0;
  #recoveryUs = 0;
  #lossyUntilUs = -Infinity;
  #lastUs = NaN;

  /** The delay now, in µs. */
  get us(): number {
    return this.#us;
  }

  /** A packet was lost and sent again; one that has to be asked for twice comes so late, in µs. */
  lost(recoveryUs: number, nowUs: number): void {
    this.#recoveryUs = recoveryUs;
    this.#lossyUntilUs = nowUs + LOSSY_US;
  }

  /** A picture was complete so late, in µs; `nowUs` never goes back. */
  completed(latenessUs: number, nowUs: number): void {
    const passedUs = Number.isNaN(this.#lastUs) ? 0 : nowUs - this.#lastUs;
    this.#lastUs = nowUs;
    this.#latenessUs *= 2 ** (-passedUs / HALF_LIFE_US);
    // Later than is ever waited for is no lateness, but an interruption.
    if (latenessUs <= MAX_DELAY_US + UNSEEN_US) this.#latenessUs = Math.max(this.#latenessUs, latenessUs);
    const expectedUs = nowUs < this.#lossyUntilUs ? this.#recoveryUs : 0;
    const wantedUs = Math.min(MAX_DELAY_US, Math.max(0, Math.max(this.#latenessUs, expectedUs) - UNSEEN_US));
    const change = wantedUs - this.#us;
    this.#us += Math.max(-DECLINE * passedUs, Math.min(GROWTH * passedUs, change));
  }

  reset(): void {
    this.#us = this.#latenessUs = 0;
    this.#lossyUntilUs = -Infinity;
    this.#lastUs = NaN;
  }
}
