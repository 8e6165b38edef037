import type { VideoCodec } from '../../media/encoded-chunk.js';
import { type FramePayload, type FrameReader, createFrameReader } from './frame-payload.js';
import type { RtpPacket } from './packet.js';

/** So many late packets in a row are a source that started anew, not lateness. */
const RESYNC_AFTER_LATE = 100;

/** One picture, complete, in decode order. Its memory is its own (transferable); H.264 is in Annex B form. */
export interface AssembledFrame {
  readonly data: Buffer;
  readonly type: 'key' | 'delta';
  /** Unwrapped RTP time, 90 kHz. */
  readonly timestamp: number;
  /** Unwrapped, as inserted. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** When its last packet came. */
  readonly arrivalUs: number;
  /** Of VP8 key pictures. */
  readonly width?: number;
  readonly height?: number;
}

export interface FrameAssemblerOptions {
  readonly codec: VideoCodec;
  /** Sequence numbers held at most; rounded up to a power of two. Default 2048. */
  readonly maxPackets?: number;
  /** How long a picture waits for a missing packet after a later one came. Default 1000. */
  readonly maxAgeMs?: number;
}

/** `packetsReceived = packetsDelivered + packetsDropped + packetsDuplicated + packetsEmpty + held`. */
export interface FrameAssemblerStats {
  packetsReceived: number;
  /** Part of a frame that was handed out. */
  packetsDelivered: number;
  /** Late, malformed, or of a picture that cannot be completed or decoded. */
  packetsDropped: number;
  packetsDuplicated: number;
  /** Only padding. */
  packetsEmpty: number;
  framesDelivered: number;
  keyFramesDelivered: number;
  /** Times that something was missing for good and the next key frame had to be waited for. */
  losses: number;
}

interface Slot {
  readonly sequence: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly arrivalUs: number;
  /** undefined: only padding. */
  readonly payload: FramePayload | undefined;
}

/**
 * Puts the packets of one video stream, in any order, together to pictures, and hands those out in decode order. When a packet is missing
 * for good, all is dropped up to the next key picture: while `needsKeyFrame`, someone has to ask for one.
 */
export class FrameAssembler {
  readonly stats: FrameAssemblerStats = {
    packetsReceived: 0,
    packetsDelivered: 0,
    packetsDropped: 0,
    packetsDuplicated: 0,
    packetsEmpty: 0,
    framesDelivered: 0,
    keyFramesDelivered: 0,
    losses: 0,
  };

  readonly #reader: FrameReader;
  readonly #ring: (Slot | 'lost' | undefined)[];
  readonly #mask: number;
  readonly #maxAgeUs: number;
  /** What comes next; undefined before the first packet. */
  #base: number | undefined;
  /** Nothing has been handed out or dropped yet: an earlier packet may still be the beginning. */
  #fresh = true;
  #highest = -1;
  /** Of the packet in front of `#base`; NaN when that is not known. */
  #previousTimestamp = NaN;
  #waitsForKey = true;
  #held = 0;
  #heldKeys = 0;
  #lateRun = 0;

