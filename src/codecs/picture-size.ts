import type { EncodedVideoChunk } from '../media/encoded-chunk.js';

/** Pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/**
 * The size that an encoded key picture tells of itself: VP8 in its first bytes (RFC 6386 section 9.1), H.264 in the
 * sequence parameter set in front of it. Undefined for a delta picture and for one that cannot be read. Pure.
 */
export function pictureSize({ codec, type, data }: EncodedVideoChunk): PictureSize | undefined {
  if (type !== 'key') return undefined;
  return codec === 'vp8' ? vp8Size(data) : h264Size(data);
}

/** The size asked for; a side that is left out follows from the other, keeping the shape, in even pixels. Pure. */
export function sizeFor(
  picture: PictureSize,
  wanted: { readonly width?: number | undefined; readonly height?: number | undefined },
): PictureSize {
  const { width, height } = wanted;
  if (width === undefined && height === undefined) return picture;
  return {
    width: width ?? evenPixels((picture.width * (height ?? 0)) / picture.height),
    height: height ?? evenPixels((picture.height * (width ?? 0)) / picture.width),
  };
}

function evenPixels(pixels: number): number {
  return Math.max(2, Math.round(pixels / 2) * 2);
}

function vp8Size(data: Uint8Array): PictureSize | undefined {
  const isKey = ((data[0] ?? 1) & 1) === 0;
  if (data.length < 10 || !isKey || data[3] !== 0x9d || data[4] !== 0x01 || data[5] !== 0x2a) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  // The upper two bits ask for scaling by the viewer.
  return sizeOf(view.getUint16(6, true) & 0x3fff, view.getUint16(8, true) & 0x3fff);
}

const SEQUENCE_PARAMETER_SET = 7;
/** More than any parameter set takes that matters here. */
const MAX_PARAMETER_BYTES = 1024;
/** Profiles whose parameter set tells of chroma and scaling (H.264 section 7.3.2.1.1). */
const HIGH_PROFILES: ReadonlySet<number> = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

function h264Size(data: Uint8Array): PictureSize | undefined {
  for (let at = 0; at + 3 < data.length; at++) {
    if (data[at] !== 0 || data[at + 1] !== 0 || data[at + 2] !== 1) continue;
    if (((data[at + 3] ?? 0) & 0x1f) === SEQUENCE_PARAMETER_SET) {
      return parameterSetSize(new Bits(withoutEscapes(data.subarray(at + 4, at + 4 + MAX_PARAMETER_BYTES))));
    }
  }
  return undefined;
}

/** Reads a sequence parameter set up to its cropping (H.264 section 7.3.2.1.1). */
function parameterSetSize(bits: Bits): PictureSize | undefined {
  const profile = bits.read(8);
  bits.read(16);
  bits.readUe();
  const chromaFormat = HIGH_PROFILES.has(profile) ? readHighProfile(bits) : 1;
  bits.readUe();
  skipPictureOrder(bits);
  bits.readUe();
  bits.read(1);
  const widthInBlocks = bits.readUe() + 1;
  const heightInUnits = bits.readUe() + 1;
  const fieldFactor = 2 - bits.read(1);
  if (fieldFactor === 2) bits.read(1);
  bits.read(1);
  const isCropped = bits.read(1) === 1;
  const [left, right, top, bottom] = isCropped
    ? [bits.readUe(), bits.readUe(), bits.readUe(), bits.readUe()]
    : [0, 0, 0, 0];
  if (bits.isOver) return undefined;
  const cropWidth = chromaFormat === 1 || chromaFormat === 2 ? 2 : 1;
  const cropHeight = (chromaFormat === 1 ? 2 : 1) * fieldFactor;
  return sizeOf(
    widthInBlocks * 16 - cropWidth * (left + right),
    heightInUnits * fieldFactor * 16 - cropHeight * (top + bottom),
  );
}

/** What high profiles have before the common part; gives the chroma format: 0 none, 1 4:2:0, 2 4:2:2, 3 4:4:4. */
function readHighProfile(bits: Bits): number {
  const chromaFormat = bits.readUe();
  if (chromaFormat === 3) bits.read(1);
  bits.readUe();
  bits.readUe();
  bits.read(1);
  if (bits.read(1) === 0) return chromaFormat;
  const lists = chromaFormat === 3 ? 12 : 8;
  for (let list = 0; list < lists; list++) if (bits.read(1) === 1) skipScalingList(bits, list < 6 ? 16 : 64);
  return chromaFormat;
}

function skipScalingList(bits: Bits, length: number): void {
  let last = 8;
  let next = 8;
  for (let index = 0; index < length && next !== 0; index++) {
    next = (last + bits.readSe() + 256) & 0xff;
    if (next !== 0) last = next;
  }
}

function skipPictureOrder(bits: Bits): void {
  const type = bits.readUe();
  if (type === 0) bits.readUe();
  if (type !== 1) return;
  bits.read(1);
  bits.readUe();
  bits.readUe();
  const count = Math.min(255, bits.readUe());
  for (let index = 0; index < count; index++) bits.readUe();
}

/** Takes out the byte that keeps start codes from coming about by chance. */
function withoutEscapes(data: Uint8Array): Uint8Array {
  return data.filter((byte, index) => !(byte === 3 && index >= 2 && data[index - 1] === 0 && data[index - 2] === 0));
}

function sizeOf(width: number, height: number): PictureSize | undefined {
  return width > 0 && height > 0 ? { width, height } : undefined;
}

/** Bits from the highest on; zeros behind the end. */
class Bits {
  readonly #data: Uint8Array;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  /** More was read than there is. */
  get isOver(): boolean {
    return this.#at > this.#data.length * 8;
  }

  read(count: number): number {
    let value = 0;
    for (let bit = 0; bit < count; bit++, this.#at++) {
      value = value * 2 + (((this.#data[this.#at >> 3] ?? 0) >> (7 - (this.#at & 7))) & 1);
    }
    return value;
  }

  /** An unsigned Exp-Golomb number (H.264 section 9.1). */
  readUe(): number {
    let zeros = 0;
    while (zeros < 32 && this.read(1) === 0) zeros++;
    return 2 ** zeros - 1 + this.read(zeros);
  }

  readSe(): number {
    const value = this.readUe();
    return value % 2 === 1 ? (value + 1) / 2 : -value / 2;
  }
}
