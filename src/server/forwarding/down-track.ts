import { PacketHistory } from '../../engine/rtp/history.js';
import { readAudioLevel, readVoiceActivity } from '../../engine/rtp/header-extensions.js';
import { PACER_PRIORITY, type PacerPriority } from '../../engine/rtp/pacer.js';
import { HeaderTemplate, type HeaderTemplateOptions } from '../../engine/rtp/packet-writer.js';
import { RtpPacket } from '../../engine/rtp/packet.js';
import type { ReportBlock } from '../../engine/rtp/rtcp.js';
import { writeSenderReport, writeSourceDescription } from '../../engine/rtp/rtcp-writer.js';
import { wrapRtx } from '../../engine/rtp/rtx.js';
import { SenderStatistics } from '../../engine/rtp/sender-statistics.js';
import type { NegotiatedCodec, SentSection } from '../../engine/sdp/negotiated.js';
import {
  EVERYTHING,
  type LayerOption,
  type LayerTarget,
  type LayerWish,
  chooseStream,
  hasUnmeasured,
  layerOptions,
} from './layer-choice.js';
import type { ControlledTrack } from './layer-controller.js';
import { SequenceMap } from './sequence-map.js';
import { randomSsrc } from './ssrc.js';
import { TimestampMap } from './timestamp-map.js';
import type { UpStream } from './up-stream.js';
import type { TrackSink, UpTrack } from './up-track.js';
import { Vp8Rewriter } from './vp8-rewriter.js';

/** Retransmissions of one packet are at least this far apart, in µs. */
const MIN_RESEND_INTERVAL_US = 10_000;
/** What is resent: who asks later than this has got over it by a key frame. */
const HISTORY = { video: { maxPackets: 1024, maxAgeMs: 1000 }, audio: { maxPackets: 64, maxAgeMs: 1000 } };
/** Most bytes of padding behind one header (RFC 3550, 5.1: their number is one byte). */
const MAX_PADDING = 255;

/** The payload types and header extensions that a subscriber agreed to. */
interface Agreement {
  readonly codec: NegotiatedCodec;
  readonly template: HeaderTemplate;
  readonly rtxTemplate: HeaderTemplate | undefined;
  /** The subscriber asks for what it misses. */
  readonly repeats: boolean;
}

/** The way to the subscriber. */
export interface DownWay {
  /** Takes a packet that is to leave; its memory belongs to the callee. */
  enqueue(packet: Buffer, priority: PacerPriority, nowUs: number): void;
  /** Sends a packet again that has left before, to the last bit as it was: see `PacketSink` of the engine. */
  resend(packet: Buffer): void;
}

/**
 * One track on its way to one subscriber: one stream, whatever layers the publisher sends. Rewrites SSRC, sequence number,
 * timestamp, payload type, header extensions and VP8's picture ids; begins video, and changes its spatial layer, at key frames,
 * and goes on with the old layer until the whole key frame is there; answers losses from its own history.
 */
export class DownTrack implements TrackSink, ControlledTrack {
  readonly ssrc = randomSsrc();
  readonly rtxSsrc = randomSsrc();
  readonly track: UpTrack;
  readonly statistics: SenderStatistics;
  /** Packets not sent: paused, not agreed to yet, late, padding, of a layer that is not shown. */
  withheld = 0;
  /** Changes of the spatial layer, the beginning included. */
  layerSwitches = 0;
  readonly #way: DownWay;
  readonly #history: PacketHistory;
  readonly #vp8 = new Vp8Rewriter();
  readonly #sequences = new SequenceMap(0);
  readonly #timestamps = new TimestampMap();
  readonly #resent = new RtpPacket();
  #agreement: Agreement | undefined;
  #refused = false;
  #open = false;
  #reportedPackets = 0;
  #wish = EVERYTHING;
  #target: LayerTarget | undefined = { rank: Infinity, temporalId: Infinity };
  #current: UpStream | undefined;
  /** The next packet is the first one of another stream. */
  #restart = false;
  /** What `#target` comes to with the layers that are being sent; a change waits for its key frame. */
  #next: UpStream | undefined;
  #rtxSequence = 0;
  /** The newest packet with much in it: sent again where padding is wanted. */
  #newest: Buffer | undefined;

