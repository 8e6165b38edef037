import { AudioReceiver } from './audio/audio-receiver.js';
import type { InboundStats } from './port.js';
import type { NegotiatedCodec } from './sdp/negotiated.js';
import { ReceiveStatistics } from './rtp/receive-statistics.js';
import type { RtpPacket } from './rtp/packet.js';
import { unwrapRtx } from './rtp/rtx.js';
import { VideoReceiver } from './video/video-receiver.js';

export interface InboundTrackOptions {
  readonly trackSid: string;
  readonly kind: 'audio' | 'video';
  readonly requestPackets: (ssrc: number, sequenceNumbers: readonly number[]) => void;
  readonly requestKeyFrame: (ssrc: number) => void;
  readonly onError: (error: unknown) => void;
}

const CLOCK_RATES = { audio: 48_000, video: 90_000 } as const;
/** A level at which nothing is heard, in -dBov (RFC 6464). */
const SILENT_LEVEL = 100;

/** One track that is received: which SSRC it has now, what was counted, and the receiver that takes its media. */
export class InboundTrack {
  readonly trackSid: string;
  readonly kind: 'audio' | 'video';
  readonly audio: AudioReceiver | undefined;
  readonly video: VideoReceiver | undefined;
  statistics: ReceiveStatistics | undefined;
  #ssrc = 0;

  constructor(options: InboundTrackOptions) {
    this.trackSid = options.trackSid;
    this.kind = options.kind;
    if (options.kind === 'audio') this.audio = new AudioReceiver(options.onError);
    else {
      this.video = new VideoReceiver({
        requestPackets: (numbers) => {
          if (this.#ssrc !== 0) options.requestPackets(this.#ssrc, numbers);
        },
        requestKeyFrame: () => {
          if (this.#ssrc !== 0) options.requestKeyFrame(this.#ssrc);
        },
      });
    }
  }

  /** 0 before the first packet. */
  get ssrc(): number {
    return this.#ssrc;
  }

  /** Takes a packet as sent. */
  receive(packet: RtpPacket, codec: NegotiatedCodec, level: number, nowUs: number): void {
    if (packet.ssrc !== this.#ssrc) this.#restart(packet.ssrc);
    this.statistics?.receive(packet.sequenceNumber, packet.timestamp, nowUs, packet.payloadLength);
    if (this.audio) {
      const payload = packet.payload();
      this.audio.receive(packet.sequenceNumber, packet.timestamp, payload, nowUs, level >= SILENT_LEVEL);
    } else if (codec.name !== 'opus') {
      this.video?.receive(packet, codec.name, nowUs);
    }
  }

  /** Takes a retransmission; it counts as the packet that it repeats. */
  receiveRtx(packet: RtpPacket, codec: NegotiatedCodec, nowUs: number): void {
    if (this.#ssrc === 0 || codec.name === 'opus') return;
    const original = unwrapRtx(packet, this.#ssrc, codec.payloadType);
    if (original && packet.parse(original)) this.video?.receive(packet, codec.name, nowUs);
  }

  /** What was counted; undefined before the first packet. `frames`: of all readers of the stream. */
  stats(streamId: string, frames: { readonly decoded: number; readonly dropped: number }): InboundStats | undefined {
    const { statistics, audio, video } = this;
    if (!statistics) return undefined;
    return {
      streamId,
      kind: this.kind,
      ssrc: this.#ssrc,
      packetsReceived: statistics.packets,
      packetsLost: statistics.cumulativeLost,
      packetsDiscarded: audio ? audio.stats.packetsDiscarded : (video?.packetsDropped ?? 0),
      bytesReceived: statistics.bytes,
      jitterMs: (statistics.jitter * 1000) / CLOCK_RATES[this.kind],
      concealedSamples: audio?.stats.concealedSamples ?? 0,
      framesDecoded: video ? frames.decoded : 0,
      keyFramesDecoded: video?.keyFramesReceived ?? 0,
      framesDropped: video ? frames.dropped : 0,
      pliCount: video?.pliCount ?? 0,
      nackCount: video?.nackCount ?? 0,
    };
  }

  close(): void {
    this.audio?.close();
  }

  #restart(ssrc: number): void {
    this.#ssrc = ssrc;
    this.statistics = new ReceiveStatistics(ssrc, CLOCK_RATES[this.kind]);
    this.audio?.restart();
    this.video?.restart();
  }
}
