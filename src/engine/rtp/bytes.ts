/** The 16-bit big-endian number at `offset`. The caller has checked the length, here and below. */
export function read16(buffer: Uint8Array, offset: number): number {
  return (buffer[offset]! << 8) | buffer[offset + 1]!;
}

export function read24(buffer: Uint8Array, offset: number): number {
  return (buffer[offset]! << 16) | (buffer[offset + 1]! << 8) | buffer[offset + 2]!;
}

export function read32(buffer: Uint8Array, offset: number): number {
  return (read16(buffer, offset) * 0x10000 + read16(buffer, offset + 2)) >>> 0;
}

/** Writes the low 16 bits of an integer of any size or sign. */
export function write16(buffer: Uint8Array, offset: number, value: number): void {
  buffer[offset] = value >>> 8;
  buffer[offset + 1] = value;
}

export function write24(buffer: Uint8Array, offset: number, value: number): void {
  buffer[offset] = value >>> 16;
  buffer[offset + 1] = value >>> 8;
  buffer[offset + 2] = value;
}

export function write32(buffer: Uint8Array, offset: number, value: number): void {
  buffer[offset] = value >>> 24;
  buffer[offset + 1] = value >>> 16;
  buffer[offset + 2] = value >>> 8;
  buffer[offset + 3] = value;
}
