import type { Clock, ClockTimer } from '../media/clock.js';
import type { OutboundStream } from './outbound-stream.js';
import { PacketPort } from './packet-port.js';
import { BandwidthEstimator } from './rtp/bandwidth/bandwidth-estimator.js';
import { parseRtcp, type RtcpReport } from './rtp/rtcp.js';
import { writeCompound, writeSourceDescription } from './rtp/rtcp-writer.js';
import type { SentSection } from './sdp/negotiated.js';
import type { Ticker } from './ticker.js';
import type { Transport } from './transport.js';
import { UplinkRate } from './uplink-rate.js';
import type { UplinkEntry } from './uplink-track.js';

const REPORT_INTERVAL_MS = 500;
/** The rate is looked at with feedback, but not more often than the first, and at least as often as the second. */
const RATE_INTERVAL_US = 45_000;
const MAX_RATE_INTERVAL_MS = 200;
/** Assumed of a path that nothing is known of yet, in bits per second. */
const START_BPS = 600_000;
/** A key frame that leaves much faster than the path takes it looks like a path that has become narrower. */
const PACING_FACTOR = 1.25;

/** Where an SSRC of this side belongs. */
interface Place {
  readonly entry: UplinkEntry;
  readonly layer: number;
  readonly stream: OutboundStream;
}

/** Everything that one transport sends: its streams, their reports, the answers to feedback, and how much may be sent. */
export class UplinkSender {
  readonly #clock: Clock;
  readonly #cname: string;
  readonly #port: PacketPort;
  readonly #rate: UplinkRate;
  readonly #entries: UplinkEntry[] = [];
  readonly #bySsrc = new Map<number, Place>();
  #reportTimer: ClockTimer | undefined;
  #rateTimer: ClockTimer | undefined;
  #rebalancedUs = 0;

  /** `ticker`: a beat of a few milliseconds, for pacing. */
  constructor(clock: Clock, ticker: Ticker, cname: string) {
    this.#clock = clock;
    this.#cname = cname;
    this.#port = new PacketPort(clock, ticker, {
      estimator: new BandwidthEstimator({ startBps: START_BPS }),
      padding: (sizeBytes) => this.#padding(sizeBytes),
      pacingFactor: PACING_FACTOR,
    });
    this.#rate = new UplinkRate(this.#port);
  }

  get streams(): OutboundStream[] {
    return [...this.#bySsrc.values()].map((place) => place.stream);
  }

  /** Packets that were sent since the beginning, those of ended tracks left out. */
  get packetsSent(): number {
    let sum = 0;
    for (const { stream } of this.#bySsrc.values()) sum += stream.statistics.packets;
    return sum;
  }

  /** The way to the server and back in µs, by its reports; undefined before one tells. */
  get roundTripUs(): number | undefined {
    for (const { stream } of this.#bySsrc.values()) {
      if (stream.statistics.roundTripUs !== undefined) return stream.statistics.roundTripUs;
    }
    return undefined;
  }

  /** What the path is believed to bear, in bits per second. */
  get availableBps(): number | undefined {
    return this.#port.estimator?.targetBps;
  }

  /** Where packets go from now on. */
  attach(transport: Transport): void {
    this.#port.attach(transport);
    if (this.#reportTimer) return;
    this.#scheduleReports();
    this.#scheduleRate();
  }

  /** Makes the streams of a track, as far as the server takes them. */
  add(entry: UplinkEntry, section: SentSection): void {
    entry.open(section, { clock: this.#clock, sink: this.#port });
    if (entry.streams.length === 0) return;
    const { absSendTime, transportSequence } = section.extensions;
    this.#port.setExtensions({
      ...(absSendTime !== undefined && { absSendTime }),
      ...(transportSequence !== undefined && { transportSequence }),
    });
    this.#entries.push(entry);
    for (const [layer, stream] of entry.streams.entries()) {
      if (stream) this.#bySsrc.set(stream.ssrc, { entry, layer, stream });
    }
  }

  /** Ends the streams of a track. */
  remove(entry: UplinkEntry): void {
    const at = this.#entries.indexOf(entry);
    if (at !== -1) this.#entries.splice(at, 1);
    for (const stream of entry.streams) {
      if (!stream) continue;
      this.#bySsrc.delete(stream.ssrc);
      this.#rate.forget(stream.ssrc);
    }
  }

  /** Divides what may be sent anew: a track has begun to take part. */
  rebalance(): void {
    this.#rebalancedUs = this.#clock.nowUs();
    this.#rate.update(this.#entries, this.#rebalancedUs);
  }

  /** Takes RTCP of the server. */
  receive(packet: Uint8Array): void {
    const nowUs = this.#clock.nowUs();
    for (const report of parseRtcp(packet)) this.#receive(report, nowUs);
  }

  close(): void {
    this.#reportTimer?.cancel();
    this.#rateTimer?.cancel();
    this.#port.close();
  }

  #receive(report: RtcpReport, nowUs: number): void {
    switch (report.type) {
      case 'rr':
      case 'sr':
        this.#rate.onReport(report.blocks, (ssrc) => this.#bySsrc.get(ssrc)?.stream, nowUs);
        break;
      case 'twcc':
        this.#port.estimator?.feedback(report.packet, nowUs);
        if (nowUs - this.#rebalancedUs >= RATE_INTERVAL_US) this.rebalance();
        break;
      case 'remb':
        this.#port.estimator?.remb(report.bitrateBps, nowUs);
        break;
      case 'nack':
        this.#bySsrc.get(report.mediaSsrc)?.stream.retransmit(report);
        break;
      case 'pli':
        this.#requestKeyFrame(report.mediaSsrc);
        break;
      case 'fir':
        for (const entry of report.entries) this.#requestKeyFrame(entry.ssrc);
        break;
      default:
    }
  }

  #requestKeyFrame(ssrc: number): void {
    const place = this.#bySsrc.get(ssrc);
    place?.entry.track.onKeyFrameRequest(place.layer);
  }

  /** The highest layer that has sent something is repeated: its packets are the largest, and the likeliest to be of use. */
  #padding(sizeBytes: number): Buffer | undefined {
    for (const { streams } of this.#entries) {
      for (let layer = streams.length - 1; layer >= 0; layer--) {
        const packet = streams[layer]?.padding(sizeBytes);
        if (packet) return packet;
      }
    }
    return undefined;
  }

  #scheduleReports(): void {
    this.#reportTimer = this.#clock.after(REPORT_INTERVAL_MS, () => {
      for (const { stream } of this.#bySsrc.values()) {
        const report = stream.senderReport();
        if (report) this.#port.sendControl(writeCompound([report, writeSourceDescription(stream.ssrc, this.#cname)]));
      }
      this.#scheduleReports();
    });
  }

  #scheduleRate(): void {
    this.#rateTimer = this.#clock.after(MAX_RATE_INTERVAL_MS, () => {
      const idleUs = this.#clock.nowUs() - this.#rebalancedUs;
      if (idleUs >= MAX_RATE_INTERVAL_MS * 500) this.rebalance();
      this.#scheduleRate();
    });
  }
}
