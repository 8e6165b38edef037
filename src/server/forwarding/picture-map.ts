/** How many pictures back a late packet finds its place; a power of two. */
const WINDOW = 128;
/** What became of a picture. */
const UNDECIDED = 0;
const SENT = 1;
const LEFT_OUT = 2;

/**
 * Gives the pictures of a source the ids under which they are sent on, without gaps where pictures were left out: receivers take
 * a gap for a loss and wait (RFC 7741, 4.2). Works on unwrapped ids of pictures, each decided once: when its first packet comes.
 */
export class PictureMap {
  readonly #pictures = new Float64Array(WINDOW).fill(NaN);
  readonly #offsets = new Float64Array(WINDOW);
  readonly #states = new Uint8Array(WINDOW);
  #newest = -Infinity;
  #offset = 0;
  #newestOut: number | undefined;

  /** Lets the source go on, or another take over, with `picture`: it follows what was sent last. Earlier ones are not sent any more. */
  restart(picture: number): void {
    this.#pictures.fill(NaN);
    this.#newest = picture - 1;
    if (this.#newestOut !== undefined) this.#offset = this.#newestOut + 1 - picture;
  }

  /** True when nothing was decided about this picture yet, and it is not too late for it. */
  undecided(picture: number): boolean {
    if (picture > this.#newest) return true;
    const slot = picture & (WINDOW - 1);
    return this.#pictures[slot] === picture && this.#states[slot] === UNDECIDED;
  }

  /** Decides about a picture that is undecided. */
  decide(picture: number, send: boolean): void {
    const slot = picture & (WINDOW - 1);
    if (picture > this.#newest) {
      for (let at = Math.max(this.#newest + 1, picture - WINDOW + 1); at <= picture; at++) this.#open(at);
      this.#newest = picture;
      // What comes after takes its place.
      if (!send) this.#offset--;
    }
    this.#states[slot] = send ? SENT : LEFT_OUT;
    const out = picture + this.#offsets[slot]!;
    if (send && (this.#newestOut === undefined || out > this.#newestOut)) this.#newestOut = out;
  }

  /** The id to send a picture under; undefined when it was left out, is too late, or undecided. */
  map(picture: number): number | undefined {
    const slot = picture & (WINDOW - 1);
    if (this.#pictures[slot] !== picture || this.#states[slot] !== SENT) return undefined;
    return picture + this.#offsets[slot]!;
  }

  #open(picture: number): void {
    const slot = picture & (WINDOW - 1);
    this.#pictures[slot] = picture;
    this.#offsets[slot] = this.#offset;
    this.#states[slot] = UNDECIDED;
  }
}
