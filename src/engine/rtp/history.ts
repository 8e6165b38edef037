import { sequenceDifference } from './sequence.js';

export interface PacketHistoryOptions {
  /** How many packets back are kept; rounded up to a power of two, at most 32768. Default 1024. */
  readonly maxPackets?: number;
  /** Default 2000. */
  readonly maxAgeMs?: number;
}

/** The packets that one SSRC has sent, for retransmission. Keeps the buffers as they are: they must not be changed after `put`. */
export class PacketHistory {
  resent = 0;
  /** Requests not answered because the packet has only just been sent or resent. */
  suppressed = 0;
  /** Requests for packets that are not, or no longer, there. */
  missed = 0;

  readonly #mask: number;
  readonly #maxAgeUs: number;
  readonly #packets: (Buffer | undefined)[];
  readonly #sequences: Uint16Array;
  readonly #putUs: Float64Array;
  readonly #sentUs: Float64Array;
  #held = 0;
  #newest = -1;
  /** Nothing older than this is held. */
  #oldest = 0;

  constructor(options: PacketHistoryOptions = {}) {
    const capacity = 2 ** Math.ceil(Math.log2(Math.min(32768, Math.max(1, options.maxPackets ?? 1024))));
    this.#mask = capacity - 1;
    this.#maxAgeUs = (options.maxAgeMs ?? 2000) * 1000;
    this.#packets = new Array<Buffer | undefined>(capacity).fill(undefined);
    this.#sequences = new Uint16Array(capacity);
    this.#putUs = new Float64Array(capacity);
    this.#sentUs = new Float64Array(capacity);
  }

  /** Packets held. */
  get size(): number {
    return this.#held;
  }

  /** Keeps a packet that is sent at `nowUs`; drops what is too old. */
  put(sequenceNumber: number, packet: Buffer, nowUs: number): void {
    if (this.#newest === -1 || Math.abs(sequenceDifference(sequenceNumber, this.#newest)) > this.#mask) {
      this.clear();
      this.#oldest = this.#newest = sequenceNumber;
    } else if (sequenceDifference(sequenceNumber, this.#newest) > 0) {
      this.#newest = sequenceNumber;
    } else if (sequenceDifference(sequenceNumber, this.#oldest) < 0) this.#oldest = sequenceNumber;
    const slot = sequenceNumber & this.#mask;
    if (this.#packets[slot] === undefined) this.#held++;
    this.#packets[slot] = packet;
    this.#sequences[slot] = sequenceNumber;
    this.#putUs[slot] = this.#sentUs[slot] = nowUs;
    this.evict(nowUs);
  }

  /**
   * The packet to resend; undefined when it is gone, or was sent less than `minIntervalUs` (take the round trip) ago:
   * the receiver's request then crossed it on the way. Notes it as sent now.
   */
  take(sequenceNumber: number, nowUs: number, minIntervalUs = 0): Buffer | undefined {
    const slot = sequenceNumber & this.#mask;
    const packet = this.#packets[slot];
    if (!packet || this.#sequences[slot] !== (sequenceNumber & 0xffff) || nowUs - this.#putUs[slot]! > this.#maxAgeUs) {
      this.missed++;
      return undefined;
    }
    if (nowUs - this.#sentUs[slot]! < minIntervalUs) {
      this.suppressed++;
      return undefined;
    }
    this.#sentUs[slot] = nowUs;
    this.resent++;
    return packet;
  }

  /** Lets go of packets past their age. `put` does so too; call it for a sender that has fallen silent. */
  evict(nowUs: number): void {
    while (this.#held > 0) {
      const slot = this.#oldest & this.#mask;
      const present = this.#packets[slot] !== undefined && this.#sequences[slot] === this.#oldest;
      if (present && nowUs - this.#putUs[slot]! <= this.#maxAgeUs) return;
      if (present) {
        this.#packets[slot] = undefined;
        this.#held--;
      }
      if (this.#oldest === this.#newest) return;
      this.#oldest = (this.#oldest + 1) & 0xffff;
    }
  }

  clear(): void {
    this.#packets.fill(undefined);
    this.#held = 0;
    this.#newest = -1;
  }
}
