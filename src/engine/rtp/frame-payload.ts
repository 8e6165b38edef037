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
  /** No other picture needs this one. */
  readonly nonReference: boolean;
  /** -1 where the payload does not say, here and below. */
  readonly pictureId: number;
  /** 0, 7 or 15. */
  readonly pictureIdBits: number;
  readonly tl0PictureIndex: number;
  readonly temporalId: number;
  /** Of its layer and those below it, the picture needs only the last one of the base. */
  readonly layerSync: boolean;
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
    const { nonReference, pictureId, pictureIdBits, tl0PictureIndex, temporalId, layerSync } = descriptor;
    return {
      data,
      start,
      key: start && isVp8KeyFrame(data),
      nonReference,
      pictureId,
      pictureIdBits,
      tl0PictureIndex,
      temporalId,
      layerSync,
    };
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

const NO_LAYERS = { pictureId: -1, pictureIdBits: 0, tl0PictureIndex: -1, temporalId: -1, layerSync: false } as const;

class H264Reader implements FrameReader {
  readonly #depacketizer = new H264Depacketizer();

  read(packet: RtpPacket): FramePayload | undefined {
    const data = packet.payload();
    const info = inspectH264(data);
    if (!info) return undefined;
    // Parameter sets come first; whether another unit does, only the packet in front can say.
    const start = info.nalStart ? (info.sps ? true : undefined) : false;
    // nal_ref_idc 0 (RFC 6184, 1.3); fragments and aggregates have the highest of what they hold.
    return {
      ...NO_LAYERS,
      data,
      start,
      key: info.nalStart && (info.sps || info.idr),
      nonReference: (data[0]! & 0x60) === 0,
    };
  }

  join(payloads: readonly FramePayload[]): JoinedFrame | undefined {
    const data = this.#depacketizer.join(payloads.map((payload) => payload.data));
    if (!data) return undefined;
    return { data, type: payloads.some((payload) => inspectH264(payload.data)?.idr) ? 'key' : 'delta' };
  }
}
