import { randomBytes } from 'node:crypto';
import type { Clock } from '../media/clock.js';
import { PacketHistory } from './rtp/history.js';
import { ntpUsFromUnixUs } from './rtp/ntp.js';
import { PACER_PRIORITY, type PacerPriority } from './rtp/pacer.js';
import { RtpPacket } from './rtp/packet.js';
import { HeaderTemplate, type HeaderTemplateOptions } from './rtp/packet-writer.js';
import type { Nack, ReportBlock } from './rtp/rtcp.js';
import { type RtxTarget, wrapRtx } from './rtp/rtx.js';
import { SenderStatistics } from './rtp/sender-statistics.js';

/** Takes what leaves: at once, or through a pacer. */
export interface PacketSink {
  /** The buffer belongs to the sink. */
  enqueue(packet: Buffer, priority: PacerPriority): void;
  /**
   * Sends a packet again that has left before, to the last bit as it was: with other extensions it would be another packet under
   * the same number, and a nonce of AES-GCM must not be used for two (RFC 5116, section 3.1).
   */
  resend(packet: Buffer): void;
}

export interface OutboundStreamOptions {
  readonly clock: Clock;
  readonly sink: PacketSink;
  readonly clockRate: number;
  readonly header: HeaderTemplateOptions;
  /** Retransmissions of their own, where they were negotiated (RFC 4588). */
  readonly rtx?: {
    readonly ssrc: number;
    readonly payloadType: number;
    /** Id of the extension that names the layer in retransmissions; with `header.rid` only. */
    readonly repairedRidId?: number;
  };
  /** Packets that are asked for go out again as they were, where retransmissions of their own were not negotiated. */
  readonly repeats?: boolean;
  /** Added to media time, 32 bits; anything when left out. Layers of one picture share theirs. */
  readonly timestampOffset?: number;
}

const NTP_OFFSET_US = ntpUsFromUnixUs(0);
/** Of sound, nobody waits for more. */
const REPEATED = { maxPackets: 64, maxAgeMs: 1000 };
const MAX_PADDING_BYTES = 255;
/** A stream that has sent nothing for so long is not used to probe with, in µs. */
const MAX_PADDING_AGE_US = 500_000;

/** One SSRC that this side sends: numbering, statistics, sender reports and answers to NACK. */
export class OutboundStream {
  readonly ssrc: number;
  readonly statistics: SenderStatistics;
  /** Requests for single packets that arrived. */
  nackCount = 0;
  readonly #options: OutboundStreamOptions;
  readonly #template: HeaderTemplate;
  readonly #paddingTemplate: HeaderTemplate | undefined;
  readonly #rtxTarget: RtxTarget | undefined;
  readonly #history: PacketHistory | undefined;
  readonly #view = new RtpPacket();
  #sequence = randomBytes(2).readUInt16BE();
  #rtxSequence = randomBytes(2).readUInt16BE();
  /** Time stamps start anywhere (RFC 3550 section 5.1). */
  readonly #timestampOffset: number;
  #lastPacket: Buffer | undefined;
  #lastRtpTime = 0;
  #lastSentUs = -Infinity;

