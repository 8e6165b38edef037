/** Packets that are held; a key frame larger than that is not waited for. A key frame of 600 kB is one of 4K. */
const MAX_PACKETS = 512;
/** What is held has to be complete after this. */
const MAX_HELD_US = 1_000_000;

/** A packet that is held. */
export interface HeldPacket {
  readonly sequence: number;
  readonly buffer: Uint8Array;
}

/**
 * Holds the packets of a layer from the beginning of a key frame until it is whole, so that those who wait for it can go on with
 * another layer meanwhile: a key frame may take long to arrive. Works on unwrapped sequence numbers.
 */
export class KeyFrameGate {
  #held: (HeldPacket | undefined)[] = [];
  #base = 0;
  /** Packets from the beginning on that are there without a gap. */
  #whole = 0;
  #endSequence = Infinity;
  #begunUs = NaN;

  /** Something is held. */
  get active(): boolean {
    return !Number.isNaN(this.#begunUs);
  }

  /** Begins to hold, with the packet that begins a key frame; what was held before is let go. */
  begin(sequence: number, nowUs: number): void {
    this.#held = [];
    this.#base = sequence;
    this.#whole = 0;
    this.#endSequence = Infinity;
    this.#begunUs = nowUs;
  }

  /**
   * Takes a packet, of which it keeps a copy. `endsPicture`: it is the last one of its picture (the marker bit). True when the key
   * frame is whole with it.
   */
  add(sequence: number, buffer: Uint8Array, endsPicture: boolean, nowUs: number): boolean {
    const index = sequence - this.#base;
    if (index < 0) return false;
    if (index >= MAX_PACKETS || nowUs - this.#begunUs > MAX_HELD_US) {
      this.clear();
      return false;
    }
    this.#held[index] = { sequence, buffer: Buffer.from(buffer) };
    // The first marker behind the beginning ends the key frame; with reordering the lowest of those seen.
    if (endsPicture) this.#endSequence = Math.min(this.#endSequence, sequence);
    while (this.#held[this.#whole]) this.#whole++;
    return this.#base + this.#whole > this.#endSequence;
  }

  /** Gives what was held, in order: the key frame, and what came after it. */
  take(): HeldPacket[] {
    const held = this.#held.filter((packet) => packet !== undefined);
    this.clear();
    return held;
  }

  clear(): void {
    this.#held = [];
    this.#begunUs = NaN;
  }
}
