import { NackGenerator } from '../../engine/rtp/nack.js';
import { ntpUsFrom } from '../../engine/rtp/ntp.js';
import type { RtpPacket } from '../../engine/rtp/packet.js';
import { ReceiveStatistics } from '../../engine/rtp/receive-statistics.js';
import type { SenderReport } from '../../engine/rtp/rtcp.js';
import { SequenceUnwrapper } from '../../engine/rtp/sequence.js';
import type { NegotiatedCodec } from '../../engine/sdp/negotiated.js';

/** How many packets back duplicates are known; a power of two. */
const SEEN_WINDOW = 2048;
/** Key frames are asked for at most this often, in µs. */
const KEY_FRAME_INTERVAL_US = 500_000;

/** A moment on the media clock of a stream and on the server's. */
export interface ClockPoint {
  /** Microseconds since 1900, on the server's time line. */
  readonly ntpUs: number;
  readonly rtpTimestamp: number;
}

/** One SSRC that a publisher sends: a track, or one simulcast layer of it. */
export class UpStream {
  readonly ssrc: number;
  /** '' without simulcast. */
  readonly rid: string;
  readonly codec: NegotiatedCodec;
  readonly statistics: ReceiveStatistics;
  readonly nack: NackGenerator | undefined;
  /** When the last packet with media came; -Infinity before the first. */
  lastMediaUs = -Infinity;
  /** From the last sender report. */
  clockPoint: ClockPoint | undefined;
  /** Packets that came twice or far too late. */
  duplicates = 0;
  keyFrameRequests = 0;
  readonly #unwrapper = new SequenceUnwrapper();
  readonly #seen = new Float64Array(SEEN_WINDOW).fill(NaN);
  #highest = -Infinity;
  #keyFrameWanted = false;
  #keyFrameAskedUs = -Infinity;

  constructor(ssrc: number, rid: string, codec: NegotiatedCodec) {
    this.ssrc = ssrc;
    this.rid = rid;
    this.codec = codec;
    this.statistics = new ReceiveStatistics(ssrc, codec.clockRate);
    this.nack = codec.feedback.includes('nack') ? new NackGenerator() : undefined;
  }

  /** Notes a packet and gives its unwrapped sequence number; undefined for a duplicate. `resent`: it came by RTX. */
  accept(packet: RtpPacket, resent: boolean, nowUs: number): number | undefined {
    if (!resent) this.statistics.receive(packet.sequenceNumber, packet.timestamp, nowUs, packet.payloadLength);
    const sequence = this.#unwrapper.unwrap(packet.sequenceNumber);
    const slot = sequence & (SEEN_WINDOW - 1);
    if (this.#seen[slot] === sequence || sequence <= this.#highest - SEEN_WINDOW) {
      this.duplicates++;
      return undefined;
    }
    this.#seen[slot] = sequence;
    if (sequence > this.#highest) this.#highest = sequence;
    this.nack?.receive(sequence, nowUs);
    if (packet.payloadLength > 0) this.lastMediaUs = nowUs;
    return sequence;
  }

  /** Takes the sender's report; `offsetUs` leads from its NTP time to the server's. */
  receiveSenderReport(report: SenderReport, offsetUs: number, nowUs: number): void {
    this.statistics.receiveSenderReport(report.ntpSeconds, report.ntpFraction, nowUs);
    this.clockPoint = {
      ntpUs: ntpUsFrom(report.ntpSeconds, report.ntpFraction) + offsetUs,
      rtpTimestamp: report.rtpTimestamp,
    };
  }

  /** Asks the publisher for a key frame, now or as soon as the last request is long enough ago. */
  requestKeyFrame(): void {
    this.#keyFrameWanted = true;
  }

  /** True when a key frame is to be asked for now. */
  takeKeyFrameRequest(nowUs: number): boolean {
    if (!this.#keyFrameWanted || nowUs - this.#keyFrameAskedUs < KEY_FRAME_INTERVAL_US) return false;
    this.#keyFrameWanted = false;
    this.#keyFrameAskedUs = nowUs;
    this.keyFrameRequests++;
    return true;
  }
}
