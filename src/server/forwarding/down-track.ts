import { PacketHistory } from '../../engine/rtp/history.js';
import { readAudioLevel, readVoiceActivity } from '../../engine/rtp/header-extensions.js';
import { PACER_PRIORITY, type PacerPriority } from '../../engine/rtp/pacer.js';
import { HeaderTemplate } from '../../engine/rtp/packet-writer.js';
import { RtpPacket } from '../../engine/rtp/packet.js';
import type { ReportBlock } from '../../engine/rtp/rtcp.js';
import { writeSenderReport, writeSourceDescription } from '../../engine/rtp/rtcp-writer.js';
import { wrapRtx } from '../../engine/rtp/rtx.js';
import { SenderStatistics } from '../../engine/rtp/sender-statistics.js';
import type { NegotiatedCodec, SentSection } from '../../engine/sdp/negotiated.js';
import { startsKeyFrame } from './key-frame.js';
import { chooseLayer } from './layer-choice.js';
import { SequenceMap } from './sequence-map.js';
import { randomSsrc } from './ssrc.js';
import { TimestampMap } from './timestamp-map.js';
import type { UpStream } from './up-stream.js';
import type { TrackSink, UpTrack } from './up-track.js';
import { Vp8Rewriter } from './vp8-rewriter.js';

/** Retransmissions of one packet are at least this far apart, in µs. */
const MIN_RESEND_INTERVAL_US = 10_000;
const HISTORY_PACKETS = 1024;

/** The payload types and header extensions that a subscriber agreed to. */
interface Agreement {
  readonly codec: NegotiatedCodec;
  readonly template: HeaderTemplate;
}

/**
 * One track on its way to one subscriber: one stream, whatever layers the publisher sends. Rewrites SSRC, sequence number,
 * timestamp, payload type, header extensions and VP8's picture ids; begins video, and changes its layer, at key frames;
 * answers losses from its own history.
 */
export class DownTrack implements TrackSink {
  readonly ssrc = randomSsrc();
  readonly rtxSsrc = randomSsrc();
  readonly track: UpTrack;
  readonly statistics: SenderStatistics;
  /** Packets not sent: paused, not agreed to yet, late, padding, of a layer that is not shown. */
  withheld = 0;
  readonly #send: (packet: Buffer, priority: PacerPriority) => void;
  readonly #history: PacketHistory | undefined;
  readonly #vp8 = new Vp8Rewriter();
  readonly #sequences = new SequenceMap(0);
  readonly #timestamps = new TimestampMap();
  readonly #resent = new RtpPacket();
  #agreement: Agreement | undefined;
  #paused = false;
  #maxRank = Infinity;
  #current: UpStream | undefined;
  #target: UpStream | undefined;
  #rtxSequence = 0;

  constructor(track: UpTrack, clockRate: number, send: (packet: Buffer, priority: PacerPriority) => void) {
    this.track = track;
    this.#send = send;
    this.statistics = new SenderStatistics(this.ssrc, clockRate);
    this.#history = track.kind === 'video' ? new PacketHistory({ maxPackets: HISTORY_PACKETS }) : undefined;
    track.addSink(this);
  }

  /** Takes what the subscriber answered; undefined when it does not want the track (any more). */
  agree(section: SentSection | undefined): void {
    const codec = section?.codecs[0];
    if (!section?.accepted || !codec) {
      this.#agreement = undefined;
      return;
    }
    const { mid, absSendTime, audioLevel } = section.extensions;
    const template = new HeaderTemplate({
      payloadType: codec.payloadType,
      ssrc: this.ssrc,
      ...(mid !== undefined && { mid: { id: mid, value: section.mid } }),
      ...(absSendTime !== undefined && { absSendTimeId: absSendTime }),
      ...(audioLevel !== undefined && { audioLevelId: audioLevel }),
    });
    this.#agreement = { codec, template };
  }

