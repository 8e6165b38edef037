import { inspectH264 } from '../../engine/rtp/h264.js';
import type { RtpPacket } from '../../engine/rtp/packet.js';
import { Vp8Descriptor, isVp8KeyFrame } from '../../engine/rtp/vp8.js';
import type { ForwardedCodec } from '../../engine/sdp/media-section.js';

const descriptor = new Vp8Descriptor();

/** Whether a packet begins a picture that can be shown without any before it. */
export function startsKeyFrame(codec: ForwardedCodec, packet: RtpPacket): boolean {
  const { buffer, payloadOffset, payloadLength } = packet;
  if (codec === 'vp8') {
    return (
      descriptor.parse(buffer, payloadOffset, payloadLength) &&
      descriptor.frameStart &&
      isVp8KeyFrame(buffer, payloadOffset + descriptor.length)
    );
  }
  if (codec !== 'h264') return false;
  // Parameter sets come in front of the picture that needs them.
  const info = inspectH264(packet.payload());
  return info !== undefined && info.nalStart && (info.sps || info.idr);
}