  constructor(options: FrameAssemblerOptions) {
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(2, options.maxPackets ?? 2048)));
    this.#reader = createFrameReader(options.codec);
    this.#ring = new Array<Slot | 'lost' | undefined>(capacity).fill(undefined);
    this.#mask = capacity - 1;
    this.#maxAgeUs = (options.maxAgeMs ?? 1000) * 1000;
  }

  /** Packets held. */
  get held(): number {
    return this.#held;
  }

  /** Nothing can be handed out before a key frame, and none is on its way in. Asking for it (and not too often) is the caller's. */
  get needsKeyFrame(): boolean {
    return this.#waitsForKey && this.#heldKeys === 0;
  }

  /**
   * Takes a packet; sequence and timestamp are its own, unwrapped. The packet's buffer is kept until its picture is handed out; the view
   * itself may be reused. False when the packet is of no use: late, double, malformed.
   */
  insert(packet: RtpPacket, sequence: number, timestamp: number, arrivalUs: number): boolean {
    this.stats.packetsReceived++;
    if (!this.#makeRoom(sequence)) {
      this.stats.packetsDropped++;
      return false;
    }
    const present = this.#ring[sequence & this.#mask];
    if (present !== undefined && present !== 'lost') {
      this.stats.packetsDuplicated++;
      return false;
    }
    this.#highest = Math.max(this.#highest, sequence);
    const payload = packet.payloadLength === 0 ? undefined : this.#reader.read(packet);
    if (!payload && packet.payloadLength > 0) {
      this.#ring[sequence & this.#mask] = 'lost';
      this.stats.packetsDropped++;
      return false;
    }
    this.#ring[sequence & this.#mask] = { sequence, timestamp, marker: packet.marker, arrivalUs, payload };
    this.#held++;
    if (payload?.key) this.#heldKeys++;
    return true;
  }

  /** Says that a packet will not come any more (NackGenerator.takeGivenUp), so that its picture is not waited for. */
  giveUp(sequence: number): void {
    if (this.#base === undefined || sequence < this.#base || sequence - this.#base > this.#mask) return;
    this.#highest = Math.max(this.#highest, sequence);
    this.#ring[sequence & this.#mask] ??= 'lost';
  }

  /** The next picture that is complete; undefined while there is none. Call until then after every `insert`, and now and then without one. */
  next(nowUs: number): AssembledFrame | undefined {
    if (this.#base === undefined) return undefined;
    for (;;) {
      if (this.#waitsForKey && !this.#seekKey()) {
        this.#dropAged(nowUs);
        return undefined;
      }
      this.#skipEmpty();
      const end = this.#frameEnd(nowUs);
      if (end === undefined) return undefined;
      const frame = end === 'broken' ? undefined : this.#deliver(end);
      if (frame) return frame;
    }
  }

  /** Drops what is held (counted) and starts anew with the next packet's numbers, for another SSRC. */
  reset(): void {
    if (this.#base !== undefined) this.#releaseBefore(this.#highest + 1, false);
    this.#base = undefined;
    this.#fresh = true;
    this.#highest = -1;
    this.#previousTimestamp = NaN;
    this.#waitsForKey = true;
    this.#lateRun = 0;
  }

  /** False for a late packet. One too far ahead pushes the oldest out. */
  #makeRoom(sequence: number): boolean {
    if (this.#base !== undefined && sequence < this.#base) {
      if (this.#fresh && this.#highest - sequence <= this.#mask) {
        this.#base = sequence;
        return true;
      }
      if (++this.#lateRun < RESYNC_AFTER_LATE) return false;
      this.reset();
    }
    this.#lateRun = 0;
    if (this.#base === undefined) {
      this.#base = sequence;
      this.#highest = sequence - 1;
    } else if (sequence - this.#base > this.#mask) {
      this.#releaseBefore(sequence - this.#mask, false);
      this.#lose();
    }
    return true;
  }

  #lose(): void {
    if (!this.#waitsForKey) this.stats.losses++;
    this.#waitsForKey = true;
  }

  /** Moves to the first packet that begins a key picture, dropping what is in front of it; false when none is held. */
  #seekKey(): boolean {
    if (this.#heldKeys === 0) return false;
    let previous = this.#previousTimestamp;
    for (let at = this.#base!; at <= this.#highest; at++) {
      const slot = this.#ring[at & this.#mask];
      if (slot === undefined || slot === 'lost') previous = NaN;
      else {
        // One that cannot tell by itself begins a picture when the packet in front belongs to another.
        const begins = slot.payload?.start ?? (!Number.isNaN(previous) && previous !== slot.timestamp);
        if (slot.payload?.key && begins) {
          this.#releaseBefore(at, false);
          return true;
        }
        previous = slot.timestamp;
      }
    }
    return false;
  }

  /** While no key picture has begun, what may still be part of one is held, but not for ever. */
  #dropAged(nowUs: number): void {
    for (let at = this.#base!; at <= this.#highest; at++) {
      const slot = this.#ring[at & this.#mask];
      if (slot === undefined || slot === 'lost') continue;
      if (nowUs - slot.arrivalUs <= this.#maxAgeUs) return;
      this.#releaseBefore(at + 1, false);
    }
  }

  #skipEmpty(): void {
    for (let slot = this.#ring[this.#base! & this.#mask]; slot; slot = this.#ring[this.#base! & this.#mask]) {
      if (slot === 'lost' || slot.payload) return;
      this.#releaseBefore(this.#base! + 1, true);
    }
  }

  /** The last packet of the picture at `#base`; undefined while it is incomplete; `broken` when it will stay so, and has been dropped. */
  #frameEnd(nowUs: number): number | 'broken' | undefined {
    let timestamp: number | undefined;
    for (let at = this.#base!; at <= this.#highest; at++) {
      const slot = this.#ring[at & this.#mask];
      if (slot === undefined && !this.#isOverdue(at, nowUs)) return undefined;
      if (slot === undefined || slot === 'lost') {
        this.#releaseBefore(at + 1, false);
        this.#lose();
        return 'broken';
      }
      if (!slot.payload) continue;
      timestamp ??= slot.timestamp;
      if (slot.timestamp !== timestamp) return at - 1;
      if (slot.marker) return at;
    }
    return undefined;
  }

  /** A missing packet is overdue when the next one that came is too old. */
  #isOverdue(missing: number, nowUs: number): boolean {
    for (let at = missing + 1; at <= this.#highest; at++) {
      const slot = this.#ring[at & this.#mask];
      if (slot !== undefined && slot !== 'lost') return nowUs - slot.arrivalUs > this.#maxAgeUs;
    }
    return false;
  }

  #deliver(end: number): AssembledFrame | undefined {
    const payloads: FramePayload[] = [];
    const firstSequence = this.#base!;
    let timestamp = 0;
    let arrivalUs = 0;
    for (let at = firstSequence; at <= end; at++) {
      const slot = this.#ring[at & this.#mask] as Slot;
      arrivalUs = Math.max(arrivalUs, slot.arrivalUs);
      if (!slot.payload) continue;
      payloads.push(slot.payload);
      timestamp = slot.timestamp;
    }
    const frame = this.#reader.join(payloads);
    const usable = frame !== undefined && (!this.#waitsForKey || frame.type === 'key');
    this.#releaseBefore(end + 1, usable);
    if (!usable) {
      this.#lose();
      return undefined;
    }
    this.#waitsForKey = false;
    this.stats.framesDelivered++;
    if (frame.type === 'key') this.stats.keyFramesDelivered++;
    return { ...frame, timestamp, firstSequence, lastSequence: end, arrivalUs };
  }

  #releaseBefore(limit: number, delivered: boolean): void {
    this.#fresh &&= limit <= this.#base!;
    for (let at = this.#base!; at < limit && at <= this.#highest; at++) {
      const slot = this.#ring[at & this.#mask];
      this.#ring[at & this.#mask] = undefined;
      this.#previousTimestamp = NaN;
      if (slot === undefined || slot === 'lost') continue;
      this.#previousTimestamp = slot.timestamp;
      this.#held--;
      if (slot.payload?.key) this.#heldKeys--;
      if (!slot.payload) this.stats.packetsEmpty++;
      else if (delivered) this.stats.packetsDelivered++;
      else this.stats.packetsDropped++;
    }
    if (limit > this.#highest + 1) this.#previousTimestamp = NaN;
    this.#base = limit;
    this.#highest = Math.max(this.#highest, limit - 1);
  }
}