  /** Nothing is sent while paused; what comes after begins with a key frame. */
  set paused(paused: boolean) {
    if (this.#paused === paused) return;
    this.#paused = paused;
    this.#current = undefined;
    if (!paused) this.requestKeyFrame();
  }

  /** The highest simulcast layer that is wanted: 0 is the lowest. */
  set maxRank(rank: number) {
    this.#maxRank = rank;
  }

  /** Picks the layer to show; to be called a few times a second. */
  choose(nowUs: number): void {
    if (this.track.kind !== 'video' || !this.#agreement || this.#paused) return;
    const { streams, section } = this.track;
    this.#target = chooseLayer(streams.values(), section.rids, this.#maxRank, nowUs) ?? this.#target;
    if (this.#target && this.#target !== this.#current) this.#target.requestKeyFrame();
  }

  onStream(stream: UpStream): void {
    // The source of what is shown began anew under another SSRC.
    if (this.#target?.rid === stream.rid) this.#target = stream;
  }

  onPacket(stream: UpStream, packet: RtpPacket, sequence: number, nowUs: number): void {
    const agreement = this.#agreement;
    if (!agreement || this.#paused || agreement.codec.name !== stream.codec.name) {
      this.withheld++;
      return;
    }
    let restart = false;
    if (stream !== this.#current) {
      if (!this.#maySwitchTo(stream, packet, nowUs)) {
        this.withheld++;
        return;
      }
      restart = true;
      this.#current = stream;
      this.#sequences.restart(sequence);
      this.#timestamps.switchTo(stream, packet.timestamp, nowUs);
    }
    if (packet.payloadLength === 0 && this.#sequences.drop(sequence)) {
      this.withheld++;
      return;
    }
    const out = this.#sequences.map(sequence);
    if (out === undefined) {
      this.withheld++;
      return;
    }
    this.#forward(agreement, packet, out, restart, nowUs);
  }

  /** Resends what the subscriber asks for, as far as it is still there. */
  onNack(sequenceNumbers: readonly number[], nowUs: number): void {
    const rtxPayloadType = this.#agreement?.codec.rtxPayloadType;
    if (!this.#history) return;
    const minIntervalUs = Math.max(MIN_RESEND_INTERVAL_US, this.statistics.roundTripUs ?? 0);
    for (const sequenceNumber of sequenceNumbers) {
      const packet = this.#history.take(sequenceNumber, nowUs, minIntervalUs);
      if (!packet) continue;
      if (rtxPayloadType === undefined) this.#send(packet as Buffer, PACER_PRIORITY.retransmission);
      else if (this.#resent.parse(packet)) {
        const target = { ssrc: this.rtxSsrc, payloadType: rtxPayloadType, sequenceNumber: this.#rtxSequence++ };
        this.#send(wrapRtx(this.#resent, target), PACER_PRIORITY.retransmission);
      }
    }
  }

  requestKeyFrame(): void {
    (this.#target ?? this.#current)?.requestKeyFrame();
  }

  onReportBlock(block: ReportBlock, ntpUs: number): void {
    if (block.ssrc === this.ssrc) this.statistics.receiveReportBlock(block, ntpUs);
  }

  /** A sender report with its CNAME, on the time line that all tracks of a publisher share; undefined before anything is known. */
  report(cname: string, ntpUs: number): Buffer | undefined {
    const point = this.#current?.clockPoint;
    if (!point || !this.#current || this.statistics.packets === 0) return undefined;
    const elapsed = Math.round(((ntpUs - point.ntpUs) * this.#current.codec.clockRate) / 1e6);
    const rtpTimestamp = (point.rtpTimestamp + elapsed + this.#timestamps.offset) >>> 0;
    const { packets: packetCount, bytes: octetCount } = this.statistics;
    const report = writeSenderReport({ ssrc: this.ssrc, ntpUs, rtpTimestamp, packetCount, octetCount });
    return Buffer.concat([report, writeSourceDescription(this.ssrc, cname)]);
  }

  close(): void {
    this.track.removeSink(this);
    this.#agreement = undefined;
    this.#history?.clear();
  }

  #maySwitchTo(stream: UpStream, packet: RtpPacket, nowUs: number): boolean {
    if (this.track.kind === 'audio') return true;
    if (!this.#target) this.choose(nowUs);
    return stream === this.#target && startsKeyFrame(stream.codec.name, packet);
  }

  #forward({ template, codec }: Agreement, packet: RtpPacket, out: number, restart: boolean, nowUs: number): void {
    const { payloadLength, payloadOffset } = packet;
    const timestamp = this.#timestamps.map(packet.timestamp, nowUs);
    const copy = template.allocate(payloadLength, packet.marker, out, timestamp);
    copy.set(packet.buffer.subarray(payloadOffset, payloadOffset + payloadLength), template.headerLength);
    const audio = this.track.kind === 'audio';
    if (audio) {
      const levelId = this.track.section.extensions.audioLevel ?? 0;
      const level = readAudioLevel(packet, levelId);
      if (level !== -1) template.patchAudioLevel(copy, level, readVoiceActivity(packet, levelId));
    } else if (codec.name === 'vp8') {
      this.#vp8.rewrite(copy, template.headerLength, payloadLength, restart);
    }
    this.#history?.put(out & 0xffff, copy, nowUs);
    this.statistics.sent(payloadLength, timestamp, nowUs);
    this.#send(copy, audio ? PACER_PRIORITY.audio : PACER_PRIORITY.video);
  }
}
