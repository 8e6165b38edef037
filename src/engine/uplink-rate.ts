import { type BitrateDemand, shareBitrate } from './bitrate-share.js';
import type { OutboundStream } from './outbound-stream.js';
import type { PacketPort } from './packet-port.js';
import type { ReportBlock } from './rtp/rtcp.js';
import type { UplinkEntry } from './uplink-track.js';

/** Headers and extensions of a packet, in bytes. */
const HEADER_BYTES = 30;
/** Assumed of audio that has only just begun, in bits per second. */
const NEW_AUDIO_BPS = 50_000;
/** What a track sends is measured over so long, in µs. */
const MEASURE_US = 1_000_000;
/** Of what video may take, this much goes to its headers. */
const HEADER_PART = 0.03;
/** More loss than this is not made room for by sending less: the estimate has fallen by then. */
const MAX_REPAIR_PART = 0.2;

interface Measured {
  sinceUs: number;
  bytes: number;
  packets: number;
  bps: number;
}

/** Divides what one transport may send among its tracks: audio first, then video by what it has use for. */
export class UplinkRate {
  readonly #port: Pick<PacketPort, 'estimator' | 'setWanted'>;
  readonly #measured = new Map<UplinkEntry, Measured>();
  /** Packets sent when the last report about an SSRC came. */
  readonly #reportedAt = new Map<number, number>();

  constructor(port: Pick<PacketPort, 'estimator' | 'setWanted'>) {
    this.#port = port;
  }

  /** A beat of some 50 ms. */
  update(entries: readonly UplinkEntry[], nowUs: number): void {
    const { estimator } = this.#port;
    if (!estimator) return;
    estimator.tick(nowUs);
    for (const entry of this.#measured.keys()) if (!entries.includes(entry)) this.#measured.delete(entry);
    let audioBps = 0;
    const videos: UplinkEntry[] = [];
    const demands: BitrateDemand[] = [];
    for (const entry of entries) {
      const sentBps = this.#measure(entry, nowUs);
      if (entry.track.kind === 'audio') audioBps += sentBps;
      else {
        videos.push(entry);
        demands.push(entry.track.demand(sentBps));
      }
    }
    const repairPart = Math.min(estimator.lossRatio, MAX_REPAIR_PART);
    const usable = (1 - HEADER_PART) * (1 - repairPart);
    const shares = shareBitrate((estimator.targetBps - audioBps) * usable, demands);
    for (const [index, entry] of videos.entries()) entry.track.setBudget(shares[index] ?? 0);
    this.#port.setWanted(demands.reduce((sum, demand) => sum + demand.maxBps / usable, audioBps));
  }

  /** Takes what a receiver reports about streams of this side. */
  onReport(
    blocks: readonly ReportBlock[],
    streamOf: (ssrc: number) => OutboundStream | undefined,
    nowUs: number,
  ): void {
    let packets = 0;
    let lost = 0;
    let roundTripUs: number | undefined;
    for (const block of blocks) {
      const stream = streamOf(block.ssrc);
      if (!stream) continue;
      stream.receiveReportBlock(block);
      roundTripUs = stream.statistics.roundTripUs ?? roundTripUs;
      const sent = stream.statistics.packets - (this.#reportedAt.get(block.ssrc) ?? 0);
      this.#reportedAt.set(block.ssrc, stream.statistics.packets);
      packets += sent;
      lost += (sent * block.fractionLost) / 256;
    }
    if (packets > 0) this.#port.estimator?.receiverReport(lost / packets, roundTripUs, nowUs);
  }

  forget(ssrc: number): void {
    this.#reportedAt.delete(ssrc);
  }

  /** What a track has sent lately, headers included, in bits per second. */
  #measure(entry: UplinkEntry, nowUs: number): number {
    let bytes = 0;
    let packets = 0;
    for (const stream of entry.streams) {
      if (!stream) continue;
      bytes += stream.statistics.bytes;
      packets += stream.statistics.packets;
    }
    let measured = this.#measured.get(entry);
    if (!measured) {
      measured = { sinceUs: nowUs, bytes, packets, bps: entry.track.kind === 'audio' ? NEW_AUDIO_BPS : 0 };
      this.#measured.set(entry, measured);
    }
    const spanUs = nowUs - measured.sinceUs;
    if (spanUs >= MEASURE_US) {
      measured.bps = ((bytes - measured.bytes + (packets - measured.packets) * HEADER_BYTES) * 8_000_000) / spanUs;
      measured.sinceUs = nowUs;
      measured.bytes = bytes;
      measured.packets = packets;
    }
    return measured.bps;
  }
}
