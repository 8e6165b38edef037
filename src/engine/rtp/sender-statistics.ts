import { compactNtpOf } from './ntp.js';
import type { ReportBlock } from './rtcp.js';
import { writeSenderReport } from './rtcp-writer.js';

/** What one SSRC has sent, its sender reports, and what the other side reports about it (RFC 3550, 6.4). */
export class SenderStatistics {
  readonly ssrc: number;
  packets = 0;
  /** Payload bytes, without headers and padding. */
  bytes = 0;
  /** From the last report block that answered one of our sender reports; undefined before. */
  roundTripUs: number | undefined;
  /** 0 to 1, from the last report block. */
  fractionLost = 0;
  packetsLost = 0;
  /** The receiver's jitter in milliseconds, from the last report block. */
  remoteJitterMs = 0;

  readonly #clockRate: number;
  #lastTimestamp = 0;
  #lastUs = NaN;

  /** `clockRate` of the payload in Hz. */
  constructor(ssrc: number, clockRate: number) {
    this.ssrc = ssrc;
    this.#clockRate = clockRate;
  }

  /** Notes one packet. `captureUs` is the moment its `rtpTimestamp` stands for, on the clock of `senderReport`. */
  sent(payloadBytes: number, rtpTimestamp: number, captureUs: number): void {
    this.packets++;
    this.bytes += payloadBytes;
    if (rtpTimestamp === this.#lastTimestamp && !Number.isNaN(this.#lastUs)) return;
    this.#lastTimestamp = rtpTimestamp;
    this.#lastUs = captureUs;
  }

  /** The RTP timestamp of the moment `nowUs`, going on from the last packet; undefined before the first. */
  rtpTimestampAt(nowUs: number): number | undefined {
    if (Number.isNaN(this.#lastUs)) return undefined;
    return (this.#lastTimestamp + Math.round(((nowUs - this.#lastUs) * this.#clockRate) / 1e6)) >>> 0;
  }

  /** A sender report for the moment `nowUs`, which is `ntpUs` in NTP time (ntp.ts); undefined before the first packet. */
  senderReport(nowUs: number, ntpUs: number, blocks: readonly ReportBlock[] = []): Buffer | undefined {
    const rtpTimestamp = this.rtpTimestampAt(nowUs);
    if (rtpTimestamp === undefined) return undefined;
    const { ssrc, packets: packetCount, bytes: octetCount } = this;
    return writeSenderReport({ ssrc, ntpUs, rtpTimestamp, packetCount, octetCount }, blocks);
  }

  /** Takes a report block about this SSRC that arrived at `ntpUs`, on the NTP time line of `senderReport`. */
  receiveReportBlock(block: ReportBlock, ntpUs: number): void {
    this.fractionLost = block.fractionLost / 256;
    this.packetsLost = block.cumulativeLost;
    this.remoteJitterMs = (block.jitter * 1000) / this.#clockRate;
    if (block.lastSr === 0) return;
    const roundTrip = (compactNtpOf(ntpUs) - block.lastSr - block.delaySinceLastSr) | 0;
    // Rounding on both sides can make a very short way negative.
    this.roundTripUs = Math.max(0, (roundTrip * 1e6) / 65536);
  }
}
