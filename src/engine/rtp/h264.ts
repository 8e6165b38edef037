import { read16, write16 } from './bytes.js';
import type { Packetizer } from './packetizer.js';

/** NAL unit types (RFC 6184, 5.2). */
const NAL_TYPE = { slice: 1, idr: 5, sei: 6, sps: 7, pps: 8, delimiter: 9, stapA: 24, fuA: 28 } as const;

/** What an RTP payload begins or holds, as far as an assembler has to know. */
export interface H264PayloadInfo {
  /** It holds, or begins, a slice of an IDR picture. */
  readonly idr: boolean;
  readonly sps: boolean;
  /** False for a fragment that goes on with a NAL unit begun earlier. */
  readonly nalStart: boolean;
}

/** The NAL units of an Annex B stream, as views without their start codes; start codes of three and four bytes. */
export function splitAnnexB(data: Uint8Array): Uint8Array[] {
  const units: Uint8Array[] = [];
  let start = -1;
  for (let at = nextStartCode(data, 0); at !== -1; at = nextStartCode(data, start)) {
    if (start !== -1) addUnit(units, data, start, at);
    start = at + 3;
  }
  if (start !== -1) addUnit(units, data, start, data.length);
  return units;
}

/** True when an Annex B access unit holds an IDR picture. */
export function isH264KeyFrame(data: Uint8Array): boolean {
  for (let at = nextStartCode(data, 0); at !== -1; at = nextStartCode(data, at + 3)) {
    if ((data[at + 3]! & 0x1f) === NAL_TYPE.idr) return true;
  }
  return false;
}

/** Looks into an RTP payload; undefined for an empty or malformed one, or a packet type of other packetization modes. */
export function inspectH264(payload: Uint8Array): H264PayloadInfo | undefined {
  const type = payload.length === 0 ? 0 : payload[0]! & 0x1f;
  if (type === 0 || type > 28) return undefined;
  if (type === NAL_TYPE.fuA) {
    if (payload.length < 3) return undefined;
    const inner = payload[1]! & 0x1f;
    return { idr: inner === NAL_TYPE.idr, sps: inner === NAL_TYPE.sps, nalStart: (payload[1]! & 0x80) !== 0 };
  }
  if (type !== NAL_TYPE.stapA)
    return type < 24 ? { idr: type === NAL_TYPE.idr, sps: type === NAL_TYPE.sps, nalStart: true } : undefined;
  let idr = false;
  let sps = false;
  for (let at = 1; at < payload.length;) {
    const end = stapUnitEnd(payload, at);
    if (end === -1) return undefined;
    const inner = payload[at + 2]! & 0x1f;
    idr ||= inner === NAL_TYPE.idr;
    sps ||= inner === NAL_TYPE.sps;
    at = end;
  }
  return { idr, sps, nalStart: true };
}

interface Fragment {
  /** The units `first` to `last`: one alone, several aggregated, or one's bytes from `start` to `end`. */
  readonly first: number;
  readonly last: number;
  readonly start: number;
  readonly end: number;
}

/** Annex B access units into payloads of packetization mode 1: single units, small ones together (STAP-A), large ones cut (FU-A). */
export class H264Packetizer implements Packetizer {
  #units: Uint8Array[] = [];
  #fragments: Fragment[] = [];

  begin(frame: Uint8Array, maxPayload: number): number {
    // Delimiters say nothing that the marker bit and the timestamp do not say.
    this.#units = splitAnnexB(frame).filter((unit) => (unit[0]! & 0x1f) !== NAL_TYPE.delimiter);
    this.#fragments = [];
    for (let at = 0; at < this.#units.length;) at = this.#plan(at, maxPayload);
    return this.#fragments.length;
  }

  length(index: number): number {
    const { first, last, start, end } = this.#fragments[index]!;
    if (end > 0) return 2 + end - start;
    if (first === last) return this.#units[first]!.length;
    let length = 1;
    for (let at = first; at <= last; at++) length += 2 + this.#units[at]!.length;
    return length;
  }

  write(index: number, target: Uint8Array, offset: number): void {
    const { first, last, start, end } = this.#fragments[index]!;
    const unit = this.#units[first]!;
    if (end > 0) {
      target[offset] = (unit[0]! & 0xe0) | NAL_TYPE.fuA;
      target[offset + 1] = (start === 1 ? 0x80 : 0) | (end === unit.length ? 0x40 : 0) | (unit[0]! & 0x1f);
      target.set(unit.subarray(start, end), offset + 2);
    } else if (first === last) target.set(unit, offset);
    else this.#writeAggregate(first, last, target, offset);
  }

  /** Plans the unit at `at`, with others if they fit; returns the first one not planned. */
  #plan(at: number, maxPayload: number): number {
    const unit = this.#units[at]!;
    if (unit.length > maxPayload) {
      // The header byte goes into the two bytes in front of each part; parts of about equal size.
      const bytes = unit.length - 1;
      const count = Math.ceil(bytes / Math.max(1, maxPayload - 2));
      for (let i = 0; i < count; i++) {
        const start = 1 + Math.floor((bytes * i) / count);
        this.#fragments.push({ first: at, last: at, start, end: 1 + Math.floor((bytes * (i + 1)) / count) });
      }
      return at + 1;
    }
    let last = at;
    let length = 1 + 2 + unit.length;
    while (last + 1 < this.#units.length && length + 2 + this.#units[last + 1]!.length <= maxPayload) {
      length += 2 + this.#units[++last]!.length;
    }
    this.#fragments.push({ first: at, last, start: 0, end: 0 });
    return last + 1;
  }

