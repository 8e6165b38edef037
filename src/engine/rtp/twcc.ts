import { read16, read24, write16, write24 } from './bytes.js';
import { RTCP_FORMAT, RTCP_TYPE } from './rtcp.js';
import { feedbackOf } from './rtcp-writer.js';
import { SequenceUnwrapper } from './sequence.js';

const TICK_US = 250;
const TICKS_PER_REFERENCE = 256;
const REFERENCE_US = TICK_US * TICKS_PER_REFERENCE;
/** Most statuses in one feedback packet: with two-byte deltas it still fits a datagram. */
const MAX_STATUSES = 450;
/** How many packets back arrivals are remembered; a power of two. */
const WINDOW = 4096;

const LOST = 0;
const SMALL = 1;
const LARGE = 2;

/**
 * The receiver's half of transport-wide congestion control (draft-holmer-rmcat-transport-wide-cc-extensions-01): remembers when
 * packets of one transport arrived and writes feedback about all that were not reported yet. Bounded: 4096 packets.
 */
export class TwccRecorder {
  /** Packets too far behind or ahead to be reported. */
  dropped = 0;

  readonly #senderSsrc: number;
  readonly #unwrapper = new SequenceUnwrapper();
  readonly #arrivalTicks = new Float64Array(WINDOW).fill(NaN);
  #base = 0;
  #highest = -1;
  #started = false;
  #feedbackCount = 0;
  #lastReference = 0;

  /** `senderSsrc` is the reporter's own. */
  constructor(senderSsrc: number) {
    this.#senderSsrc = senderSsrc;
  }

