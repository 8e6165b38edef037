import { read16, read32, write16, write32 } from './bytes.js';

/** Length of an RTP header without contributing sources and extensions. */
export const RTP_HEADER_LENGTH = 12;

const ONE_BYTE_PROFILE = 0xbede;
const EMPTY = new Uint8Array(0);

/**
 * A view on one RTP packet (RFC 3550, 5.1). Meant to be reused: `parse` points it at another buffer, nothing is copied or allocated.
 * Fields describe the buffer as it was parsed; the setters change the field and the buffer together.
 */
export class RtpPacket {
  buffer: Uint8Array = EMPTY;
  marker = false;
  payloadType = 0;
  /** 16 bits. */
  sequenceNumber = 0;
  /** 32 bits, in the units of the payload's clock. */
  timestamp = 0;
  ssrc = 0;
  /** Where the payload begins in `buffer`. */
  payloadOffset = 0;
  /** Bytes of payload, padding not included; 0 in a packet that only pads. */
  payloadLength = 0;
  paddingLength = 0;

  #extensionProfile = 0;
  #extensionStart = 0;
  #extensionEnd = 0;
  #foundLength = 0;

  /** Points the view at `buffer`. False, with the fields undefined, for what is not RTP or whose lengths lie. */
  parse(buffer: Uint8Array): boolean {
    if (buffer.length < RTP_HEADER_LENGTH) return false;
    const first = buffer[0]!;
    if (first >> 6 !== 2) return false;
    this.#extensionStart = this.#extensionEnd = 0;
    let offset = RTP_HEADER_LENGTH + (first & 0x0f) * 4;
    if (first & 0x10) {
      if (offset + 4 > buffer.length) return false;
      this.#extensionProfile = read16(buffer, offset);
      this.#extensionStart = offset + 4;
      offset = this.#extensionEnd = offset + 4 + read16(buffer, offset + 2) * 4;
    }
    if (offset > buffer.length) return false;
    let paddingLength = 0;
    if (first & 0x20) {
      paddingLength = buffer[buffer.length - 1]!;
      if (paddingLength === 0 || offset + paddingLength > buffer.length) return false;
    }
    this.buffer = buffer;
    this.marker = (buffer[1]! & 0x80) !== 0;
    this.payloadType = buffer[1]! & 0x7f;
    this.sequenceNumber = read16(buffer, 2);
    this.timestamp = read32(buffer, 4);
    this.ssrc = read32(buffer, 8);
    this.payloadOffset = offset;
    this.payloadLength = buffer.length - offset - paddingLength;
    this.paddingLength = paddingLength;
    return true;
  }

  /** A view of the payload: shares memory with `buffer`. */
  payload(): Uint8Array {
    return this.buffer.subarray(this.payloadOffset, this.payloadOffset + this.payloadLength);
  }

  /** Where the data of header extension `id` begins in `buffer`; -1 when the packet has none. One- and two-byte headers (RFC 8285). */
  extensionOffset(id: number): number {
    if (this.#extensionEnd === 0 || id <= 0) return -1;
    if (this.#extensionProfile === ONE_BYTE_PROFILE) return this.#findOneByte(id);
    if ((this.#extensionProfile & 0xfff0) === 0x1000) return this.#findTwoByte(id);
    return -1;
  }

  /** Bytes of header extension `id`, -1 when the packet has none. 0 is possible with two-byte headers. */
  extensionLength(id: number): number {
    return this.extensionOffset(id) === -1 ? -1 : this.#foundLength;
  }

  setMarker(marker: boolean): void {
    this.marker = marker;
    setMarker(this.buffer, marker);
  }

  setPayloadType(payloadType: number): void {
    this.payloadType = payloadType & 0x7f;
    setPayloadType(this.buffer, payloadType);
  }

  /** Takes any integer and keeps its low 16 bits. */
  setSequenceNumber(sequenceNumber: number): void {
    this.sequenceNumber = sequenceNumber & 0xffff;
    setSequenceNumber(this.buffer, sequenceNumber);
  }

  /** Takes any integer and keeps its low 32 bits. */
  setTimestamp(timestamp: number): void {
    this.timestamp = timestamp >>> 0;
    setTimestamp(this.buffer, timestamp);
  }

  setSsrc(ssrc: number): void {
    this.ssrc = ssrc >>> 0;
    setSsrc(this.buffer, ssrc);
  }

  #findOneByte(id: number): number {
    for (let at = this.#extensionStart; at < this.#extensionEnd;) {
      const head = this.buffer[at]!;
      if (head === 0) {
        at++;
        continue;
      }
      const found = head >> 4;
      // 15 says: stop reading here.
      if (found === 15) return -1;
      const length = (head & 0x0f) + 1;
      if (at + 1 + length > this.#extensionEnd) return -1;
      if (found === id) {
        this.#foundLength = length;
        return at + 1;
      }
      at += 1 + length;
    }
    return -1;
  }

  #findTwoByte(id: number): number {
    for (let at = this.#extensionStart; at + 1 < this.#extensionEnd;) {
      const found = this.buffer[at]!;
      if (found === 0) {
        at++;
        continue;
      }
      const length = this.buffer[at + 1]!;
      if (at + 2 + length > this.#extensionEnd) return -1;
      if (found === id) {
        this.#foundLength = length;
        return at + 2;
      }
      at += 2 + length;
    }
    return -1;
  }
}

/** True for what RFC 5761 takes as RTCP on a shared transport: version 2, second byte 192 to 223. */
export function isRtcp(buffer: Uint8Array): boolean {
  return buffer.length >= 4 && buffer[0]! >> 6 === 2 && buffer[1]! >= 192 && buffer[1]! <= 223;
}

/** The setters write into a packet in place; they touch nothing but their field. */
export function setMarker(packet: Uint8Array, marker: boolean): void {
  packet[1] = (packet[1]! & 0x7f) | (marker ? 0x80 : 0);
}

export function setPayloadType(packet: Uint8Array, payloadType: number): void {
  packet[1] = (packet[1]! & 0x80) | (payloadType & 0x7f);
}

export function setSequenceNumber(packet: Uint8Array, sequenceNumber: number): void {
  write16(packet, 2, sequenceNumber);
}

export function setTimestamp(packet: Uint8Array, timestamp: number): void {
  write32(packet, 4, timestamp);
}

export function setSsrc(packet: Uint8Array, ssrc: number): void {
  write32(packet, 8, ssrc);
}
