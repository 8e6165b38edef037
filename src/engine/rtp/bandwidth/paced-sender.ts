import { read16, read32, write16, write24 } from '../bytes.js';
import { absSendTime } from '../header-extensions.js';
import { Pacer, type PacerDrops, type PacerOptions, type PacerPriority } from '../pacer.js';
import type { BandwidthEstimator, ProbeCluster } from './bandwidth-estimator.js';

export interface PacedSenderOptions {
  /** Sends one packet now. Its header is final: send time and transport-wide number are in it. */
  send(packet: Buffer): unknown;
  /** Without one there is no limit but the pacer's packets per interval; it may come later, by `estimateBy`. */
  readonly estimator?: BandwidthEstimator;
  /**
   * Makes a packet to fill a probe with: a recent packet again as RTX where there is one, else padding on the RTX stream (see
   * `HeaderTemplate.allocatePadding`). `sizeBytes` is what fits, as advice. It carries the send extensions as all packets do and
   * must be new to the receiver. Undefined when there is nothing to pad with: the probe then goes with media alone.
   */
  padding?(sizeBytes: number): Buffer | undefined;
  readonly pacer?: Omit<PacerOptions, 'bitrateBps'>;
  /** Media is paced at so many times the target, so that a key frame does not take for ever. Default 2.5. */
  readonly pacingFactor?: number;
}

/** Ids of the extensions that are filled in when a packet leaves; those not negotiated are missing. One bundle uses one id for one URI. */
export interface SendExtensionIds {
  readonly absSendTime?: number;
  readonly transportSequence?: number;
}

/** A probe that takes longer is given up: the caller has nothing to pad with, or the beat stands still. */
const MAX_PROBE_US = 250_000;
/** What is due until the next poll leaves with this one. */
const BEAT_US = 5_000;
/** Longer bursts are lost in the receiver's socket. */
const MAX_PADDING_PACKETS = 10;
/** Where the first header extension begins: behind the fixed header and the four bytes of the extension block. */
const FIRST_EXTENSION = 16;

/**
 * What one transport sends: paced at the rate that its estimator allows, numbered across all streams, stamped with the time of
 * leaving, told to the estimator, filled up with padding while a probe runs. Pure; used by publishers and by the server towards
 * each subscriber. Packets are those of a HeaderTemplate: send time is their first extension, then the transport-wide number.
 *
 * The caller: `enqueue` per packet, `poll` at every beat of some 5 ms while `busy`, the time being the true one, not that of the
 * beat; feeds RTCP to `estimator`; sets `wantedBps` as streams come and go; reads `estimator.targetBps` for its encoders or layers.
 */
export class PacedSender {
  /**
   * What would be sent if the path bore it, in bit/s: the sum of the highest rates of what is sent now and of what could be sent
   * more. Above the target it makes probes go out. 0 (as at first): none.
   */
  wantedBps = 0;
  /** Padding sent for probes. Retransmissions used as padding count too. */
  paddingPackets = 0;
  paddingBytes = 0;
  /** Packets that went through `send`, and their bytes. */
  sentPackets = 0;
  sentBytes = 0;

