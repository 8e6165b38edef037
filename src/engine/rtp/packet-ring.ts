import type { FramePayload } from './frame-payload.js';

/** A packet that is held. */
export interface HeldPacket {
  readonly sequence: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly arrivalUs: number;
  /** undefined: only padding. */
  readonly payload: FramePayload | undefined;
}

/** Told of what leaves a ring, in order. */
export interface PacketRingOwner {
  /** `used`: as part of a picture that was handed out. */
  onReleased(packet: HeldPacket, used: boolean): void;
  /** A number of which nothing was held, and nothing is waited for any more. */
  onMissed(): void;
}

/** The packets of one stream from the first that is still of use to the newest, by their unwrapped sequence numbers. Bounded. */
export class PacketRing {
  /** What comes next. */
  base = 0;
  highest = -1;
  /** Of the packet in front of `base`; NaN when that is not known. */
  previousTimestamp = NaN;
  /** Packets held. */
  held = 0;
  /** Those that begin a key picture, or may do so. */
  heldKeys = 0;
  readonly capacity: number;
  readonly #owner: PacketRingOwner;
  readonly #slots: (HeldPacket | 'lost' | undefined)[];
  readonly #mask: number;

  /** `minPackets` is rounded up to a power of two. */
  constructor(minPackets: number, owner: PacketRingOwner) {
    this.capacity = 2 ** Math.ceil(Math.log2(Math.max(2, minPackets)));
    this.#owner = owner;
    this.#slots = new Array<HeldPacket | 'lost' | undefined>(this.capacity).fill(undefined);
    this.#mask = this.capacity - 1;
  }

  /** `lost` will not come any more; undefined has not come yet. Only for numbers from `base` on, at most `capacity` of them. */
  at(sequence: number): HeldPacket | 'lost' | undefined {
    return this.#slots[sequence & this.#mask];
  }

  /** Only where nothing is held yet. */
  put(packet: HeldPacket): void {
    this.#slots[packet.sequence & this.#mask] = packet;
    this.held++;
    if (packet.payload?.key) this.heldKeys++;
    if (packet.sequence > this.highest) this.highest = packet.sequence;
  }

  markLost(sequence: number): void {
    this.#slots[sequence & this.#mask] ??= 'lost';
    if (sequence > this.highest) this.highest = sequence;
  }

  /** The first packet that is held, from a number on. */
  firstFrom(sequence: number): HeldPacket | undefined {
    for (let at = sequence; at <= this.highest; at++) {
      const slot = this.at(at);
      if (slot !== undefined && slot !== 'lost') return slot;
    }
    return undefined;
  }

  /** Lets everything in front of `limit` go. */
  release(limit: number, used: boolean): void {
    for (let at = this.base; at < limit && at <= this.highest; at++) {
      const slot = this.#slots[at & this.#mask];
      this.#slots[at & this.#mask] = undefined;
      this.previousTimestamp = NaN;
      if (slot === undefined || slot === 'lost') {
        if (!used) this.#owner.onMissed();
        continue;
      }
      this.previousTimestamp = slot.timestamp;
      this.held--;
      if (slot.payload?.key) this.heldKeys--;
      this.#owner.onReleased(slot, used);
    }
    if (limit > this.highest + 1) {
      if (!used) this.#owner.onMissed();
      this.previousTimestamp = NaN;
    }
    this.base = limit;
    this.highest = Math.max(this.highest, limit - 1);
  }
}
