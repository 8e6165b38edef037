import type { TemporalPlace } from '../../codecs/temporal-layers.js';
import { read16, write16 } from './bytes.js';
import type { Packetizer } from './packetizer.js';

/** A VP8 payload descriptor (RFC 7741, 4.2). Meant to be reused: `parse` fills it anew. -1 stands for a field that is not there. */
export class Vp8Descriptor {
  /** Bytes of the descriptor: the VP8 data begins behind it. */
  length = 0;
  /** N: no other picture depends on this one. */
  nonReference = false;
  /** S: a partition begins here. */
  partitionStart = false;
  partitionIndex = 0;
  pictureId = -1;
  /** 0 (not there), 7 or 15. */
  pictureIdBits = 0;
  tl0PictureIndex = -1;
  temporalId = -1;
  /** Y: depends on the base layer only. */
  layerSync = false;
  keyIndex = -1;
  /** Where picture id and tl0picidx stand in the buffer that was parsed. */
  pictureIdOffset = -1;
  tl0PictureIndexOffset = -1;

  /** Reads the descriptor at `offset`, of a payload of `payloadLength` bytes. False when it is not whole, or nothing follows it. */
  parse(buffer: Uint8Array, offset: number, payloadLength: number): boolean {
    const end = offset + payloadLength;
    if (payloadLength < 1 || end > buffer.length) return false;
    const first = buffer[offset]!;
    this.nonReference = (first & 0x20) !== 0;
    this.partitionStart = (first & 0x10) !== 0;
    this.partitionIndex = first & 0x07;
    this.pictureId = this.tl0PictureIndex = this.temporalId = this.keyIndex = -1;
    this.pictureIdBits = 0;
    this.pictureIdOffset = this.tl0PictureIndexOffset = -1;
    this.layerSync = false;
    const at = first & 0x80 ? this.#parseExtended(buffer, offset + 1, end) : offset + 1;
    this.length = at - offset;
    return at < end;
  }

  /** True for the first payload of a picture. */
  get frameStart(): boolean {
    return this.partitionStart && this.partitionIndex === 0;
  }

  #parseExtended(buffer: Uint8Array, start: number, end: number): number {
    let at = start;
    const flags = at < end ? buffer[at]! : 0;
    at++;
    if (flags & 0x80 && at < end) {
      this.pictureIdOffset = at;
      this.pictureIdBits = buffer[at]! & 0x80 ? 15 : 7;
      if (this.pictureIdBits === 7) this.pictureId = buffer[at]!;
      else if (at + 1 < end) this.pictureId = read16(buffer, at) & 0x7fff;
      at += this.pictureIdBits === 15 ? 2 : 1;
    }
    if (flags & 0x40 && at < end) {
      this.tl0PictureIndexOffset = at;
      this.tl0PictureIndex = buffer[at++]!;
    }
    if (flags & 0x30 && at < end) {
      const bits = buffer[at++]!;
      if (flags & 0x20) {
        this.temporalId = bits >> 6;
        this.layerSync = (bits & 0x20) !== 0;
      }
      if (flags & 0x10) this.keyIndex = bits & 0x1f;
    }
    return at;
  }
}

/** Writes a picture id in place, in as many bits as the descriptor has (`value & 0x7f` or `& 0x7fff`); nothing where it has none. */
export function setVp8PictureId(buffer: Uint8Array, descriptor: Vp8Descriptor, value: number): void {
  if (descriptor.pictureIdBits === 15) write16(buffer, descriptor.pictureIdOffset, 0x8000 | (value & 0x7fff));
  else if (descriptor.pictureIdBits === 7) buffer[descriptor.pictureIdOffset] = value & 0x7f;
}

/** Writes tl0picidx in place (8 bits); nothing where the descriptor has none. */
export function setVp8Tl0PictureIndex(buffer: Uint8Array, descriptor: Vp8Descriptor, value: number): void {
  if (descriptor.tl0PictureIndexOffset !== -1) buffer[descriptor.tl0PictureIndexOffset] = value & 0xff;
}

/** True when a key picture begins at `offset`, the first byte of VP8 data (behind the descriptor of a `frameStart` payload). */
export function isVp8KeyFrame(buffer: Uint8Array, offset = 0): boolean {
  return offset < buffer.length && (buffer[offset]! & 1) === 0;
}

/** Size of the key picture whose data begins at `offset` (RFC 6386, 9.1); undefined for what is not the start of one. */
export function vp8KeyFrameSize(buffer: Uint8Array, offset = 0): { width: number; height: number } | undefined {
  if (!isVp8KeyFrame(buffer, offset) || offset + 10 > buffer.length) return undefined;
  if (buffer[offset + 3] !== 0x9d || buffer[offset + 4] !== 0x01 || buffer[offset + 5] !== 0x2a) return undefined;
  const width = (buffer[offset + 6]! | (buffer[offset + 7]! << 8)) & 0x3fff;
  const height = (buffer[offset + 8]! | (buffer[offset + 9]! << 8)) & 0x3fff;
  return { width, height };
}

/** X and I set, 15-bit picture id: what every payload of ours carries. */
const DESCRIPTOR_LENGTH = 4;
/** L and T besides, with tl0picidx and the temporal layer. */
const PLACED_DESCRIPTOR_LENGTH = 6;
const BASE: TemporalPlace = { temporalId: 0, layerSync: false, nonReference: false };

/**
 * VP8 pictures into payloads of about equal size, each with a 15-bit picture id that grows by one a picture. Once a picture had a
 * place among temporal layers all have one, those without in the base: receivers would not find what follows from what otherwise.
 */
export class Vp8Packetizer implements Packetizer {
  #frame: Uint8Array = new Uint8Array(0);
  #count = 0;
  #pictureId: number;
  /** Of the base picture begun last. */
  #tl0PictureIndex = 0;
  #place: TemporalPlace | undefined;

  /** `pictureId` of the first picture, 15 bits. */
  constructor(pictureId = 0) {
    this.#pictureId = (pictureId - 1) & 0x7fff;
  }

  /** Of the picture begun last. */
  get pictureId(): number {
    return this.#pictureId;
  }

  begin(frame: Uint8Array, maxPayload: number, place?: TemporalPlace): number {
    this.#frame = frame;
    this.#pictureId = (this.#pictureId + 1) & 0x7fff;
    this.#place = place ?? (this.#place && BASE);
    if (this.#place?.temporalId === 0) this.#tl0PictureIndex = (this.#tl0PictureIndex + 1) & 0xff;
    this.#count = Math.ceil(frame.length / Math.max(1, maxPayload - this.#descriptorLength));
    return this.#count;
  }

  length(index: number): number {
    return this.#descriptorLength + this.#start(index + 1) - this.#start(index);
  }

  write(index: number, target: Uint8Array, offset: number): void {
    const place = this.#place;
    target[offset] = 0x80 | (place?.nonReference ? 0x20 : 0) | (index === 0 ? 0x10 : 0);
    target[offset + 1] = place ? 0xe0 : 0x80;
    write16(target, offset + 2, 0x8000 | this.#pictureId);
    if (place) {
      target[offset + 4] = this.#tl0PictureIndex;
      target[offset + 5] = (place.temporalId << 6) | (place.layerSync ? 0x20 : 0);
    }
    target.set(this.#frame.subarray(this.#start(index), this.#start(index + 1)), offset + this.#descriptorLength);
  }

  get #descriptorLength(): number {
    return this.#place ? PLACED_DESCRIPTOR_LENGTH : DESCRIPTOR_LENGTH;
  }

  #start(index: number): number {
    return Math.floor((this.#frame.length * index) / this.#count);
  }
}
