import { BandwidthEstimator } from '../../engine/rtp/bandwidth/bandwidth-estimator.js';
import { PacedSender } from '../../engine/rtp/bandwidth/paced-sender.js';
import { PACER_PRIORITY, type PacerPriority } from '../../engine/rtp/pacer.js';
import { isRtcp } from '../../engine/rtp/packet.js';
import {
  type ExtendedReport,
  type ReceiverReport,
  type RtcpReport,
  type SenderReport,
  parseRtcp,
} from '../../engine/rtp/rtcp.js';
import { writeCompound, writeDlrr, writeReceiverReport } from '../../engine/rtp/rtcp-writer.js';
import type { SentSection } from '../../engine/sdp/negotiated.js';
import type { Delivery } from '../connection-quality.js';
import type { MediaCounters } from '../counters.js';
import type { DownTrack } from './down-track.js';
import type { FanOut, FanOutMember } from './fan-out.js';
import type { LayerWish } from './layer-choice.js';
import { LayerController } from './layer-controller.js';
import { RateMeter } from './rate-meter.js';

const REPORT_INTERVAL_US = 1_000_000;
const CONTROL_INTERVAL_US = 100_000;
/** A connection that has been too narrow within so long still is. */
const CONGESTED_US = 3_000_000;
/** Bursts of key frames for a slow link wait at most so long, and take at most so much room. */
const PACER = { maxWaitMs: 500, maxBytes: 1024 * 1024 };
/** A track that was agreed on so lately may have begun before the subscriber was ready for it. */
const SETTLING_US = 1_000_000;
/** What is assumed of a connection of which nothing is known. */
const START_BPS = 400_000;
/** Two probes may fail by chance: whoever gets too little has it for no longer than some seconds. */
const PROBE_INTERVAL_MS = 3000;

export interface DownSenderOptions {
  /** Sends one packet; false when it could not be sent. */
  send(packet: Buffer): boolean;
  /** The server's NTP time of a moment of its clock. */
  ntpUs(nowUs: number): number;
  /** Gives the sender its turns. */
  readonly fanOut: FanOut;
  /** There is no room even for the lowest layer of a track, or there is again. */
  onPaused(track: DownTrack, paused: boolean): void;
}

interface Entry {
  /** CNAME: tracks of one publisher share it. */
  readonly cname: string;
  paused: boolean;
  /** When the subscriber began to take the track; Infinity before. */
  agreedUs: number;
}

/**
 * The media that goes to one subscriber: paces it at what its connection bears, chooses the layers by that, hands the subscriber's
 * feedback to its tracks, sends sender reports. Subscribers that tell nothing of their connection get everything.
 */
export class DownSender implements FanOutMember {
  readonly #options: DownSenderOptions;
  readonly #bySsrc = new Map<number, DownTrack>();
  readonly #tracks = new Map<DownTrack, Entry>();
  readonly #layers = new LayerController();
  readonly #audioRate = new RateMeter();
  readonly #sender: PacedSender;
  /** Packets get through. */
  #open = false;
  #packetsSent = 0;
  #bytesSent = 0;
  #nackCount = 0;
  #pliCount = 0;
  /** By tracks that are not sent any more. */
  #withheldBefore = 0;
  readonly #transmit = (packet: Buffer): void => {
    if (!this.#options.send(packet)) return;
    this.#packetsSent++;
    this.#bytesSent += packet.length;
  };
  #lastTargetBps = Infinity;
  /** When the connection was last seen to bear less than was thought. */
  #congestedUs = -Infinity;
  #nextReportUs = 0;
  #nextControlUs = 0;

  constructor(options: DownSenderOptions) {
    this.#options = options;
    this.#sender = new PacedSender({ send: this.#transmit, padding: (bytes) => this.#pad(bytes), pacer: PACER });
  }

  /** What may be sent, in bit/s; undefined while nothing is known of the connection. */
  get targetBps(): number | undefined {
    return this.#sender.estimator?.targetBps;
  }

  /** Packets that were dropped because they waited too long or there was no room. */
  get dropped(): number {
    return this.#sender.dropped.expired + this.#sender.dropped.overflow;
  }

