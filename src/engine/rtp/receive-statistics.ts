import { compactDuration, compactNtp } from './ntp.js';
import type { ReportBlock } from './rtcp.js';
import { sequenceDifference, timestampDifference } from './sequence.js';

/** Further ahead or behind than this is a source that started anew, once a second packet confirms it (RFC 3550, A.1). */
const MAX_DROPOUT = 3000;
/** RFC 3550 has 100; retransmissions on the stream's own SSRC come later than that. */
const MAX_MISORDER = 1000;
/** A transit time that changes by more than this is a jump of the source's clock, not jitter. */
const MAX_TRANSIT_CHANGE_S = 5;

/** What one SSRC's packets look like at the receiver: loss, jitter, and the report block about it (RFC 3550, A.3 and A.8). */
export class ReceiveStatistics {
  readonly ssrc: number;
  packets = 0;
  /** Payload bytes. */
  bytes = 0;
  /** Headers and padding. */
  headerBytes = 0;
  /** Those of `packets` without payload. */
  paddingPackets = 0;
  /** Packets that were sent again, those of a stream of retransmissions that only pad included. */
  retransmittedPackets = 0;
  /** Payload bytes of those. */
  retransmittedBytes = 0;
  /** Of the stream of retransmissions; 0 before the first, and where there is none. */
  rtxSsrc = 0;
  /** When the last packet came; -Infinity before the first. */
  lastPacketUs = -Infinity;
  /** In the units of the payload's clock. */
  jitter = 0;

  readonly #clockRate: number;
  #baseSequence = 0;
  #highest = 0;
  #restartSequence = -1;
  #expectedPrior = 0;
  #receivedPrior = 0;
  /** Packets since the source (last) started: what losses are counted from. */
  #received = 0;
  #lostBefore = 0;
  #lastArrival = NaN;
  #lastTimestamp = 0;
  #lastSr = 0;
  #lastSrUs = 0;

  /** `clockRate` of the payload in Hz. */
  constructor(ssrc: number, clockRate: number) {
    this.ssrc = ssrc;
    this.#clockRate = clockRate;
  }

  /** The extended highest sequence number: cycles * 65536 + number. */
  get highestSequence(): number {
    return this.#highest;
  }

  /** Lost since the beginning; negative when duplicates outnumber losses. */
  get cumulativeLost(): number {
    return this.#lostBefore + (this.#received === 0 ? 0 : this.#expected() - this.#received);
  }

  /** Notes one packet, also a padding one, but not one that came by RTX. */
  receive(
    sequenceNumber: number,
    rtpTimestamp: number,
    arrivalUs: number,
    payloadBytes: number,
    headerBytes = 0,
  ): void {
    this.packets++;
    this.bytes += payloadBytes;
    this.headerBytes += headerBytes;
    this.lastPacketUs = arrivalUs;
    if (payloadBytes === 0) this.paddingPackets++;
    if (this.#received === 0) {
      this.#start(sequenceNumber);
    } else {
      const ahead = sequenceDifference(sequenceNumber, this.#highest);
      if (ahead > MAX_DROPOUT || ahead < -MAX_MISORDER) {
        if (!this.#restarts(sequenceNumber)) return;
      } else if (ahead > 0) this.#highest += ahead;
      else {
        this.#received++;
        return;
      }
    }
    this.#received++;
    this.#updateJitter(rtpTimestamp, arrivalUs);
  }

  /** Notes a packet that was sent again: it hides no loss. `ssrc`: that of the stream of retransmissions, 0 where it came on the stream's own. */
  receiveRetransmission(ssrc: number, payloadBytes: number, headerBytes: number): void {
    this.rtxSsrc = ssrc;
    this.retransmittedPackets++;
    this.retransmittedBytes += payloadBytes;
    this.headerBytes += headerBytes;
  }

  /** Notes a sender report of this SSRC, for LSR and DLSR. */
  receiveSenderReport(ntpSeconds: number, ntpFraction: number, nowUs: number): void {
    this.#lastSr = compactNtp(ntpSeconds, ntpFraction);
    this.#lastSrUs = nowUs;
  }

  /** The block for the next receiver report; its `fractionLost` covers the time since this was last called. */
  reportBlock(nowUs: number): ReportBlock {
    const expected = this.#expected();
    const expectedInterval = expected - this.#expectedPrior;
    const lostInterval = expectedInterval - (this.#received - this.#receivedPrior);
    this.#expectedPrior = expected;
    this.#receivedPrior = this.#received;
    return {
      ssrc: this.ssrc,
      fractionLost:
        expectedInterval <= 0 || lostInterval <= 0
          ? 0
          : Math.min(255, Math.floor((lostInterval * 256) / expectedInterval)),
      cumulativeLost: this.cumulativeLost,
      highestSequence: this.#highest >>> 0,
      jitter: Math.floor(this.jitter),
      lastSr: this.#lastSr,
      delaySinceLastSr: this.#lastSr === 0 ? 0 : compactDuration(nowUs - this.#lastSrUs),
    };
  }

  #expected(): number {
    return this.#received === 0 ? 0 : this.#highest - this.#baseSequence + 1;
  }

  #start(sequenceNumber: number): void {
    this.#baseSequence = this.#highest = sequenceNumber;
    this.#restartSequence = -1;
    this.#expectedPrior = this.#receivedPrior = this.#received = 0;
    this.#lastArrival = NaN;
  }

  /** Two packets in sequence far from all others are a new start; a single one is a stray and not counted. */
  #restarts(sequenceNumber: number): boolean {
    if (sequenceNumber !== this.#restartSequence) {
      this.#restartSequence = (sequenceNumber + 1) & 0xffff;
      return false;
    }
    const lost = this.cumulativeLost;
    this.#start(sequenceNumber);
    this.#lostBefore = lost;
    return true;
  }

  #updateJitter(rtpTimestamp: number, arrivalUs: number): void {
    // The packets of one picture share a timestamp; how they are spread is the sender's pacing, not the network's.
    if (!Number.isNaN(this.#lastArrival) && rtpTimestamp === this.#lastTimestamp) return;
    const arrival = (arrivalUs * this.#clockRate) / 1e6;
    if (!Number.isNaN(this.#lastArrival)) {
      const change = Math.abs(arrival - this.#lastArrival - timestampDifference(rtpTimestamp, this.#lastTimestamp));
      if (change < MAX_TRANSIT_CHANGE_S * this.#clockRate) this.jitter += (change - this.jitter) / 16;
    }
    // Kept as the arrival of the last one: its difference to the next, less that of the timestamps, is the change in transit.
    this.#lastArrival = arrival;
    this.#lastTimestamp = rtpTimestamp;
  }
}