  readonly #options: PacedSenderOptions;
  #estimator: BandwidthEstimator | undefined;
  readonly #pacer: Pacer<Buffer>;
  readonly #pacingFactor: number;
  /** First byte of the extension, with its id and length; -1 where it was not negotiated. */
  #sendTimeHead = -1;
  #sequenceHead = -1;
  #nextTransportSequence = 1;
  #nowUs = 0;
  #probe: ProbeCluster | undefined;
  #probeStartUs = 0;
  #probePackets = 0;
  #probeBytes = 0;
  readonly #transmit = (packet: Buffer): void => {
    this.#leave(packet);
  };

  constructor(options: PacedSenderOptions) {
    this.#options = options;
    this.#estimator = options.estimator;
    this.#pacer = new Pacer<Buffer>(options.pacer);
    this.#pacingFactor = options.pacingFactor ?? 2.5;
  }

  get estimator(): BandwidthEstimator | undefined {
    return this.#estimator;
  }

  /** From now on this one says how much may leave; what waits and the numbering stay. */
  estimateBy(estimator: BandwidthEstimator): void {
    this.#estimator = estimator;
    this.#probe = undefined;
  }

  /** True while `poll` has something to do: packets wait, or a probe runs. */
  get busy(): boolean {
    return this.#pacer.held > 0 || this.#probe !== undefined;
  }

  get held(): number {
    return this.#pacer.held;
  }

  get heldBytes(): number {
    return this.#pacer.heldBytes;
  }

  get dropped(): Readonly<PacerDrops> {
    return this.#pacer.dropped;
  }

  /** How long the packet that waits longest has been here, in milliseconds. */
  waitMs(nowUs: number): number {
    return this.#pacer.waitMs(nowUs);
  }

  /** To be called when an answer was taken; what is not given stays as it was. Packets that leave before go without. */
  setExtensions(ids: SendExtensionIds): void {
    if (ids.absSendTime !== undefined) this.#sendTimeHead = (ids.absSendTime << 4) | 2;
    if (ids.transportSequence !== undefined) this.#sequenceHead = (ids.transportSequence << 4) | 1;
  }

  /** Takes a packet, which belongs to the sender from now on; it leaves at once where the pace allows. False when it was dropped. */
  enqueue(packet: Buffer, priority: PacerPriority, nowUs: number): boolean {
    const taken = this.hold(packet, priority, nowUs);
    this.poll(nowUs);
    return taken;
  }

  /** As `enqueue`, but nothing leaves before the next `poll`. */
  hold(packet: Buffer, priority: PacerPriority, nowUs: number): boolean {
    return this.#pacer.enqueue(packet, priority, nowUs, read32(packet, 8));
  }

  /** Sends what is due. */
  poll(nowUs: number): void {
    this.#nowUs = Math.max(this.#nowUs, nowUs);
    const estimator = this.#estimator;
    if (!estimator) {
      this.#pacer.poll(this.#nowUs, this.#transmit);
      return;
    }
    estimator.tick(this.#nowUs);
    if (!this.#probe) this.#beginProbe(estimator);
    this.#pacer.setBitrate(this.#probe?.bitrateBps ?? estimator.targetBps * this.#pacingFactor);
    this.#pacer.poll(this.#nowUs, this.#transmit);
    if (this.#probe) this.#pad(this.#probe);
  }

  /** Forgets what waits: the way it should have taken is gone. */
  clear(): void {
    this.#pacer.clear();
    this.#probe = undefined;
  }

  #beginProbe(estimator: BandwidthEstimator): void {
    // Nothing that is not numbered tells anything.
    if (this.#sequenceHead === -1) return;
    const probe = estimator.probe(this.#nowUs, this.wantedBps);
    if (!probe) return;
    this.#probe = probe;
    this.#probePackets = 0;
    this.#probeBytes = 0;
    this.#probeStartUs = this.#nowUs;
  }

  /** Fills the probe up to where it should be by now, so that a late beat does not make it slower. */
  #pad(probe: ProbeCluster): void {
    const elapsedUs = this.#nowUs - this.#probeStartUs + BEAT_US;
    for (let count = 0; count < MAX_PADDING_PACKETS && this.#probe && this.#pacer.held === 0; count++) {
      const room = Math.floor((probe.bitrateBps / 8e6) * elapsedUs) - this.#probeBytes;
      if (room <= 0) break;
      const packet = this.#options.padding?.(room);
      if (!packet) break;
      this.paddingPackets++;
      this.paddingBytes += packet.byteLength;
      this.#leave(packet);
    }
    if (this.#nowUs >= this.#probeStartUs + MAX_PROBE_US && this.#probe === probe) this.#probe = undefined;
  }

  #leave(packet: Buffer): void {
    const sequence = this.#stamp(packet);
    const size = packet.byteLength;
    this.sentPackets++;
    this.sentBytes += size;
    if (this.#estimator) {
      const probe = sequence === undefined ? undefined : this.#probe;
      this.#estimator.packetSent(sequence, size, this.#nowUs, probe?.id ?? 0);
      if (probe && this.#countProbe(probe, size)) this.#probe = undefined;
    }
    this.#options.send(packet);
  }

  /** True when the cluster is complete. */
  #countProbe(probe: ProbeCluster, size: number): boolean {
    this.#probePackets++;
    this.#probeBytes += size;
    return this.#probePackets >= probe.minPackets && this.#probeBytes >= probe.minBytes;
  }

  /** Fills in what is known only now. Returns the packet's transport-wide number; undefined when it has no room for one. */
  #stamp(packet: Buffer): number | undefined {
    if ((packet[0]! & 0x10) === 0 || packet.byteLength < FIRST_EXTENSION + 4) return undefined;
    if (read16(packet, FIRST_EXTENSION - 4) !== 0xbede) return undefined;
    let at = FIRST_EXTENSION;
    if (packet[at] === this.#sendTimeHead) {
      write24(packet, at + 1, absSendTime(this.#nowUs));
      at += 4;
    }
    if (packet[at] !== this.#sequenceHead) return undefined;
    const sequence = this.#nextTransportSequence++;
    write16(packet, at + 1, sequence);
    return sequence;
  }
}
