/** What is known about a packet that left. */
export const PACKET_STATE = { none: 0, sent: 1, received: 2, lost: 3 } as const;

const FIRST_CAPACITY = 512;
const MAX_CAPACITY = 8192;
/** Feedback about packets older than this is not waited for: their places are taken without the ring growing. */
const MAX_AGE_US = 2_000_000;

/** The packets that left last, by transport sequence number: a ring that grows with the packet rate, to 8192 packets at most. */
export class SentPackets {
  /** Number of the packet that left last; -1 at first. */
  newest = -1;
  #oldest = 0;
  #mask = FIRST_CAPACITY - 1;
  #sentUs = new Float64Array(FIRST_CAPACITY);
  #sizes = new Uint32Array(FIRST_CAPACITY);
  #probes = new Uint32Array(FIRST_CAPACITY);
  #states = new Uint8Array(FIRST_CAPACITY);

  /** Number of the oldest packet that is remembered. */
  get oldest(): number {
    return this.#oldest;
  }

  /** `sequence` is above all before; numbers left out were never sent. */
  add(sequence: number, sizeBytes: number, nowUs: number, probeId: number): void {
    if (this.newest === -1 || sequence - this.newest > MAX_CAPACITY) {
      this.#states.fill(PACKET_STATE.none);
      this.#oldest = sequence;
    } else {
      for (let skipped = this.newest + 1; skipped < sequence; skipped++) this.#place(skipped, nowUs);
    }
    const slot = this.#place(sequence, nowUs);
    this.#sentUs[slot] = nowUs;
    this.#sizes[slot] = sizeBytes;
    this.#probes[slot] = probeId;
    this.#states[slot] = PACKET_STATE.sent;
  }

  /** The newest packet whose number has these low 16 bits. */
  unwrap(sequence16: number): number {
    return this.newest - ((this.newest - sequence16) & 0xffff);
  }

  has(sequence: number): boolean {
    return sequence >= this.#oldest && sequence <= this.newest;
  }

  /** The rest only for a packet that `has` knows. */
  state(sequence: number): number {
    return this.#states[sequence & this.#mask]!;
  }

  setState(sequence: number, state: number): void {
    this.#states[sequence & this.#mask] = state;
  }

  sentUs(sequence: number): number {
    return this.#sentUs[sequence & this.#mask]!;
  }

  sizeBytes(sequence: number): number {
    return this.#sizes[sequence & this.#mask]!;
  }

  probeId(sequence: number): number {
    return this.#probes[sequence & this.#mask]!;
  }

  #place(sequence: number, nowUs: number): number {
    if (sequence - this.#oldest > this.#mask) {
      const young = nowUs - this.#sentUs[this.#oldest & this.#mask]! < MAX_AGE_US;
      if (young && this.#mask + 1 < MAX_CAPACITY) this.#grow();
      else this.#oldest = sequence - this.#mask;
    }
    this.newest = sequence;
    const slot = sequence & this.#mask;
    this.#states[slot] = PACKET_STATE.none;
    this.#sentUs[slot] = nowUs;
    return slot;
  }

  #grow(): void {
    const capacity = (this.#mask + 1) * 2;
    const sentUs = new Float64Array(capacity);
    const sizes = new Uint32Array(capacity);
    const probes = new Uint32Array(capacity);
    const states = new Uint8Array(capacity);
    for (let sequence = this.#oldest; sequence <= this.newest; sequence++) {
      const from = sequence & this.#mask;
      const to = sequence & (capacity - 1);
      sentUs[to] = this.#sentUs[from]!;
      sizes[to] = this.#sizes[from]!;
      probes[to] = this.#probes[from]!;
      states[to] = this.#states[from]!;
    }
    this.#mask = capacity - 1;
    this.#sentUs = sentUs;
    this.#sizes = sizes;
    this.#probes = probes;
    this.#states = states;
  }
}