  #writeAggregate(first: number, last: number, target: Uint8Array, offset: number): void {
    let header = 0;
    let at = offset + 1;
    for (let index = first; index <= last; index++) {
      const unit = this.#units[index]!;
      // F is or-ed, NRI is the highest of all (RFC 6184, 5.7.1).
      header = (header & 0x80) | (unit[0]! & 0x80) | Math.max(header & 0x60, unit[0]! & 0x60);
      write16(target, at, unit.length);
      target.set(unit, at + 2);
      at += 2 + unit.length;
    }
    target[offset] = header | NAL_TYPE.stapA;
  }
}

/**
 * RTP payloads back into Annex B. Remembers the parameter sets, and puts them in front of a key picture that comes without
 * (senders may send them once only).
 */
export class H264Depacketizer {
  #sps: Uint8Array | undefined;
  #pps: Uint8Array | undefined;

  /** All payloads of one access unit, in order. A buffer of its own memory, or undefined when they do not fit together. */
  join(payloads: readonly Uint8Array[]): Buffer | undefined {
    const parts: Uint8Array[] = [];
    let open = false;
    for (const payload of payloads) {
      const info = inspectH264(payload);
      if (!info || (open && info.nalStart)) return undefined;
      const type = payload[0]! & 0x1f;
      if (type === NAL_TYPE.fuA) {
        if (info.nalStart) parts.push(START_CODE, Uint8Array.of((payload[0]! & 0xe0) | (payload[1]! & 0x1f)));
        else if (!open) return undefined;
        parts.push(payload.subarray(2));
        open = (payload[1]! & 0x40) === 0;
      } else if (type === NAL_TYPE.stapA) {
        for (let at = 1; at < payload.length; at = stapUnitEnd(payload, at)) {
          parts.push(START_CODE, payload.subarray(at + 2, stapUnitEnd(payload, at)));
        }
      } else parts.push(START_CODE, payload);
    }
    return open || parts.length === 0 ? undefined : concat(this.#withParameterSets(parts));
  }

  #withParameterSets(parts: readonly Uint8Array[]): readonly Uint8Array[] {
    const units = parts.filter((_, index) => parts[index - 1] === START_CODE);
    const first = (type: number) => units.find((unit) => (unit[0]! & 0x1f) === type);
    const sps = first(NAL_TYPE.sps);
    const pps = first(NAL_TYPE.pps);
    // Copies: the packet's memory is not to be held for as long as the stream lives.
    if (sps) this.#sps = Uint8Array.from(sps);
    if (pps) this.#pps = Uint8Array.from(pps);
    if (!first(NAL_TYPE.idr)) return parts;
    const front: Uint8Array[] = [];
    if (!sps && this.#sps) front.push(START_CODE, this.#sps);
    if (!pps && this.#pps) front.push(START_CODE, this.#pps);
    return [...front, ...parts];
  }
}

const START_CODE = Uint8Array.of(0, 0, 0, 1);

function concat(parts: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Where the unit at `at` of a STAP-A ends; -1 when its length lies. */
function stapUnitEnd(payload: Uint8Array, at: number): number {
  if (at + 3 > payload.length) return -1;
  const length = read16(payload, at);
  return length === 0 || at + 2 + length > payload.length ? -1 : at + 2 + length;
}

/** Where the next 0, 0, 1 stands; -1 when there is none with a byte behind it. */
function nextStartCode(data: Uint8Array, from: number): number {
  for (let at = data.indexOf(1, from + 2); at !== -1 && at + 1 < data.length; at = data.indexOf(1, at + 1)) {
    if (data[at - 1] === 0 && data[at - 2] === 0) return at - 2;
  }
  return -1;
}

function addUnit(units: Uint8Array[], data: Uint8Array, start: number, limit: number): void {
  let end = limit;
  // The fourth byte of the next start code, and zeros that only fill up.
  while (end > start && data[end - 1] === 0) end--;
  if (end > start) units.push(data.subarray(start, end));
}
