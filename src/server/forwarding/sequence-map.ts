/** Changes that are remembered: late packets from before are dropped. */
const MAX_CHANGES = 64;

/**
 * Gives the packets of a source the sequence numbers under which they are sent on, without gaps where packets were left out on purpose.
 * Works on unwrapped numbers.
 */
export class SequenceMap {
  #from: number[] = [];
  #offsets: number[] = [];
  #highestIn = -Infinity;
  #highestOut: number;

  /** `first` is the number of the first packet that will be sent. */
  constructor(first: number) {
    this.#highestOut = first - 1;
  }

  /** Nothing was mapped yet. */
  get empty(): boolean {
    return this.#from.length === 0;
  }

  /** Lets the source go on, or another source take over, with `sequence`: it follows what was sent last. Earlier ones are not sent any more. */
  restart(sequence: number): void {
    this.#from = [sequence];
    this.#offsets = [this.#highestOut + 1 - sequence];
    this.#highestIn = sequence - 1;
  }

  /** The number to send a packet under; undefined when it comes too late. */
  map(sequence: number): number | undefined {
    if (sequence > this.#highestIn) this.#highestIn = sequence;
    for (let i = this.#from.length - 1; i >= 0; i--) {
      if (sequence < this.#from[i]!) continue;
      const out = sequence + this.#offsets[i]!;
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
    const offset = this.#offsets[this.#offsets.length - 1];
    if (offset === undefined) return true;
    this.#from.push(sequence + 1);
    this.#offsets.push(offset - 1);
    if (this.#from.length > MAX_CHANGES) {
      this.#from.shift();
      this.#offsets.shift();
    }
    return true;
  }
}