  /** Notes a packet. `transportSequence` is the 16-bit number of its header extension. Of duplicates the first counts. */
  record(transportSequence: number, arrivalUs: number): void {
    const sequence = this.#unwrapper.unwrap(transportSequence);
    if (!this.#started) {
      this.#started = true;
      this.#base = sequence;
      this.#highest = sequence - 1;
    }
    if (sequence <= this.#highest - WINDOW) {
      this.dropped++;
      return;
    }
    if (sequence > this.#highest) this.#advance(sequence);
    // One that was already reported as lost is reported again.
    else if (sequence < this.#base) this.#base = sequence;
    const slot = sequence & (WINDOW - 1);
    if (Number.isNaN(this.#arrivalTicks[slot]!)) this.#arrivalTicks[slot] = Math.floor(arrivalUs / TICK_US);
  }

  /** Feedback about everything since the last call: none, one, or several packets, each of at most some 1,100 bytes. */
  build(mediaSsrc: number): Buffer[] {
    const packets: Buffer[] = [];
    while (this.#base <= this.#highest) packets.push(this.#buildOne(mediaSsrc));
    return packets;
  }

  #advance(sequence: number): void {
    const from = Math.max(this.#highest + 1, sequence - WINDOW + 1);
    for (let at = from; at <= sequence; at++) this.#arrivalTicks[at & (WINDOW - 1)] = NaN;
    this.#highest = sequence;
    if (this.#base <= sequence - WINDOW) this.#base = sequence - WINDOW + 1;
  }

  #buildOne(mediaSsrc: number): Buffer {
    const base = this.#base;
    const symbols: number[] = [];
    const deltas: number[] = [];
    let reference = NaN;
    let last = 0;
    let deltaBytes = 0;
    for (let at = base; at <= this.#highest && symbols.length < MAX_STATUSES; at++) {
      const ticks = this.#arrivalTicks[at & (WINDOW - 1)]!;
      if (Number.isNaN(ticks)) {
        symbols.push(LOST);
        continue;
      }
      if (Number.isNaN(reference)) {
        reference = Math.floor(ticks / TICKS_PER_REFERENCE);
        last = reference * TICKS_PER_REFERENCE;
      }
      const delta = ticks - last;
      // Too far apart for 16 bits: the next packet has a reference time of its own.
      if (delta < -32768 || delta > 32767) break;
      const symbol = delta >= 0 && delta <= 255 ? SMALL : LARGE;
      symbols.push(symbol);
      deltas.push(delta);
      deltaBytes += symbol;
      last = ticks;
    }
    this.#base = base + symbols.length;
    const chunks = encodeChunks(symbols);
    const length = (20 + chunks.length * 2 + deltaBytes + 3) & ~3;
    const packet = feedbackOf(RTCP_TYPE.rtpFeedback, RTCP_FORMAT.twcc, length, this.#senderSsrc, mediaSsrc);
    write16(packet, 12, base);
    write16(packet, 14, symbols.length);
    if (!Number.isNaN(reference)) this.#lastReference = reference;
    write24(packet, 16, this.#lastReference % 0x1000000);
    packet[19] = this.#feedbackCount;
    this.#feedbackCount = (this.#feedbackCount + 1) & 0xff;
    chunks.forEach((chunk, index) => {
      write16(packet, 20 + index * 2, chunk);
    });
    writeDeltas(packet, 20 + chunks.length * 2, deltas);
    return packet;
  }
}

/** One feedback packet, decoded. */
export interface TwccFeedback {
  /** Counts the reporter's feedback packets, 8 bits. */
  readonly feedbackCount: number;
  /** 16 bits: entry `i` of `arrivalUs` is about transport sequence `(baseSequence + i) & 0xffff`. */
  readonly baseSequence: number;
  /**
   * Arrival by the reporter's clock, in microseconds, to 250 of them; NaN for a packet that has not arrived.
   * The clock wraps after 2^24 * 64 ms (12 days).
   */
  readonly arrivalUs: Float64Array;
}

/** Decodes a transport-wide feedback packet (`packet` of a `twcc` report). Undefined when it is malformed. */
export function parseTwccFeedback(packet: Uint8Array): TwccFeedback | undefined {
  if (packet.length < 20) return undefined;
  const statusCount = read16(packet, 14);
  const symbols = new Uint8Array(statusCount);
  let at = 20;
  for (let filled = 0; filled < statusCount; at += 2) {
    if (at + 2 > packet.length) return undefined;
    filled = decodeChunk(read16(packet, at), symbols, filled);
  }
  const arrivalUs = new Float64Array(statusCount).fill(NaN);
  let timeUs = read24(packet, 16) * REFERENCE_US;
  for (let i = 0; i < statusCount; i++) {
    const symbol = symbols[i]!;
    if (symbol !== SMALL && symbol !== LARGE) continue;
    if (at + symbol > packet.length) return undefined;
    timeUs += (symbol === SMALL ? packet[at]! : (read16(packet, at) << 16) >> 16) * TICK_US;
    at += symbol;
    arrivalUs[i] = timeUs;
  }
  return { feedbackCount: packet[19]!, baseSequence: read16(packet, 12), arrivalUs };
}

/** Run-length chunks where a run is long or the last, else vectors of 14 one-bit or 7 two-bit symbols. */
function encodeChunks(symbols: readonly number[]): number[] {
  const chunks: number[] = [];
  for (let at = 0; at < symbols.length;) {
    const symbol = symbols[at]!;
    let run = 1;
    while (run < 0x1fff && symbols[at + run] === symbol) run++;
    if (run >= 14 || at + run === symbols.length || (run >= 7 && symbol === LARGE)) {
      chunks.push((symbol << 13) | run);
      at += run;
      continue;
    }
    const oneBit = symbols.slice(at, at + 14).every((other) => other !== LARGE);
    const size = oneBit ? 14 : 7;
    let chunk = oneBit ? 0x8000 : 0xc000;
    for (let i = 0; i < size; i++) chunk |= (symbols[at + i] ?? LOST) << (oneBit ? 13 - i : 12 - 2 * i);
    chunks.push(chunk);
    at += size;
  }
  return chunks;
}

/** Fills `symbols` from `filled` on; returns how many are filled then. */
function decodeChunk(chunk: number, symbols: Uint8Array, filled: number): number {
  if ((chunk & 0x8000) === 0) {
    const end = Math.min(symbols.length, filled + (chunk & 0x1fff));
    symbols.fill((chunk >> 13) & 3, filled, end);
    return end;
  }
  const twoBit = (chunk & 0x4000) !== 0;
  const size = twoBit ? 7 : 14;
  for (let i = 0; i < size && filled < symbols.length; i++) {
    symbols[filled++] = twoBit ? (chunk >> (12 - 2 * i)) & 3 : (chunk >> (13 - i)) & 1;
  }
  return filled;
}

function writeDeltas(packet: Uint8Array, start: number, deltas: readonly number[]): void {
  let at = start;
  for (const delta of deltas) {
    if (delta >= 0 && delta <= 255) packet[at++] = delta;
    else {
      write16(packet, at, delta);
      at += 2;
    }
  }
}
