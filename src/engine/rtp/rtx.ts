import { write16 } from './bytes.js';
import { type RtpPacket, setPayloadType, setSequenceNumber, setSsrc } from './packet.js';

export interface RtxTarget {
  readonly ssrc: number;
  readonly payloadType: number;
  /** Of the RTX stream itself; any integer, the low 16 bits count. */
  readonly sequenceNumber: number;
  /** Renames the rid extension to the repaired-rid one, as simulcast asks for. Both are ids of the SDP. */
  readonly rid?: { readonly id: number; readonly repairedId: number };
}

/** A retransmission of `packet` (RFC 4588): a new buffer with its header and extensions, the original sequence number, and the payload. */
export function wrapRtx(packet: RtpPacket, target: RtxTarget): Buffer {
  const { buffer, payloadOffset, payloadLength } = packet;
  const wrapped = Buffer.allocUnsafe(payloadOffset + 2 + payloadLength);
  wrapped.set(buffer.subarray(0, payloadOffset), 0);
  // The padding stays behind.
  wrapped[0] = wrapped[0]! & ~0x20;
  setPayloadType(wrapped, target.payloadType);
  setSequenceNumber(wrapped, target.sequenceNumber);
  setSsrc(wrapped, target.ssrc);
  write16(wrapped, payloadOffset, packet.sequenceNumber);
  wrapped.set(buffer.subarray(payloadOffset, payloadOffset + payloadLength), payloadOffset + 2);
  if (target.rid) renameExtension(packet, wrapped, target.rid.id, target.rid.repairedId);
  return wrapped;
}

/**
 * Turns an RTX packet back into the original, in place: the result is a view of the same memory, two bytes shorter, and the RTX
 * packet is gone. Undefined for one without an original in it (RTX is also used for padding). Extensions stay those of the RTX packet.
 */
export function unwrapRtx(packet: RtpPacket, ssrc: number, payloadType: number): Uint8Array | undefined {
  const { buffer, payloadOffset, payloadLength } = packet;
  if (payloadLength < 2) return undefined;
  const high = buffer[payloadOffset]!;
  const low = buffer[payloadOffset + 1]!;
  buffer.copyWithin(2, 0, payloadOffset);
  const original = buffer.subarray(2);
  setPayloadType(original, payloadType);
  setSequenceNumber(original, (high << 8) | low);
  setSsrc(original, ssrc);
  return original;
}

function renameExtension(packet: RtpPacket, wrapped: Uint8Array, id: number, newId: number): void {
  const offset = packet.extensionOffset(id);
  if (offset === -1) return;
  const length = packet.extensionLength(id);
  // With one-byte headers the byte in front holds id and length, with two-byte headers the id is one byte earlier.
  const oneByte = wrapped[offset - 1] === ((id << 4) | (length - 1));
  if (oneByte) wrapped[offset - 1] = (newId << 4) | (length - 1);
  else wrapped[offset - 2] = newId;
}
