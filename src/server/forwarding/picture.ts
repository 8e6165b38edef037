import { inspectH264 } from '../../engine/rtp/h264.js';
import type { RtpPacket } from '../../engine/rtp/packet.js';
import { Vp8Descriptor, isVp8KeyFrame } from '../../engine/rtp/vp8.js';
import type { ForwardedCodec } from '../../engine/sdp/media-section.js';

const EMPTY = new Uint8Array(0);

/** What one packet says about its picture. Read once when it comes, for everyone it goes to; filled anew by every `read`. */
export class PacketInfo {
  /** A view of the packet's payload. */
  payload: Uint8Array = EMPTY;
  /** A picture that needs none before it begins here. */
  startsKeyFrame = false;
  /** 0 where there are no temporal layers, or the packet does not say. */
  temporalId = 0;
  /** The picture needs the base layer only: from here on its layer can be shown (RFC 7741, Y). */
  layerSync = false;
  /** -1 where there is none. */
  pictureId = -1;
  /** 0 (none), 7 or 15. */
  pictureIdBits = 0;
  /** -1 where there is none. */
  tl0PictureIndex = -1;
  /** Where they are in the payload, from its beginning. */
  pictureIdOffset = -1;
  tl0PictureIndexOffset = -1;
  readonly #vp8 = new Vp8Descriptor();

  read(codec: ForwardedCodec, packet: RtpPacket): void {
    this.startsKeyFrame = this.layerSync = false;
    this.temporalId = this.pictureIdBits = 0;
    this.pictureId = this.tl0PictureIndex = this.pictureIdOffset = this.tl0PictureIndexOffset = -1;
    this.payload = packet.payloadLength === 0 ? EMPTY : packet.payload();
    if (packet.payloadLength === 0) return;
    if (codec === 'vp8') this.#readVp8(packet);
    else if (codec === 'h264') this.#readH264();
  }

  #readVp8({ buffer, payloadOffset, payloadLength }: RtpPacket): void {
    const vp8 = this.#vp8;
    if (!vp8.parse(buffer, payloadOffset, payloadLength)) return;
    this.startsKeyFrame = vp8.frameStart && isVp8KeyFrame(buffer, payloadOffset + vp8.length);
    this.temporalId = Math.max(0, vp8.temporalId);
    this.layerSync = vp8.layerSync;
    this.pictureId = vp8.pictureId;
    this.pictureIdBits = vp8.pictureIdBits;
    this.tl0PictureIndex = vp8.tl0PictureIndex;
    if (vp8.pictureId !== -1) this.pictureIdOffset = vp8.pictureIdOffset - payloadOffset;
    if (vp8.tl0PictureIndex !== -1) this.tl0PictureIndexOffset = vp8.tl0PictureIndexOffset - payloadOffset;
  }

  #readH264(): void {
    // Parameter sets come in front of the picture that needs them.
    const info = inspectH264(this.payload);
    this.startsKeyFrame = info !== undefined && info.nalStart && (info.sps || info.idr);
  }
}