  constructor(track: UpTrack, clockRate: number, way: DownWay) {
    this.track = track;
    this.#way = way;
    this.statistics = new SenderStatistics(this.ssrc, clockRate);
    this.#history = new PacketHistory(HISTORY[track.kind]);
    track.addSink(this);
    this.#resolve();
  }

  /** Takes what the subscriber answered; undefined when it does not want the track (any more). */
  agree(section: SentSection | undefined): void {
    const codec = section?.codecs[0];
    const accepted = section?.accepted === true && codec !== undefined;
    this.#agreement = accepted ? agreement(section, codec, this.ssrc, this.rtxSsrc) : undefined;
    if (this.#refused === !accepted) return;
    this.#refused = !accepted;
    this.track.wantsChanged();
  }

  /** Packets get through to the subscriber: video begins when they do. */
  set open(open: boolean) {
    if (this.#open === open) return;
    this.#open = open;
    if (!open) this.#current = undefined;
    else if (this.#agreement) this.requestKeyFrame();
  }

  /** What the subscriber would show. A disabled track is silent; what comes after begins with a key frame. */
  get wish(): LayerWish {
    return this.#wish;
  }

  set wish(wish: LayerWish) {
    this.#wish = wish;
    if (wish.disabled) this.#current = undefined;
    this.track.wantsChanged();
    this.#resolve();
  }

  get wantedRank(): number {
    return this.#wish.disabled || this.#refused ? -1 : this.#wish.maxRank;
  }

  /** The layers to send, where they are being sent; undefined sends nothing. At first all that is wished. */
  get target(): LayerTarget | undefined {
    return this.#target;
  }

  set target(target: LayerTarget | undefined) {
    const { rank, temporalId } = this.#target ?? { rank: -1, temporalId: -1 };
    if (target?.rank === rank && target.temporalId === temporalId) return;
    this.#target = target;
    if (!target) this.#current = undefined;
    this.#resolve();
  }

  /** The ways to send the track, for what the subscriber wishes. */
  options(nowUs: number): readonly LayerOption[] {
    return layerOptions(this.track, this.#wish, nowUs);
  }

  hasUnmeasured(nowUs: number): boolean {
    return !this.#wish.disabled && hasUnmeasured(this.track, this.#wish.maxRank, nowUs);
  }

  /** What is sent now; undefined while nothing is. */
  get sending(): LayerTarget | undefined {
    return this.#current && { rank: this.#current.rank, temporalId: this.#vp8.temporalId };
  }

  /** Asks for the key frame that is waited for; to be called some times a second. */
  tick(nowUs: number): void {
    if (this.#agreement && this.#open && this.#next && this.#next !== this.#current) this.#next.requestKeyFrame();
    this.#history.evict(nowUs);
  }

  onStream(): void {
    this.#resolve();
  }

  onStreamStopped(): void {
    this.#resolve();
  }

  awaits(stream: UpStream): boolean {
    const ready = this.#agreement?.codec.name === stream.codec.name && this.#open;
    return ready && stream === this.#next && stream !== this.#current && !this.#blind;
  }

  takeOver(stream: UpStream): void {
    // Less than before, perhaps because the connection is full: what is missing of the old layer would only add to it.
    if (this.#current && stream.rank < this.#current.rank) this.#history.clear();
    this.#current = stream;
    this.#restart = true;
    this.layerSwitches++;
    this.#resolve();
  }

  onPacket(stream: UpStream, packet: RtpPacket, sequence: number, nowUs: number): void {
    const agreement = this.#agreement;
    if (!agreement || !this.#open || this.#wish.disabled || agreement.codec.name !== stream.codec.name) {
      this.withheld++;
      return;
    }
    if (stream !== this.#current && !this.#beginsWith(stream, sequence)) {
      this.withheld++;
      return;
    }
    if (this.#restart) this.#begin(stream, packet, sequence, nowUs);
    const { info } = stream;
    const empty = packet.payloadLength === 0;
    const leftOut = empty || (stream.codec.name === 'vp8' && !this.#vp8.takes(info));
    if (leftOut && this.#sequences.drop(sequence)) {
      this.withheld++;
      return;
    }
    const out = this.#sequences.map(sequence);
    if (out === undefined) {
      this.withheld++;
      return;
    }
    const timestamp = this.#timestamps.map(packet.timestamp, nowUs);
    const { template } = agreement;
    // Where its number is taken, since later packets have left, an empty packet closes the gap.
    const copy = template.allocate(leftOut ? 0 : packet.payloadLength, packet.marker && !leftOut, out, timestamp);
    if (!leftOut) copy.set(info.payload, template.headerLength);
    if (this.track.kind === 'audio') this.#copyLevel(packet, template, copy);
    else if (!leftOut) this.#finishVideo(stream, template, copy);
    if (!leftOut && agreement.repeats) this.#history.put(out & 0xffff, copy, nowUs);
    this.statistics.sent(copy.length - template.headerLength, timestamp, nowUs);
    this.#way.enqueue(copy, this.track.kind === 'audio' ? PACER_PRIORITY.audio : PACER_PRIORITY.video, nowUs);
  }

  /** Resends what the subscriber asks for, as far as it is still there. `roundTripUs` of the connection, where it is known. */
  onNack(sequenceNumbers: readonly number[], nowUs: number, roundTripUs = 0): void {
    const minIntervalUs = Math.max(MIN_RESEND_INTERVAL_US, this.statistics.roundTripUs ?? roundTripUs);
    for (const sequenceNumber of sequenceNumbers) {
      const packet = this.#history.take(sequenceNumber, nowUs, minIntervalUs);
      if (!packet) continue;
      const wrapped = this.#wrap(packet);
      if (wrapped) this.#way.enqueue(wrapped, PACER_PRIORITY.retransmission, nowUs);
      else this.#way.resend(packet);
    }
  }

  /**
   * A packet that carries nothing new, to fill a connection with: `bytes` is about its length. Undefined for a track that has none,
   * which is one without retransmissions of their own.
   */
  pad(bytes: number): Buffer | undefined {
    const template = this.#agreement?.rtxTemplate;
    if (!template) return undefined;
    // What was sent already may even be of use.
    if (this.#newest && this.#newest.length <= bytes) return this.#wrap(this.#newest);
    const paddingLength = Math.max(1, Math.min(MAX_PADDING, bytes - template.headerLength));
    return template.allocatePadding(paddingLength, this.#rtxSequence++, 0);
  }

  /** The subscriber cannot go on without a key frame. */
  requestKeyFrame(): void {
    this.#current?.requestKeyFrame();
    this.#next?.requestKeyFrame();
  }

  onReportBlock(block: ReportBlock, ntpUs: number): void {
    if (block.ssrc === this.ssrc) this.statistics.receiveReportBlock(block, ntpUs);
  }

  get fractionLost(): number {
    return this.#agreement && this.#open ? this.statistics.fractionLost : 0;
  }

  /** What the subscriber lost on its own connection, and not for want of what had been lost before it came here. */
  get lost(): number {
    return Math.max(0, this.statistics.packetsLost - (this.#sequences.given - this.statistics.packets));
  }

  /** Layers that the subscriber would show and that are not sent for want of room; Infinity when nothing is. */
  get missingLayers(): number {
    if (this.track.kind === 'audio' || this.#wish.disabled || !this.#agreement) return 0;
    if (!this.#target) return Infinity;
    let best = 0;
    for (const stream of this.track.layers)
      if (stream.rank <= this.#wish.maxRank && this.track.isLive(stream)) best = Math.max(best, stream.rank);
    return Math.max(0, best - this.#target.rank);
  }

  /** Packets sent since the last call. */
  takeReported(): number {
    const packets = this.statistics.packets - this.#reportedPackets;
    this.#reportedPackets = this.statistics.packets;
    return packets;
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
    this.#newest = undefined;
    this.#history.clear();
  }

  /** Finds the stream to send: of the target's rank, or what comes closest to it. */
  #resolve(): void {
    if (this.track.kind === 'audio') return;
    const next =
      this.#target && !this.#wish.disabled ? chooseStream(this.track, this.#maxRank(this.#target)) : undefined;
    if (next !== this.#next) {
      this.#next = next;
      // One that has just come is shown to this track next.
      const comes = next?.info.startsKeyFrame;
      if (next && !comes && next !== this.#current && this.#agreement && this.#open) next.requestKeyFrame();
    }
    this.#vp8.targetTemporalId = this.#temporalLimit();
  }

  #maxRank({ rank }: LayerTarget): number {
    return Math.min(rank, this.#wish.maxRank);
  }

  #temporalLimit(): number {
    if (!this.#target || !this.#current) return this.#target?.temporalId ?? 0;
    const { rank, temporalId } = this.#target;
    if (this.#current.rank === rank) return temporalId;
    // Too much for the connection: least of it, until the lower layer has its key frame.
    return this.#current.rank > rank && rank < this.#wish.maxRank && this.#next?.rank === rank ? 0 : Infinity;
  }

  /** Lets a stream begin with this packet, if it may: with what goes on already, or while there is nothing to see. */
  #beginsWith(stream: UpStream, sequence: number): boolean {
    if (this.track.kind === 'video') {
      // A key frame whose beginning was lost and comes late is no place to begin: what follows it has passed.
      if (!stream.info.startsKeyFrame || sequence !== stream.highest || !this.#blind || !this.#target) return false;
      // Any layer that is not too much will do.
      if (stream !== this.#next && stream.rank > this.#maxRank(this.#target)) return false;
    }
    this.takeOver(stream);
    return true;
  }

  /** Nothing is being shown. */
  get #blind(): boolean {
    return !this.#current || !this.track.isLive(this.#current);
  }

  /** The first packet of a stream that has taken over: everything goes on from what was sent before. */
  #begin(stream: UpStream, packet: RtpPacket, sequence: number, nowUs: number): void {
    this.#restart = false;
    this.#vp8.restart();
    this.#sequences.restart(sequence);
    this.#timestamps.switchTo(stream, packet.timestamp, nowUs);
  }

  #copyLevel(packet: RtpPacket, template: HeaderTemplate, copy: Buffer): void {
    const levelId = this.track.section.extensions.audioLevel ?? 0;
    const level = readAudioLevel(packet, levelId);
    if (level !== -1) template.patchAudioLevel(copy, level, readVoiceActivity(packet, levelId));
  }

  #finishVideo({ info, codec }: UpStream, template: HeaderTemplate, copy: Buffer): void {
    if (codec.name === 'vp8') this.#vp8.rewrite(info, copy, template.headerLength);
    if (copy.length - template.headerLength > MAX_PADDING) this.#newest = copy;
  }

  /** A packet of this track as its retransmission; undefined where there are none. */
  #wrap(packet: Uint8Array): Buffer | undefined {
    const payloadType = this.#agreement?.codec.rtxPayloadType;
    if (payloadType === undefined || !this.#resent.parse(packet)) return undefined;
    return wrapRtx(this.#resent, { ssrc: this.rtxSsrc, payloadType, sequenceNumber: this.#rtxSequence++ });
  }
}

function agreement(section: SentSection, codec: NegotiatedCodec, ssrc: number, rtxSsrc: number): Agreement {
  const { mid, absSendTime, audioLevel, transportSequence } = section.extensions;
  const header: HeaderTemplateOptions = {
    payloadType: codec.payloadType,
    ssrc,
    ...(mid !== undefined && { mid: { id: mid, value: section.mid } }),
    ...(absSendTime !== undefined && { absSendTimeId: absSendTime }),
    ...(transportSequence !== undefined && { transportSequenceId: transportSequence }),
    ...(audioLevel !== undefined && { audioLevelId: audioLevel }),
  };
  const { rtxPayloadType } = codec;
  return {
    codec,
    repeats: codec.feedback.includes('nack'),
    template: new HeaderTemplate(header),
    rtxTemplate:
      rtxPayloadType === undefined
        ? undefined
        : new HeaderTemplate({ ...header, payloadType: rtxPayloadType, ssrc: rtxSsrc }),
  };
}