  get counters(): Partial<MediaCounters> {
    let packetsWithheld = this.#withheldBefore;
    for (const track of this.#tracks.keys()) packetsWithheld += track.withheld;
    return {
      nacksReceived: this.#nackCount,
      plisReceived: this.#pliCount,
      packetsSent: this.#packetsSent,
      bytesSent: this.#bytesSent,
      packetsWithheld,
      packetsDropped: this.dropped,
    };
  }

  /** How the tracks that are sent now get through. */
  get delivery(): Delivery {
    let [packets, lost, missingLayers] = [0, 0, 0];
    let roundTripUs: number | undefined;
    for (const track of this.#tracks.keys()) {
      packets += track.statistics.packets;
      lost += track.lost;
      missingLayers = Math.max(missingLayers, track.missingLayers);
      roundTripUs = track.statistics.roundTripUs ?? roundTripUs;
    }
    return { packets, lost, roundTripUs, missingLayers };
  }

  add(track: DownTrack, cname: string): void {
    this.#tracks.set(track, { cname, paused: false, agreedUs: Infinity });
    this.#bySsrc.set(track.ssrc, track);
    if (track.track.kind === 'video') this.#layers.add(track);
    this.#nextControlUs = 0;
  }

  remove(track: DownTrack): void {
    if (this.#tracks.delete(track)) this.#withheldBefore += track.withheld;
    this.#bySsrc.delete(track.ssrc);
    this.#layers.remove(track);
  }

  /** Takes what the subscriber answered about a track; undefined when it does not want it (any more). */
  agree(track: DownTrack, section: SentSection | undefined, nowUs: number): void {
    const entry = this.#tracks.get(track);
    if (!entry) return;
    track.agree(section);
    if (!section?.accepted) {
      entry.agreedUs = Infinity;
      return;
    }
    entry.agreedUs = Math.min(entry.agreedUs, nowUs);
    track.open = this.#open;
    const { absSendTime, transportSequence } = section.extensions;
    if (transportSequence !== undefined) this.#estimate();
    this.#sender.setExtensions({
      ...(absSendTime !== undefined && { absSendTime }),
      ...(transportSequence !== undefined && { transportSequence }),
    });
    this.#nextControlUs = 0;
  }

  /** What the subscriber wishes of a track: its layers follow at the next beat. */
  wish(track: DownTrack, wish: LayerWish): void {
    track.wish = wish;
    this.#nextControlUs = 0;
  }

  /** Takes a packet of a track: it leaves at the next turn, audio at once. */
  enqueue(packet: Buffer, priority: PacerPriority, nowUs: number): void {
    if (priority === PACER_PRIORITY.audio) {
      this.#audioRate.add(packet.length, nowUs);
      this.#sender.enqueue(packet, priority, nowUs);
      return;
    }
    this.#sender.hold(packet, priority, nowUs);
    this.#options.fanOut.wake(this);
  }

  /** What is asked for is late already: it does not wait, and is the very packet that left before. */
  resend(packet: Buffer): void {
    this.#transmit(packet);
  }

  flush(nowUs: number): number {
    const before = this.#sender.sentPackets;
    this.#sender.poll(nowUs);
    return this.#sender.sentPackets - before;
  }

  /** Takes a packet of the subscriber, which is RTCP. */
  receive(buffer: Uint8Array, nowUs: number): void {
    if (!isRtcp(buffer)) return;
    for (const report of parseRtcp(buffer)) this.#onReport(report, nowUs);
  }

