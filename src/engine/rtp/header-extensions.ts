import { read16, read24 } from './bytes.js';
import type { RtpPacket } from './packet.js';

/** The header extensions sluice reads and writes, by the URI that names them in SDP. */
export const EXTENSION_URIS = {
  mid: 'urn:ietf:params:rtp-hdrext:sdes:mid',
  rid: 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id',
  repairedRid: 'urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id',
  audioLevel: 'urn:ietf:params:rtp-hdrext:ssrc-audio-level',
  absSendTime: 'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
  transportSequence: 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
} as const;

/** abs-send-time counts 64 seconds in 24 bits. */
const ABS_SEND_TIME_PERIOD_US = 64_000_000;

/** Level in -dBov (RFC 6464): 0 loudest, 127 silence; -1 when the packet does not say. */
export function readAudioLevel(packet: RtpPacket, id: number): number {
  const offset = packet.extensionOffset(id);
  return offset === -1 || packet.extensionLength(id) < 1 ? -1 : packet.buffer[offset]! & 0x7f;
}

/** The sender's voice activity bit (RFC 6464); false when the packet does not say. */
export function readVoiceActivity(packet: RtpPacket, id: number): boolean {
  const offset = packet.extensionOffset(id);
  return offset !== -1 && packet.extensionLength(id) > 0 && (packet.buffer[offset]! & 0x80) !== 0;
}

/** The text of a mid extension; undefined when the packet has none. To ask "is it this one?" use `extensionEquals`. */
export function readMid(packet: RtpPacket, id: number): string | undefined {
  return readText(packet, id);
}

/** The text of an rtp-stream-id or repaired-rtp-stream-id extension; undefined when the packet has none. */
export function readRid(packet: RtpPacket, id: number): string | undefined {
  return readText(packet, id);
}

/** Compares an extension with known bytes, such as a mid kept as `Buffer.from(mid)`, without making a string. */
export function extensionEquals(packet: RtpPacket, id: number, bytes: Uint8Array): boolean {
  const offset = packet.extensionOffset(id);
  if (offset === -1 || packet.extensionLength(id) !== bytes.length) return false;
  for (let i = 0; i < bytes.length; i++) if (packet.buffer[offset + i] !== bytes[i]) return false;
  return true;
}

/** 24 bits, 6.18 fixed point seconds; -1 when the packet has none. */
export function readAbsSendTime(packet: RtpPacket, id: number): number {
  const offset = packet.extensionOffset(id);
  return offset === -1 || packet.extensionLength(id) !== 3 ? -1 : read24(packet.buffer, offset);
}

/** The transport-wide sequence number, 16 bits; -1 when the packet has none. */
export function readTransportSequence(packet: RtpPacket, id: number): number {
  const offset = packet.extensionOffset(id);
  return offset === -1 || packet.extensionLength(id) < 2 ? -1 : read16(packet.buffer, offset);
}

/** Microseconds of any monotonic clock as abs-send-time. */
export function absSendTime(nowUs: number): number {
  return Math.floor(((nowUs % ABS_SEND_TIME_PERIOD_US) * 0x40000) / 1e6);
}

function readText(packet: RtpPacket, id: number): string | undefined {
  const offset = packet.extensionOffset(id);
  if (offset === -1) return undefined;
  const length = packet.extensionLength(id);
  // One character is by far the usual mid and rid, and is never allocated.
  if (length === 1) return String.fromCharCode(packet.buffer[offset]!);
  let text = '';
  for (let i = 0; i < length; i++) text += String.fromCharCode(packet.buffer[offset + i]!);
  return text;
}
