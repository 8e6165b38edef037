import type { VideoCodec } from '../../media/encoded-chunk.js';
import { H264Depacketizer, inspectH264 } from './h264.js';
import type { RtpPacket } from './packet.js';
import { Vp8Descriptor, isVp8KeyFrame, vp8KeyFrameSize } from './vp8.js';

/** What one payload says about its place in a picture. */
export interface FramePayload {
  /** What `join` needs of the packet: a view of its memory. */
  readonly data: Uint8Array;
  /** A picture begins here. undefined: the payload cannot tell, its neighbours have to. */
  readonly start: boolean | undefined;
  /** A key picture begins here, or may begin here where `start` is undefined. */
  readonly key: boolean;
}

/** A picture put together. Width and height only where the codec tells them cheaply (VP8 key pictures). */
export interface JoinedFrame {
  readonly data: Buffer;
  readonly type: 'key' | 'delta';
  readonly width?: number;
  readonly height?: number;
}

/** The codec's part of putting pictures together. */
export interface FrameReader {
  /** Looks into a packet with payload; undefined when it is malformed. */
  read(packet: RtpPacket): FramePayload | undefined;
  /** All payloads of one picture, in order; undefined when they do not fit together. The result has memory of its own, exactly its size. */
  join(payloads: readonly FramePayload[]): JoinedFrame | undefined;
}

export function createFrameReader(codec: VideoCodec): FrameReader {
  return codec === 'vp8' ? new Vp8Reader() : new H264Reader();
}

class Vp8Reader implements FrameReader {
  readonly #descriptor = new Vp8Descriptor();

  read(packet: RtpPacket): FramePayload | undefined {
    const descriptor = this.#descriptor;
    if (!descriptor.parse(packet.buffer, packet.payloadOffset, packet.payloadLength)) return undefined;
    const offset = packet.payloadOffset + descriptor.length;
    const data = packet.buffer.subarray(offset, packet.payloadOffset + packet.payloadLength);
    const start = descriptor.frameStart;
    return { data, start, key: start && isVp8KeyFrame(data) };
  }

  join(payloads: readonly FramePayload[]): JoinedFrame | undefined {
    const first = payloads[0];
    if (!first?.start) return undefined;
    let length = 0;
    for (const { data } of payloads) length += data.length;
    const data = Buffer.allocUnsafeSlow(length);
    let at = 0;
    for (const payload of payloads) {
      data.set(payload.data, at);
      at += payload.data.length;
    }
    if (!first.key) return { data, type: 'delta' };
    return { data, type: 'key', ...vp8KeyFrameSize(data) };
  }
}

class H264Reader implements FrameReader {
  readonly #depacketizer = new H264Depacketizer();

  read(packet: RtpPacket): FramePayload | undefined {
    const data = packet.payload();
    const info = inspectH264(data);
    if (!info) return undefined;
    // Parameter sets come first; whether another unit does, only the packet in front can say.
    const start = info.nalStart ? (info.sps ? true : undefined) : false;
    return { data, start, key: info.nalStart && (info.sps || info.idr) };
  }

  join(payloads: readonly FramePayload[]): JoinedFrame | undefined {
    const data = this.#depacketizer.join(payloads.map((payload) => payload.data));
    if (!data) return undefined;
    return { data, type: payloads.some((payload) => inspectH264(payload.data)?.idr) ? 'key' : 'delta' };
  }
}
