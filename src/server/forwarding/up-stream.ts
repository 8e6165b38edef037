import { NackGenerator } from '../../engine/rtp/nack.js';
import { ntpUsFrom } from '../../engine/rtp/ntp.js';
import type { RtpPacket } from '../../engine/rtp/packet.js';
import { ReceiveStatistics } from '../../engine/rtp/receive-statistics.js';
import type { SenderReport } from '../../engine/rtp/rtcp.js';
import { SequenceUnwrapper } from '../../engine/rtp/sequence.js';
import type { NegotiatedCodec } from '../../engine/sdp/negotiated.js';
import { KeyFrameGate } from './key-frame-gate.js';
import { PacketInfo } from './picture.js';
import { RateMeter } from './rate-meter.js';

/** How many packets back duplicates are known; a power of two. */
const SEEN_WINDOW = 2048;
/** Key frames are asked for at most this often, in µs: where none came, and where one did, for who has come since. */
const KEY_FRAME_INTERVAL_US = 500_000;
const NEXT_KEY_FRAME_INTERVAL_US = 250_000;
/** Temporal layers beyond the fourth are counted as the fourth: VP8's field has two bits. */
const MAX_TEMPORAL_LAYERS = 4;
/** A distance between pictures beyond this says nothing about their rate. */
const MAX_FRAME_INTERVAL_US = 1_000_000;
/** What a packet weighs on its way beside its payload: RTP header and extensions. */
const HEADER_BYTES = 32;

/** Of sound, nobody waits for more. */
const NACK = { audio: { maxTries: 5, giveUpMs: 250, maxBehind: 25 }, video: {} } as const;

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
  /** About the packet that was accepted last. */
  readonly info = new PacketInfo();
  readonly gate = new KeyFrameGate();
  /** Place among the layers of its track, 0 is the lowest; set by the track. */
  rank = 0;
  /** When the last packet with media came; -Infinity before the first. */
  lastMediaUs = -Infinity;
  /** From the last sender report. */
  clockPoint: ClockPoint | undefined;
  /** Packets that came twice or far too late. */
  duplicates = 0;
  keyFrameRequests = 0;
  /** The packet that was accepted last begins a picture. */
  beginsPicture = false;
  /** Pictures of other layers since the last packet of this one, and when the first of them came. */
  missedPictures = 0;
  missedSinceUs = 0;
  /** Unwrapped sequence number of the newest packet. */
  highest = -Infinity;
  readonly #hasRtx: boolean;
  readonly #unwrapper = new SequenceUnwrapper();
  readonly #seen = new Float64Array(SEEN_WINDOW).fill(NaN);
  readonly #meters: RateMeter[] = [];
  #lastTimestamp = -1;
  #frameIntervalUs = 0;
  #keyFrameWanted = false;
  /** Since the last request. */
  #keyFrameCame = false;
  #keyFrameAskedUs = -Infinity;

  constructor(ssrc: number, rid: string, codec: NegotiatedCodec) {
    this.ssrc = ssrc;
    this.rid = rid;
    this.codec = codec;
    this.statistics = new ReceiveStatistics(ssrc, codec.clockRate);
    this.nack = codec.feedback.includes('nack')
      ? new NackGenerator(NACK[codec.name === 'opus' ? 'audio' : 'video'])
      : undefined;
    this.#hasRtx = codec.rtxPayloadType !== undefined;
  }

  /** Temporal layers seen so far; at least 1. */
  get temporalLayers(): number {
    return Math.max(1, this.#meters.length);
  }

  /** Mean distance of pictures, in µs; 0 before it is known. */
  get frameIntervalUs(): number {
    return this.#frameIntervalUs;
  }

  /** The stream has been sent for long enough to know what it costs. */
  isMeasured(nowUs: number): boolean {
    return this.#meters[0]?.settled(nowUs) ?? false;
  }

  /** What sending the temporal layers up to `temporalId` costs, headers included. */
  bitrateBps(temporalId: number, nowUs: number): number {
    let sum = 0;
    for (let id = 0; id <= temporalId && id < this.#meters.length; id++) sum += this.#meters[id]!.bitsPerSecond(nowUs);
    return sum;
  }

  /** Notes a packet and gives its unwrapped sequence number; undefined for a duplicate. `byRtx`: it came as a retransmission of its own. */
  accept(packet: RtpPacket, byRtx: boolean, nowUs: number): number | undefined {
    const sequence = this.#unwrapper.unwrap(packet.sequenceNumber);
    // Without such a stream, what was asked for comes like all others: it hides no loss either.
    const resent = this.#hasRtx ? byRtx : (this.nack?.wasRequested(sequence) ?? false);
    if (!resent) this.statistics.receive(packet.sequenceNumber, packet.timestamp, nowUs, packet.payloadLength);
    const slot = sequence & (SEEN_WINDOW - 1);
    if (this.#seen[slot] === sequence || sequence <= this.highest - SEEN_WINDOW) {
      this.duplicates++;
      return undefined;
    }
    this.#seen[slot] = sequence;
    const newest = sequence > this.highest;
    if (newest) this.highest = sequence;
    this.nack?.receive(sequence, nowUs, resent);
    this.info.read(this.codec.name, packet);
    this.beginsPicture = false;
    if (packet.payloadLength > 0) this.#measure(packet, newest, nowUs);
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
    const intervalUs = this.#keyFrameCame ? NEXT_KEY_FRAME_INTERVAL_US : KEY_FRAME_INTERVAL_US;
    if (!this.#keyFrameWanted || nowUs - this.#keyFrameAskedUs < intervalUs) return false;
    this.#keyFrameWanted = this.#keyFrameCame = false;
    this.#keyFrameAskedUs = nowUs;
    this.keyFrameRequests++;
    return true;
  }

  #measure(packet: RtpPacket, newest: boolean, nowUs: number): void {
    const { info } = this;
    this.lastMediaUs = nowUs;
    this.missedPictures = 0;
    const temporalId = Math.min(info.temporalId, MAX_TEMPORAL_LAYERS - 1);
    while (this.#meters.length <= temporalId) this.#meters.push(new RateMeter());
    this.#meters[temporalId]!.add(packet.payloadLength + HEADER_BYTES, nowUs);
    // Whoever waited for a key frame has it now.
    if (info.startsKeyFrame && newest) {
      this.#keyFrameWanted = false;
      this.#keyFrameCame = true;
    }
    if (!newest || packet.timestamp === this.#lastTimestamp) return;
    this.beginsPicture = true;
    const intervalUs = (((packet.timestamp - this.#lastTimestamp) | 0) * 1e6) / this.codec.clockRate;
    if (this.#lastTimestamp !== -1 && intervalUs > 0 && intervalUs < MAX_FRAME_INTERVAL_US) {
      this.#frameIntervalUs += (intervalUs - this.#frameIntervalUs) / (this.#frameIntervalUs === 0 ? 1 : 16);
    }
    this.#lastTimestamp = packet.timestamp;
  }
}
