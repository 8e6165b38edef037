import { SluiceError } from '../../media/errors.js';
import { write16, write24, write32 } from './bytes.js';
import { absSendTime } from './header-extensions.js';
import { RTP_HEADER_LENGTH } from './packet.js';

/** One header extension: `id` 1 to 14, `data` of 1 to 16 bytes (one-byte headers, RFC 8285). */
export interface RtpExtension {
  readonly id: number;
  readonly data: Uint8Array;
}

export interface RtpPacketFields {
  readonly payloadType: number;
  readonly marker?: boolean;
  /** Any integer: the low 16 bits count. */
  readonly sequenceNumber: number;
  /** Any integer: the low 32 bits count. */
  readonly timestamp: number;
  readonly ssrc: number;
  readonly extensions?: readonly RtpExtension[];
  readonly payload?: Uint8Array;
  /** 0 to 255 bytes behind the payload. */
  readonly paddingLength?: number;
}

/** One RTP packet in a buffer of its own. For streams of packets see HeaderTemplate. Throws SLUICE_SDP_INVALID for an extension that does not fit. */
export function writeRtp(fields: RtpPacketFields): Buffer {
  const { extensions = [], payload, paddingLength = 0 } = fields;
  const headerLength = RTP_HEADER_LENGTH + extensionBlockLength(extensions);
  const payloadLength = payload?.length ?? 0;
  const buffer = Buffer.alloc(headerLength + payloadLength + paddingLength);
  buffer[0] = 0x80 | (paddingLength > 0 ? 0x20 : 0);
  buffer[1] = (fields.payloadType & 0x7f) | (fields.marker ? 0x80 : 0);
  write16(buffer, 2, fields.sequenceNumber);
  write32(buffer, 4, fields.timestamp);
  write32(buffer, 8, fields.ssrc);
  writeExtensionBlock(buffer, extensions);
  if (payload) buffer.set(payload, headerLength);
  if (paddingLength > 0) buffer[buffer.length - 1] = paddingLength;
  return buffer;
}

/** Text extensions carry their value; the others get theirs packet by packet. Ids are those of the SDP. */
export interface HeaderTemplateOptions {
  readonly payloadType: number;
  readonly ssrc: number;
  readonly mid?: { readonly id: number; readonly value: string };
  readonly rid?: { readonly id: number; readonly value: string };
  readonly repairedRid?: { readonly id: number; readonly value: string };
  readonly absSendTimeId?: number;
  readonly transportSequenceId?: number;
  readonly audioLevelId?: number;
}

/**
 * The header of one sender's packets, laid out once. `allocate` copies it in front of room for the payload, in one buffer;
 * what is only known when the packet leaves (send time, transport sequence) is patched in place.
 * Throws SLUICE_SDP_INVALID when an id or a text does not fit one-byte headers.
 */
export class HeaderTemplate {
  /** Where the payload begins in every packet of this template. */
  readonly headerLength: number;
  readonly ssrc: number;
  readonly #header: Uint8Array;
  readonly #absSendTimeOffset: number;
  readonly #transportSequenceOffset: number;
  readonly #audioLevelOffset: number;

  constructor(options: HeaderTemplateOptions) {
    const extensions: RtpExtension[] = [];
    let offset = RTP_HEADER_LENGTH + 4;
    const add = (id: number | undefined, data: Uint8Array): number => {
      if (id === undefined) return -1;
      extensions.push({ id, data });
      offset += 1 + data.length;
      return offset - data.length;
    };
    this.#absSendTimeOffset = add(options.absSendTimeId, new Uint8Array(3));
    this.#transportSequenceOffset = add(options.transportSequenceId, new Uint8Array(2));
    this.#audioLevelOffset = add(options.audioLevelId, new Uint8Array([127]));
    for (const text of [options.mid, options.rid, options.repairedRid]) if (text) add(text.id, Buffer.from(text.value));
    this.#header = writeRtp({
      payloadType: options.payloadType,
      ssrc: options.ssrc,
      sequenceNumber: 0,
      timestamp: 0,
      extensions,
    });
    this.headerLength = this.#header.length;
    this.ssrc = options.ssrc;
  }

  /** A packet with its header written and `payloadLength` bytes (not cleared) behind `headerLength`. It belongs to the caller. */
  allocate(payloadLength: number, marker: boolean, sequenceNumber: number, timestamp: number): Buffer {
    const packet = Buffer.allocUnsafe(this.headerLength + payloadLength);
    packet.set(this.#header, 0);
    if (marker) packet[1] = packet[1]! | 0x80;
    write16(packet, 2, sequenceNumber);
    write32(packet, 4, timestamp);
    return packet;
  }

  /** A packet of nothing but 1 to 255 bytes of padding (RFC 3550 section 5.1), for probes. It belongs to the caller. */
  allocatePadding(paddingLength: number, sequenceNumber: number, timestamp: number): Buffer {
    const packet = this.allocate(paddingLength, false, sequenceNumber, timestamp);
    packet.fill(0, this.headerLength);
    packet[0] = packet[0]! | 0x20;
    packet[packet.length - 1] = paddingLength;
    return packet;
  }

  /** Stamps a packet of this template with the time it leaves at. Does nothing where the extension was not negotiated, as below. */
  patchAbsSendTime(packet: Uint8Array, nowUs: number): void {
    if (this.#absSendTimeOffset !== -1) write24(packet, this.#absSendTimeOffset, absSendTime(nowUs));
  }

  /** Any integer: the low 16 bits count. */
  patchTransportSequence(packet: Uint8Array, transportSequence: number): void {
    if (this.#transportSequenceOffset !== -1) write16(packet, this.#transportSequenceOffset, transportSequence);
  }

  /** `level` in -dBov, 0 (loudest) to 127 (silence), RFC 6464. */
  patchAudioLevel(packet: Uint8Array, level: number, voice: boolean): void {
    if (this.#audioLevelOffset !== -1) packet[this.#audioLevelOffset] = (level & 0x7f) | (voice ? 0x80 : 0);
  }
}

function extensionBlockLength(extensions: readonly RtpExtension[]): number {
  if (extensions.length === 0) return 0;
  let length = 4;
  for (const { id, data } of extensions) {
    if (id < 1 || id > 14 || data.length < 1 || data.length > 16) {
      throw new SluiceError(
        'SLUICE_SDP_INVALID',
        `header extension ${id} of ${data.length} bytes does not fit a one-byte header`,
      );
    }
    length += 1 + data.length;
  }
  return (length + 3) & ~3;
}

function writeExtensionBlock(buffer: Uint8Array, extensions: readonly RtpExtension[]): void {
  if (extensions.length === 0) return;
  buffer[0] = buffer[0]! | 0x10;
  write16(buffer, 12, 0xbede);
  write16(buffer, 14, extensionBlockLength(extensions) / 4 - 1);
  let at = 16;
  for (const { id, data } of extensions) {
    buffer[at] = (id << 4) | (data.length - 1);
    buffer.set(data, at + 1);
    at += 1 + data.length;
  }
}
