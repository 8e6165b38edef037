import { readAudioLevel, readTransportSequence } from '../../engine/rtp/header-extensions.js';
import { ntpUsFrom } from '../../engine/rtp/ntp.js';
import { RtpPacket, isRtcp } from '../../engine/rtp/packet.js';
import { type ReportBlock, type SenderReport, parseRtcp } from '../../engine/rtp/rtcp.js';
import { writeNack, writePli, writeReceiverReport } from '../../engine/rtp/rtcp-writer.js';
import { unwrapRtx } from '../../engine/rtp/rtx.js';
import { TwccRecorder } from '../../engine/rtp/twcc.js';
import type { Delivery } from '../connection-quality.js';
import { randomSsrc } from './ssrc.js';
import { type Binding, StreamBinder } from './stream-binder.js';
import type { UpTrack } from './up-track.js';

const NACK_INTERVAL_US = 10_000;
const TWCC_INTERVAL_US = 50_000;
const REPORT_INTERVAL_US = 1_000_000;
/** A publisher's calendar that jumps by more is taken as set anew. */
const MAX_CLOCK_JUMP_US = 2_000_000;

export interface UpReceiverOptions {
  /** Sends one RTCP packet to the publisher. */
  sendRtcp(packet: Buffer): void;
  /** Level of an audio packet in -dBov, 0 (loudest) to 127. */
  onAudioLevel(level: number): void;
  /** The server's NTP time of a moment of its clock. */
  ntpUs(nowUs: number): number;
}

/** The media that comes from one publisher: sorts packets to tracks and sends the feedback that the publisher needs. */
export class UpReceiver {
  /** Packets that belong to no track, are malformed, or are not negotiated. */
  discarded = 0;
  received = 0;
  /** Requests for packets and for key frames. */
  nackCount = 0;
  pliCount = 0;
  readonly #options: UpReceiverOptions;
  readonly #binder = new StreamBinder();
  readonly #packet = new RtpPacket();
  readonly #ssrc = randomSsrc();
  readonly #twcc = new TwccRecorder(this.#ssrc);
  #mediaSsrc = 0;
  #clockOffsetUs: number | undefined;
  #nextNackUs = 0;
  #nextTwccUs = 0;
  #nextReportUs = 0;

  constructor(options: UpReceiverOptions) {
    this.#options = options;
  }

  /** Sets the tracks that may be received, by mid. */
  setTracks(tracks: ReadonlyMap<string, UpTrack>): void {
    this.#binder.setTracks(tracks);
  }

  /** How the streams that are received now get through. */
  get delivery(): Delivery {
    let [packets, lost] = [0, 0];
    for (const { stream, isRtx } of this.#binder.bindings) {
      if (isRtx) continue;
      lost += stream.statistics.cumulativeLost;
      packets += stream.statistics.packets + Math.max(0, stream.statistics.cumulativeLost);
    }
    return { packets, lost, missingLayers: 0 };
  }

  /** Takes one RTP or RTCP packet; its memory is used and changed during the call. */
  receive(buffer: Uint8Array, nowUs: number): void {
    this.received++;
    if (isRtcp(buffer)) {
      for (const report of parseRtcp(buffer)) if (report.type === 'sr') this.#onSenderReport(report, nowUs);
      return;
    }
    const packet = this.#packet;
    if (!packet.parse(buffer)) {
      this.discarded++;
      return;
    }
    const transportSequence = readTransportSequence(packet, this.#binder.extensions.transportSequence ?? 0);
    if (transportSequence !== -1) {
      this.#twcc.record(transportSequence, nowUs);
      this.#mediaSsrc = packet.ssrc;
    }
    const binding = this.#binder.get(packet.ssrc) ?? this.#binder.bind(packet);
    if (!binding) this.discarded++;
    else if (binding.isRtx) this.#onRetransmission(binding, packet, nowUs);
    else this.#onMedia(binding, packet, false, nowUs);
  }

  /** Sends the feedback that is due. To be called every few milliseconds. */
  tick(nowUs: number): void {
    for (const track of this.#binder.tracks) track.tick(nowUs);
    if (nowUs >= this.#nextNackUs) {
      this.#nextNackUs = nowUs + NACK_INTERVAL_US;
      this.#requestPackets(nowUs);
    }
    if (nowUs >= this.#nextTwccUs) {
      this.#nextTwccUs = nowUs + TWCC_INTERVAL_US;
      for (const feedback of this.#twcc.build(this.#mediaSsrc)) this.#options.sendRtcp(feedback);
    }
    if (nowUs >= this.#nextReportUs) {
      this.#nextReportUs = nowUs + REPORT_INTERVAL_US;
      this.#sendReport(nowUs);
    }
  }

  #onMedia(binding: Binding, packet: RtpPacket, resent: boolean, nowUs: number): void {
    const { stream, track } = binding;
    if (packet.payloadType !== stream.codec.payloadType) {
      this.discarded++;
      return;
    }
    if (track.kind === 'audio') {
      const level = readAudioLevel(packet, this.#binder.extensions.audioLevel ?? 0);
      if (level !== -1) this.#options.onAudioLevel(level);
    }
    const sequence = stream.accept(packet, resent, nowUs);
    if (sequence !== undefined) track.deliver(stream, packet, sequence, nowUs);
  }

  #onRetransmission(binding: Binding, packet: RtpPacket, nowUs: number): void {
    const { stream } = binding;
    // What is not a retransmission there is padding to find out the bandwidth.
    const original = unwrapRtx(packet, stream.ssrc, stream.codec.payloadType);
    if (original && packet.parse(original)) this.#onMedia(binding, packet, true, nowUs);
  }

  #onSenderReport(report: SenderReport, nowUs: number): void {
    const binding = this.#binder.get(report.ssrc);
    if (!binding || binding.isRtx) return;
    const offsetUs = this.#options.ntpUs(nowUs) - ntpUsFrom(report.ntpSeconds, report.ntpFraction);
    // One offset for all streams of a publisher, whatever the way takes: so they stay together.
    if (this.#clockOffsetUs === undefined || Math.abs(offsetUs - this.#clockOffsetUs) > MAX_CLOCK_JUMP_US) {
      this.#clockOffsetUs = offsetUs;
    }
    binding.stream.receiveSenderReport(report, this.#clockOffsetUs, nowUs);
  }

  #requestPackets(nowUs: number): void {
    for (const { stream, isRtx } of this.#binder.bindings) {
      if (isRtx) continue;
      if (stream.nack && stream.nack.pending > 0) {
        const missing = stream.nack.poll(nowUs, stream.nack.answerUs);
        if (missing.length > 0) {
          this.nackCount++;
          this.#options.sendRtcp(writeNack(this.#ssrc, stream.ssrc, missing));
        }
      }
      if (stream.takeKeyFrameRequest(nowUs)) {
        this.pliCount++;
        this.#options.sendRtcp(writePli(this.#ssrc, stream.ssrc));
      }
    }
  }

  #sendReport(nowUs: number): void {
    const blocks: ReportBlock[] = [];
    for (const { stream, track, isRtx } of this.#binder.bindings) {
      if (isRtx || stream.statistics.packets === 0) continue;
      const block = stream.statistics.reportBlock(nowUs);
      // Who speaks adds as many copies to its packets as the worst way to a listener needs.
      const fractionLost = Math.max(
        block.fractionLost,
        track.kind === 'audio' ? Math.round(track.fractionLost * 255) : 0,
      );
      blocks.push({ ...block, fractionLost });
    }
    if (blocks.length > 0) this.#options.sendRtcp(writeReceiverReport(this.#ssrc, blocks));
  }
}
