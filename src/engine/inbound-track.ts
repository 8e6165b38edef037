import type { Clock } from '../media/clock.js';
import { AudioReceiver } from './audio/audio-receiver.js';
import { type ReadFrames, inboundStats } from './inbound-stats.js';
import { CLOCK_RATES, MediaTimeline } from './media-timeline.js';
import type { InboundStats } from './port.js';
import { ntpUsFrom } from './rtp/ntp.js';
import type { RtpPacket } from './rtp/packet.js';
import { ReceiveStatistics } from './rtp/receive-statistics.js';
import type { SenderReport } from './rtp/rtcp.js';
import { unwrapRtx } from './rtp/rtx.js';
import type { NegotiatedCodec } from './sdp/negotiated.js';
import type { SenderClock } from './sender-clock.js';
import { VideoReceiver } from './video/video-receiver.js';

export interface InboundTrackOptions {
  readonly trackSid: string;
  readonly kind: 'audio' | 'video';
  /** Who sends it. */
  readonly participantSid: string;
  readonly clock: Clock;
  /** The clock of that participant. */
  readonly sender: SenderClock;
  /** The way to the server and back in µs; 0 while it is not known. */
  readonly roundTripUs: () => number;
  readonly requestPackets: (ssrc: number, sequenceNumbers: readonly number[]) => void;
  readonly requestKeyFrame: (ssrc: number) => void;
  readonly onError: (error: unknown) => void;
}

/** A stream takes the place of another that has been silent for so long, in µs. */
const TAKE_OVER_US = 100_000;

/** One track that is received: which SSRC it has now, what was counted, and the receiver that takes its media. */
export class InboundTrack {
  /** What the server calls it now. */
  trackSid: string;
  readonly kind: 'audio' | 'video';
  readonly participantSid: string;
  readonly audio: AudioReceiver | undefined;
  readonly video: VideoReceiver | undefined;
  statistics: ReceiveStatistics | undefined;
  /** Packets of streams that are not the track's. */
  strays = 0;
  readonly #timeline: MediaTimeline;
  #ssrc = 0;
  #codec: NegotiatedCodec | undefined;
  /** The packet that would go on with the stream of a packet that was refused. */
  #candidate = { ssrc: 0, next: 0 };

  constructor(options: InboundTrackOptions) {
    const { clock, kind, trackSid, sender, roundTripUs } = options;
    this.trackSid = trackSid;
    this.kind = kind;
    this.participantSid = options.participantSid;
    this.#timeline = new MediaTimeline(CLOCK_RATES[kind], sender);
    const timeline = this.#timeline;
    const requestPackets = (numbers: readonly number[]): void => {
      if (this.#ssrc !== 0) options.requestPackets(this.#ssrc, numbers);
    };
    if (kind === 'audio')
      this.audio = new AudioReceiver({ onError: options.onError, timeline, roundTripUs, requestPackets });
    else {
      this.video = new VideoReceiver({
        clock,
        roundTripUs,
        timeline,
        requestPackets,
        requestKeyFrame: () => {
          if (this.#ssrc !== 0) options.requestKeyFrame(this.#ssrc);
          return this.#ssrc !== 0;
        },
      });
    }
  }

  /** 0 before the first packet. */
  get ssrc(): number {
    return this.#ssrc;
  }

  /** Takes a packet as sent. `ssrcs`: those that the session description names, if it does. */
  receive(packet: RtpPacket, codec: NegotiatedCodec, ssrcs: readonly number[], nowUs: number): void {
    if (packet.ssrc !== this.#ssrc) {
      if (!this.#mayTakeOver(packet, ssrcs, nowUs)) {
        this.strays++;
        return;
      }
      this.#restart(packet.ssrc);
    }
    const { sequenceNumber, timestamp, payloadLength } = packet;
    const headerLength = packet.buffer.length - payloadLength;
    // Audio is sent again on its own stream, where the number alone tells.
    const resent = this.audio?.isAnswer(sequenceNumber) ?? false;
    if (resent) this.statistics?.receiveRetransmission(0, payloadLength, headerLength);
    else this.statistics?.receive(sequenceNumber, timestamp, nowUs, payloadLength, headerLength);
    if (this.audio) {
      if (codec !== this.#codec) this.audio.repeats = codec.feedback.includes('nack');
      this.#codec = codec;
      this.audio.receive(sequenceNumber, timestamp, packet.payload(), nowUs, resent);
    } else if (codec.name !== 'opus') {
      this.video?.receive(packet, codec.name, nowUs, codec.rtxPayloadType === undefined ? undefined : false);
    }
  }

  /** Takes a retransmission; it counts as the packet that it repeats. `rtxSsrcs`: those that the session description names, and for what. */
  receiveRtx(packet: RtpPacket, codec: NegotiatedCodec, rtxSsrcs: ReadonlyMap<number, number>, nowUs: number): void {
    if (this.#ssrc === 0) return;
    if (rtxSsrcs.size > 0 && rtxSsrcs.get(packet.ssrc) !== this.#ssrc) {
      this.strays++;
      return;
    }
    this.statistics?.receiveRetransmission(
      packet.ssrc,
      packet.payloadLength,
      packet.buffer.length - packet.payloadLength,
    );
    const original = unwrapRtx(packet, this.#ssrc, codec.payloadType);
    if (!original || !packet.parse(original)) return;
    if (this.audio) this.audio.receive(packet.sequenceNumber, packet.timestamp, packet.payload(), nowUs, true);
    else if (codec.name !== 'opus') this.video?.receive(packet, codec.name, nowUs, true);
  }

  /** Takes what its sender says about its clock. */
  receiveSenderReport(report: SenderReport, nowUs: number): void {
    if (report.ssrc !== this.#ssrc) return;
    this.statistics?.receiveSenderReport(report.ntpSeconds, report.ntpFraction, nowUs);
    if (report.ntpSeconds === 0) return;
    this.#timeline.receiveSenderReport(ntpUsFrom(report.ntpSeconds, report.ntpFraction), report.rtpTimestamp, nowUs);
  }

  /** What was counted; undefined before the first packet. `frames`: of all readers of the stream. */
  stats(streamId: string, frames: ReadFrames, nowUs: number): InboundStats | undefined {
    const { kind, audio, video, statistics } = this;
    return statistics && inboundStats(streamId, { kind, audio, video, statistics }, frames, nowUs);
  }

  close(): void {
    this.audio?.close();
    this.video?.close();
  }

  /** A stream goes on until another shows that it has come to stay: one packet of anybody changes nothing. */
  #mayTakeOver(packet: RtpPacket, ssrcs: readonly number[], nowUs: number): boolean {
    if (this.#ssrc === 0) return true;
    const named = ssrcs.includes(packet.ssrc);
    const own = ssrcs.includes(this.#ssrc);
    if (named !== own) return named;
    const { ssrc, next } = this.#candidate;
    this.#candidate = { ssrc: packet.ssrc, next: (packet.sequenceNumber + 1) & 0xffff };
    const silentUs = nowUs - (this.statistics?.lastPacketUs ?? -Infinity);
    return silentUs >= TAKE_OVER_US && packet.ssrc === ssrc && packet.sequenceNumber === next;
  }

  #restart(ssrc: number): void {
    this.#ssrc = ssrc;
    this.statistics = new ReceiveStatistics(ssrc, CLOCK_RATES[this.kind]);
    this.audio?.restart();
    this.video?.restart();
  }
}
