/** Changes that are remembered: late packets from before are dropped. A power of two. */
const MAX_CHANGES = 256;

/**
 * Gives the packets of a source the sequence numbers under which they are sent on, without gaps where packets were left out on purpose.
 * Works on unwrapped numbers.
 */
export class SequenceMap {
  /** From which number on an offset is in force; a ring. */
  readonly #from = new Float64Array(MAX_CHANGES);
  readonly #offsets = new Float64Array(MAX_CHANGES);
  #first = 0;
  #count = 0;
  #highestIn = -Infinity;
  #highestOut: number;
  readonly #firstOut: number;

  /** `first` is the number of the first packet that will be sent. */
  constructor(first: number) {
    this.#firstOut = first;
    this.#highestOut = first - 1;
  }

  /** How many numbers were given since the beginning, those of packets that never came included. */
  get given(): number {
    return this.#highestOut - this.#firstOut + 1;
  }

  /** Nothing was mapped yet. */
  get empty(): boolean {
    return this.#count === 0;
  }

  /** Lets the source go on, or another source take over, with `sequence`: it follows what was sent last. Earlier ones are not sent any more. */
  restart(sequence: number): void {
    this.#count = 0;
    this.#push(sequence, this.#highestOut + 1 - sequence);
    this.#highestIn = sequence - 1;
  }

  /** The number to send a packet under; undefined when it comes too late. */
  map(sequence: number): number | undefined {
    if (sequence > this.#highestIn) this.#highestIn = sequence;
    for (let i = this.#count - 1; i >= 0; i--) {
      const slot = (this.#first + i) & (MAX_CHANGES - 1);
      if (sequence < this.#from[slot]!) continue;
      const out = sequence + this.#offsets[slot]!;
      if (out > this.#highestOut) this.#highestOut = out;
      return out;
    }
    return undefined;
  }

  /**
   * Leaves a packet out so that no gap remains. False when later packets have already been sent:
   * the number is then taken, and something has to be sent under it.
   */
  drop(sequence: number): boolean {
    if (sequence <= this.#highestIn) return false;
    this.#highestIn = sequence;
    if (this.#count === 0) return true;
    const last = (this.#first + this.#count - 1) & (MAX_CHANGES - 1);
    const offset = this.#offsets[last]! - 1;
    // Several in a row are one change.
    if (this.#from[last] === sequence) {
      this.#from[last] = sequence + 1;
      this.#offsets[last] = offset;
    } else this.#push(sequence + 1, offset);
    return true;
  }

  #push(from: number, offset: number): void {
    if (this.#count === MAX_CHANGES) this.#first = (this.#first + 1) & (MAX_CHANGES - 1);
    else this.#count++;
    const slot = (this.#first + this.#count - 1) & (MAX_CHANGES - 1);
    this.#from[slot] = from;
    this.#offsets[slot] = offset;
  }
}
