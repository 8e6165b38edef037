import type { VideoCodec } from '../../media/encoded-chunk.js';
import { type FramePayload, type FrameReader, createFrameReader } from './frame-payload.js';
import type { RtpPacket } from './packet.js';
import { type HeldPacket, PacketRing, type PacketRingOwner } from './packet-ring.js';
import { PictureDependencies } from './picture-dependencies.js';

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
  /** When its first packet came. */
  readonly firstArrivalUs: number;
  /** When its last packet came. */
  readonly arrivalUs: number;
  /** No later picture needs it. */
  readonly discardable: boolean;
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
  /** How long, where a later picture is there that can be decoded without it. Default 100. */
  readonly skipAfterMs?: number;
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
  /** Pictures that came in part, or whole but without what they need, and were not handed out. Those of which nothing came are not known. */
  framesDropped: number;
  /** Times that something was missing for good. */
  losses: number;
}

/**
 * Puts the packets of one video stream, in any order, together to pictures, and hands those out in decode order. When a packet is missing
 * for good, or for so long that what comes behind it can be shown instead, it goes on with the next picture that needs none of what is
 * missing: a key picture, or one that VP8's payload descriptors tell so of. While `needsKeyFrame`, someone has to ask for a key frame.
 */
export class FrameAssembler implements PacketRingOwner {
  readonly stats: FrameAssemblerStats = {
    packetsReceived: 0,
    packetsDelivered: 0,
    packetsDropped: 0,
    packetsDuplicated: 0,
    packetsEmpty: 0,
    framesDelivered: 0,
    keyFramesDelivered: 0,
    framesDropped: 0,
    losses: 0,
  };

  readonly #reader: FrameReader;
  readonly #ring: PacketRing;
  readonly #maxAgeUs: number;
  readonly #skipAfterUs: number;
  readonly #dependencies = new PictureDependencies();
  #started = false;
  /** Nothing has been handed out or dropped yet: an earlier packet may still be the beginning. */
  #fresh = true;
  /** What stands at the ring's base cannot be decoded: the next picture that can is looked for. */
  #seeking = true;
  #droppedTimestamp = NaN;
  /** What `#scan` found. */
  #end = -1;
  #lateRun = 0;

  constructor(options: FrameAssemblerOptions) {
    this.#reader = createFrameReader(options.codec);
    this.#ring = new PacketRing(options.maxPackets ?? 2048, this);
    this.#maxAgeUs = (options.maxAgeMs ?? 1000) * 1000;
    this.#skipAfterUs = (options.skipAfterMs ?? 100) * 1000;
  }

  /** Packets held. */
  get held(): number {
    return this.#ring.held;
  }

  /** The first sequence number that is still of use; undefined before the first packet. */
  get position(): number | undefined {
    return this.#started ? this.#ring.base : undefined;
  }

  /** Nothing can be handed out before a key frame, and none is on its way in. Asking for it (and not too often) is the caller's. */
  get needsKeyFrame(): boolean {
    return this.#seeking && this.#dependencies.broken && this.#ring.heldKeys === 0;
  }

  /** A key picture, or a part of one, is held. */
  get holdsKeyFrame(): boolean {
    return this.#ring.heldKeys > 0;
  }

  /** When the oldest packet came that is held; undefined while none is. */
  get waitsSinceUs(): number | undefined {
    return this.#ring.held === 0 ? undefined : this.#ring.firstFrom(this.#ring.base)?.arrivalUs;
  }

  /**
   * Takes a packet; sequence and timestamp are its own, unwrapped. The packet's buffer is kept until its picture is handed out; the view
   * itself may be reused. False when the packet is of no use: late, double, malformed.
   */
  insert(packet: RtpPacket, sequence: number, timestamp: number, arrivalUs: number): boolean {
    this.stats.packetsReceived++;
    const ring = this.#ring;
    if (!this.#makeRoom(sequence)) {
      this.stats.packetsDropped++;
      return false;
    }
    const present = ring.at(sequence);
    if (present !== undefined && present !== 'lost') {
      this.stats.packetsDuplicated++;
      return false;
    }
    const payload = packet.payloadLength === 0 ? undefined : this.#reader.read(packet);
    if (!payload && packet.payloadLength > 0) {
      ring.markLost(sequence);
      this.stats.packetsDropped++;
      return false;
    }
    ring.put({ sequence, timestamp, marker: packet.marker, arrivalUs, payload });
    return true;
  }