  constructor(options: OutboundStreamOptions) {
    const { header, rtx, repeats, clockRate } = options;
    this.#options = options;
    this.ssrc = header.ssrc;
    this.#timestampOffset = options.timestampOffset ?? randomBytes(4).readUInt32BE();
    this.#template = new HeaderTemplate(header);
    this.statistics = new SenderStatistics(this.ssrc, clockRate);
    if (rtx || repeats) this.#history = new PacketHistory(rtx ? {} : REPEATED);
    if (!rtx) return;
    const { rid, ...common } = header;
    const repaired = rid && rtx.repairedRidId !== undefined ? { id: rtx.repairedRidId, value: rid.value } : undefined;
    this.#paddingTemplate = new HeaderTemplate({
      ...common,
      ssrc: rtx.ssrc,
      payloadType: rtx.payloadType,
      ...(repaired && { repairedRid: repaired }),
    });
    this.#rtxTarget = {
      ssrc: rtx.ssrc,
      payloadType: rtx.payloadType,
      sequenceNumber: 0,
      ...(rid && repaired && { rid: { id: rid.id, repairedId: repaired.id } }),
    };
  }

  get retransmitted(): number {
    return this.#history?.resent ?? 0;
  }

  /** Sends one Opus packet. `rtpTime` counts from 0 in 1/48000 s and stands for the moment `captureUs`; `level` is -dBov, 0 to 127. */
  sendAudio(payload: Uint8Array, rtpTime: number, marker: boolean, level: number, captureUs: number): void {
    const packet = this.#packet(payload.length, marker, rtpTime);
    packet.set(payload, this.#template.headerLength);
    this.#template.patchAudioLevel(packet, level, level < 50);
    this.#dispatch(packet, payload.length, rtpTime, captureUs, PACER_PRIORITY.audio);
  }

  /** Room for a video payload of `length` bytes; it begins at `payloadOffset` of the packet. */
  allocateVideo(length: number, marker: boolean, rtpTime: number): Buffer {
    return this.#packet(length, marker, rtpTime);
  }

  get payloadOffset(): number {
    return this.#template.headerLength;
  }

  /** Sends a packet from `allocateVideo`, filled. `captureUs` is the moment that its `rtpTime` stands for. */
  sendVideo(packet: Buffer, rtpTime: number, captureUs: number): void {
    this.#dispatch(packet, packet.length - this.#template.headerLength, rtpTime, captureUs, PACER_PRIORITY.video);
  }

  /** Sends again what a receiver misses, as far as it is still there. */
  retransmit(nack: Nack): void {
    if (!this.#history) return;
    const { clock, sink } = this.#options;
    const nowUs = clock.nowUs();
    const minIntervalUs = this.statistics.roundTripUs ?? 10_000;
    for (const sequence of nack.sequenceNumbers) {
      this.nackCount++;
      const original = this.#history.take(sequence, nowUs, minIntervalUs);
      if (!original) continue;
      if (!this.#rtxTarget) sink.resend(original);
      else {
        const packet = this.#repeat(original);
        if (packet) sink.enqueue(packet, PACER_PRIORITY.retransmission);
      }
    }
  }

  /**
   * Something of about `sizeBytes` that a receiver has no need for, to probe the path with: the last packet again, which may help
   * if it was lost, or padding. Undefined where retransmissions were not negotiated, and while nothing is sent.
   */
  padding(sizeBytes: number): Buffer | undefined {
    const template = this.#paddingTemplate;
    if (!template || !this.#lastPacket || this.#options.clock.nowUs() - this.#lastSentUs > MAX_PADDING_AGE_US) {
      return undefined;
    }
    if (sizeBytes > MAX_PADDING_BYTES) return this.#repeat(this.#lastPacket);
    const timestamp = (this.#lastRtpTime + this.#timestampOffset) >>> 0;
    return template.allocatePadding(Math.max(1, sizeBytes), this.#nextRtxSequence(), timestamp);
  }

  receiveReportBlock(block: ReportBlock): void {
    this.statistics.receiveReportBlock(block, this.#ntpUs(this.#options.clock.nowUs()));
  }

  /** A sender report for now; undefined while nothing was sent. */
  senderReport(): Buffer | undefined {
    const nowUs = this.#options.clock.nowUs();
    return this.statistics.senderReport(nowUs, this.#ntpUs(nowUs));
  }

  // All streams of a process share the monotonic clock: what matters is that they agree, not the calendar.
  #ntpUs(nowUs: number): number {
    return nowUs + NTP_OFFSET_US;
  }

  #nextRtxSequence(): number {
    const sequence = this.#rtxSequence;
    this.#rtxSequence = (sequence + 1) & 0xffff;
    return sequence;
  }

  #repeat(original: Uint8Array): Buffer | undefined {
    if (!this.#rtxTarget || !this.#view.parse(original)) return undefined;
    return wrapRtx(this.#view, { ...this.#rtxTarget, sequenceNumber: this.#nextRtxSequence() });
  }

  #packet(payloadLength: number, marker: boolean, rtpTime: number): Buffer {
    const packet = this.#template.allocate(
      payloadLength,
      marker,
      this.#sequence,
      (rtpTime + this.#timestampOffset) >>> 0,
    );
    this.#sequence = (this.#sequence + 1) & 0xffff;
    return packet;
  }

  #dispatch(packet: Buffer, payloadLength: number, rtpTime: number, captureUs: number, priority: PacerPriority): void {
    this.statistics.sent(payloadLength, (rtpTime + this.#timestampOffset) >>> 0, captureUs);
    if (this.#history) {
      this.#lastSentUs = this.#options.clock.nowUs();
      this.#history.put(packet.readUInt16BE(2), packet, this.#lastSentUs);
      this.#lastPacket = packet;
      this.#lastRtpTime = rtpTime;
    }
    this.#options.sink.enqueue(packet, priority);
  }
}