  /** Sends what waits and is due, and looks at the layers. To be called every few milliseconds. */
  tick(nowUs: number): void {
    if (this.#sender.busy) this.#options.fanOut.wake(this);
    if (nowUs >= this.#nextControlUs) {
      this.#nextControlUs = nowUs + CONTROL_INTERVAL_US;
      this.#control(nowUs);
    }
    if (nowUs < this.#nextReportUs) return;
    this.#nextReportUs = nowUs + REPORT_INTERVAL_US;
    const ntpUs = this.#options.ntpUs(nowUs);
    for (const [track, { cname }] of this.#tracks) {
      const report = track.report(cname, ntpUs);
      if (report) this.#options.send(report);
    }
  }

  /** Packets get through from now on, or the subscriber is ready for those of tracks that are new: their video begins again. */
  begin(nowUs: number): void {
    this.#open = true;
    for (const [track, { agreedUs }] of this.#tracks) {
      if (agreedUs === Infinity) continue;
      track.open = true;
      if (nowUs - agreedUs < SETTLING_US) track.requestKeyFrame();
    }
  }

  /** The way is gone: forgets what waits, and what was known of it. */
  clear(): void {
    this.#open = false;
    for (const track of this.#tracks.keys()) track.open = false;
    this.#sender.clear();
    this.#sender.estimator?.reset();
  }

  close(): void {
    this.#sender.clear();
    this.#options.fanOut.remove(this);
  }

  /** From now on there is feedback to estimate by. */
  #estimate(): void {
    if (!this.#sender.estimator)
      this.#sender.estimateBy(new BandwidthEstimator({ startBps: START_BPS, probeIntervalMs: PROBE_INTERVAL_MS }));
  }

  #pad(bytes: number): Buffer | undefined {
    for (const track of this.#tracks.keys()) {
      const packet = track.pad(bytes);
      if (packet) return packet;
    }
    return undefined;
  }

  #control(nowUs: number): void {
    const { estimator } = this.#sender;
    estimator?.tick(nowUs);
    const audioBps = this.#audioRate.bitsPerSecond(nowUs);
    const congested = nowUs - this.#congestedUs < CONGESTED_US;
    this.#layers.update((estimator?.targetBps ?? Infinity) - audioBps, congested, nowUs);
    const wanted = this.#layers.wantedBps;
    this.#sender.wantedBps = wanted === 0 ? 0 : wanted + audioBps;
    // A probe may be due though nothing waits.
    if (this.#open && estimator && this.#sender.wantedBps > estimator.targetBps) this.#options.fanOut.wake(this);
    for (const [track, entry] of this.#tracks) {
      if (this.#open) track.tick(nowUs);
      const paused = track.target === undefined;
      if (paused === entry.paused) continue;
      entry.paused = paused;
      this.#options.onPaused(track, paused);
    }
  }

  #onReport(report: RtcpReport, nowUs: number): void {
    const { estimator } = this.#sender;
    switch (report.type) {
      case 'rr':
      case 'sr':
        this.#onBlocks(report, nowUs);
        return;
      case 'nack':
        this.#nackCount++;
        this.#bySsrc.get(report.mediaSsrc)?.onNack(report.sequenceNumbers, nowUs, estimator?.roundTripUs);
        return;
      case 'pli':
        this.#pliCount++;
        this.#bySsrc.get(report.mediaSsrc)?.requestKeyFrame();
        return;
      case 'fir':
        for (const { ssrc } of report.entries) this.#bySsrc.get(ssrc)?.requestKeyFrame();
        return;
      case 'twcc':
        estimator?.feedback(report.packet, nowUs);
        this.#onEstimate(nowUs);
        return;
      case 'remb':
        this.#estimate();
        this.#sender.estimator?.remb(report.bitrateBps, nowUs);
        this.#onEstimate(nowUs);
        return;
      case 'xr':
        this.#answerTime(report);
        return;
      default:
    }
  }

  /** A receiver that says what time it is wants to know the round trip (RFC 3611, 4.5). */
  #answerTime({ ssrc, referenceTime }: ExtendedReport): void {
    const [own] = this.#bySsrc.keys();
    if (referenceTime === undefined || own === undefined) return;
    this.#options.send(writeCompound([writeReceiverReport(own), writeDlrr(own, ssrc, referenceTime, 0)]));
  }

  #onBlocks({ blocks }: SenderReport | ReceiverReport, nowUs: number): void {
    const ntpUs = this.#options.ntpUs(nowUs);
    let packets = 0;
    let lost = 0;
    let roundTripUs: number | undefined;
    for (const block of blocks) {
      const track = this.#bySsrc.get(block.ssrc);
      if (!track) continue;
      track.onReportBlock(block, ntpUs);
      const sent = track.takeReported();
      packets += sent;
      lost += (sent * block.fractionLost) / 256;
      roundTripUs = track.statistics.roundTripUs ?? roundTripUs;
    }
    if (packets > 0) this.#sender.estimator?.receiverReport(lost / packets, roundTripUs, nowUs);
    this.#onEstimate(nowUs);
  }

  /** What the connection does not bear any more is taken back at the next beat. */
  #onEstimate(nowUs: number): void {
    const targetBps = this.#sender.estimator?.targetBps ?? Infinity;
    if (targetBps < this.#lastTargetBps) {
      this.#nextControlUs = 0;
      this.#congestedUs = nowUs;
    }
    this.#lastTargetBps = targetBps;
  }
}