  /** Says that a packet will not come any more (NackGenerator.takeGivenUp), so that its picture is not waited for. */
  giveUp(sequence: number): void {
    const { base, capacity } = this.#ring;
    if (this.#started && sequence >= base && sequence - base < capacity) this.#ring.markLost(sequence);
  }

  /** Says that nothing in front of a packet that is about to come will come any more. */
  abandonBefore(sequence: number): void {
    if (!this.#started || sequence <= this.#ring.base) return;
    this.#release(sequence, false);
    this.#lose();
  }

  /** The next picture that is complete; undefined while there is none. Call until then after every `insert`, and now and then without one. */
  next(nowUs: number): AssembledFrame | undefined {
    if (!this.#started) return undefined;
    for (;;) {
      if (this.#seeking && !this.#seek()) {
        this.#dropAged(nowUs);
        return undefined;
      }
      this.#skipEmpty();
      const missing = this.#scan(this.#ring.base);
      if (this.#end === -1) {
        if (missing === -1 || !this.#pass(missing, nowUs)) return undefined;
      } else if (this.#mayDeliver()) {
        const frame = this.#deliver(this.#end);
        if (frame) return frame;
      }
    }
  }

  /** Drops what is held (counted) and starts anew with the next packet's numbers, for another SSRC. */
  reset(): void {
    if (this.#started) this.#release(this.#ring.highest + 1, false);
    this.#started = false;
    this.#fresh = true;
    this.#ring.previousTimestamp = this.#droppedTimestamp = NaN;
    this.#seeking = true;
    this.#dependencies.reset();
    this.#lateRun = 0;
  }

  onReleased({ payload, timestamp }: HeldPacket, used: boolean): void {
    if (!payload) this.stats.packetsEmpty++;
    else if (used) this.stats.packetsDelivered++;
    if (!payload || used) return;
    this.stats.packetsDropped++;
    this.#dependencies.skipped(payload);
    if (timestamp === this.#droppedTimestamp) return;
    this.#droppedTimestamp = timestamp;
    this.stats.framesDropped++;
  }

  onMissed(): void {
    this.#dependencies.lost();
  }

  /** False for a late packet. One too far ahead pushes the oldest out. */
  #makeRoom(sequence: number): boolean {
    const ring = this.#ring;
    if (this.#started && sequence < ring.base) {
      if (this.#fresh && ring.highest - sequence < ring.capacity) {
        ring.base = sequence;
        return true;
      }
      if (++this.#lateRun < RESYNC_AFTER_LATE) return false;
      this.reset();
    }
    this.#lateRun = 0;
    if (!this.#started) {
      this.#started = true;
      ring.base = sequence;
      ring.highest = sequence - 1;
    } else if (sequence - ring.base >= ring.capacity) {
      this.#release(sequence - ring.capacity + 1, false);
      this.#lose();
    }
    return true;
  }

  #lose(): void {
    if (!this.#seeking) this.stats.losses++;
    this.#seeking = true;
  }

  /** Moves to the first packet that begins a picture which can be decoded, dropping what is in front of it; false when none is held. */
  #seek(): boolean {
    const found = this.#findDecodable(this.#ring.base, true);
    if (found === -1) return false;
    this.#release(found, false);
    this.#seeking = false;
    return true;
  }

  /**
   * Where the first picture from `from` on begins that needs nothing of what is missing; -1 for none. `inOrder`: all in
   * front of `from` has come or is lost for good.
   */
  #findDecodable(from: number, inOrder: boolean): number {
    const dependencies = this.#dependencies;
    let certain = inOrder;
    let gap = !inOrder;
    let previous = inOrder ? this.#ring.previousTimestamp : NaN;
    for (let at = from; at <= this.#ring.highest && (!dependencies.broken || this.#ring.heldKeys > 0); at++) {
      const slot = this.#ring.at(at);
      if (slot === undefined || slot === 'lost') {
        previous = NaN;
        gap = true;
        // What may come yet may mend what looks broken.
        if (slot === undefined) certain = false;
        continue;
      }
      const { payload, timestamp } = slot;
      if (payload) {
        // One that cannot tell by itself begins a picture when the packet in front belongs to another.
        const begins = payload.start ?? (!Number.isNaN(previous) && previous !== timestamp);
        const verdict = begins ? dependencies.judge(payload, gap) : 'skip';
        if (verdict === 'decodable') return at;
        if (certain) {
          if (verdict === 'broken') dependencies.breakChain();
          dependencies.skipped(payload, gap);
        }
      }
      previous = timestamp;
    }
    return -1;
  }

  /** While no picture that can be decoded has begun, what may still be part of one is held, but not for ever. */
  #dropAged(nowUs: number): void {
    for (let at = this.#ring.base; at <= this.#ring.highest; at++) {
      const slot = this.#ring.at(at);
      if (slot === undefined || slot === 'lost') continue;
      if (nowUs - slot.arrivalUs <= this.#maxAgeUs) return;
      this.#release(at + 1, false);
    }
  }

  #skipEmpty(): void {
    for (let slot = this.#ring.at(this.#ring.base); slot; slot = this.#ring.at(this.#ring.base)) {
      if (slot === 'lost' || slot.payload) return;
      this.#release(this.#ring.base + 1, true);
    }
  }

  /** Finds the last packet of the picture at `from`, as `#end`; -1 while it is incomplete, and the result is what is missing, if anything is. */
  #scan(from: number): number {
    let timestamp: number | undefined;
    this.#end = -1;
    for (let at = from; at <= this.#ring.highest; at++) {
      const slot = this.#ring.at(at);
      if (slot === undefined || slot === 'lost') return at;
      if (!slot.payload) continue;
      timestamp ??= slot.timestamp;
      if (slot.timestamp !== timestamp || slot.marker) {
        this.#end = slot.timestamp === timestamp ? at : at - 1;
        return -1;
      }
    }
    return -1;
  }

  /** Goes past a missing packet, when it is lost for good or when what comes behind need not wait for it; true when it did. */
  #pass(missing: number, nowUs: number): boolean {
    const next = this.#ring.firstFrom(missing + 1);
    const waitedUs = next ? nowUs - next.arrivalUs : 0;
    if (this.#ring.at(missing) === 'lost' || waitedUs > this.#maxAgeUs) {
      this.#release(missing + 1, false);
      this.#lose();
      return true;
    }
    if (waitedUs <= this.#skipAfterUs) return false;
    const found = this.#findDecodable(missing + 1, false);
    if (found === -1) return false;
    this.#scan(found);
    if (this.#end === -1) return false;
    this.stats.losses++;
    this.#release(found, false);
    return true;
  }

  /** Whether the picture at the base can be decoded; it is dropped when it cannot. */
  #mayDeliver(): boolean {
    if (!this.#dependencies.uncertain) return true;
    const slot = this.#ring.at(this.#ring.base) as HeldPacket;
    if (!slot.payload || this.#dependencies.judge(slot.payload) === 'decodable') return true;
    this.#release(this.#end + 1, false);
    this.#seeking = this.#dependencies.broken;
    return false;
  }

  #deliver(end: number): AssembledFrame | undefined {
    const payloads: FramePayload[] = [];
    const firstSequence = this.#ring.base;
    let timestamp = 0;
    let arrivalUs = -Infinity;
    let firstArrivalUs = Infinity;
    for (let at = firstSequence; at <= end; at++) {
      const slot = this.#ring.at(at) as HeldPacket;
      arrivalUs = Math.max(arrivalUs, slot.arrivalUs);
      firstArrivalUs = Math.min(firstArrivalUs, slot.arrivalUs);
      if (!slot.payload) continue;
      payloads.push(slot.payload);
      timestamp = slot.timestamp;
    }
    const frame = this.#reader.join(payloads);
    const key = frame?.type === 'key';
    const usable = frame !== undefined && (key || !this.#dependencies.broken);
    this.#release(end + 1, usable);
    if (!usable) {
      this.#lose();
      return undefined;
    }
    this.#dependencies.took(payloads[0]!, key);
    this.stats.framesDelivered++;
    if (key) this.stats.keyFramesDelivered++;
    const discardable = !key && payloads.every((payload) => payload.nonReference);
    return { ...frame, timestamp, firstSequence, lastSequence: end, firstArrivalUs, arrivalUs, discardable };
  }

  #release(limit: number, used: boolean): void {
    this.#fresh &&= limit <= this.#ring.base;
    this.#ring.release(limit, used);
  }
}
