import { randomBytes } from 'node:crypto';
import type { Clock } from '../media/clock.js';
import { PacketHistory } from './rtp/history.js';
import { ntpUsFromUnixUs } from './rtp/ntp.js';
import { PACER_PRIORITY, type PacerPriority } from './rtp/pacer.js';
import { RtpPacket } from './rtp/packet.js';
import { HeaderTemplate, type HeaderTemplateOptions } from './rtp/packet-writer.js';
import type { Nack, ReportBlock } from './rtp/rtcp.js';
import { wrapRtx } from './rtp/rtx.js';
import { SenderStatistics } from './rtp/sender-statistics.js';

/** Takes what leaves: at once, or through a pacer. */
export interface PacketSink {
  /** The buffer belongs to the sink. */
  enqueue(packet: Buffer, priority: PacerPriority): void;
}

export interface OutboundStreamOptions {
  readonly clock: Clock;
  readonly sink: PacketSink;
  readonly clockRate: number;
  readonly header: HeaderTemplateOptions;
  /** Retransmissions of their own, where they were negotiated (RFC 4588). */
  readonly rtx?: { readonly ssrc: number; readonly payloadType: number };
}

const NTP_OFFSET_US = ntpUsFromUnixUs(0);

/** One SSRC that this side sends: numbering, statistics, sender reports and answers to NACK. */
export class OutboundStream {
  readonly ssrc: number;
  readonly statistics: SenderStatistics;
  /** Requests for single packets that arrived. */
  nackCount = 0;
  readonly #options: OutboundStreamOptions;
  readonly #template: HeaderTemplate;
  readonly #history: PacketHistory | undefined;
  readonly #view = new RtpPacket();
  #sequence = randomBytes(2).readUInt16BE();
  #rtxSequence = randomBytes(2).readUInt16BE();
  /** Added to media time, so that time stamps start anywhere (RFC 3550 section 5.1). */
  readonly #timestampOffset = randomBytes(4).readUInt32BE();

  constructor(options: OutboundStreamOptions) {
    this.#options = options;
    this.ssrc = options.header.ssrc;
    this.#template = new HeaderTemplate(options.header);
    this.statistics = new SenderStatistics(this.ssrc, options.clockRate);
    if (options.rtx) this.#history = new PacketHistory();
  }

  get retransmitted(): number {
    return this.#history?.resent ?? 0;
  }

  /** Sends one Opus packet. `rtpTime` counts from 0 in 1/48000 s; `level` is -dBov, 0 to 127. */
  sendAudio(payload: Uint8Array, rtpTime: number, marker: boolean, level: number): void {
    const packet = this.#packet(payload.length, marker, rtpTime);
    packet.set(payload, this.#template.headerLength);
    this.#template.patchAudioLevel(packet, level, level < 50);
    this.#dispatch(packet, payload.length, rtpTime, this.#options.clock.nowUs(), PACER_PRIORITY.audio);
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
    const { rtx, clock, sink, header } = this.#options;
    if (!this.#history || !rtx) return;
    const nowUs = clock.nowUs();
    const minIntervalUs = this.statistics.roundTripUs ?? 10_000;
    for (const sequence of nack.sequenceNumbers) {
      this.nackCount++;
      const original = this.#history.take(sequence, nowUs, minIntervalUs);
      if (!original || !this.#view.parse(original)) continue;
      const packet = wrapRtx(this.#view, {
        ssrc: rtx.ssrc,
        payloadType: rtx.payloadType,
        sequenceNumber: this.#rtxSequence,
      });
      this.#rtxSequence = (this.#rtxSequence + 1) & 0xffff;
      if (header.absSendTimeId !== undefined) this.#template.patchAbsSendTime(packet, nowUs);
      sink.enqueue(packet, PACER_PRIORITY.retransmission);
    }
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
    const nowUs = this.#options.clock.nowUs();
    this.#template.patchAbsSendTime(packet, nowUs);
    this.statistics.sent(payloadLength, (rtpTime + this.#timestampOffset) >>> 0, captureUs);
    this.#history?.put(packet.readUInt16BE(2), packet, nowUs);
    this.#options.sink.enqueue(packet, priority);
  }
}
