import { read16, read24, read32 } from './bytes.js';

/** RTCP packet types (second byte). */
export const RTCP_TYPE = {
  sr: 200,
  rr: 201,
  sdes: 202,
  bye: 203,
  rtpFeedback: 205,
  payloadFeedback: 206,
  xr: 207,
} as const;

/** Blocks of extended reports (RFC 3611, 4.4 and 4.5). */
export const XR_BLOCK = { referenceTime: 4, dlrr: 5 } as const;

/** Feedback formats (low five bits of the first byte) of the two feedback types. */
export const RTCP_FORMAT = { nack: 1, twcc: 15, pli: 1, fir: 4, remb: 15 } as const;

/** What a receiver tells about one SSRC (RFC 3550, 6.4.1). */
export interface ReportBlock {
  readonly ssrc: number;
  /** Lost since the last report, in 1/256. */
  readonly fractionLost: number;
  /** Lost since the beginning; negative when duplicates outnumber losses. 24 bits, signed. */
  readonly cumulativeLost: number;
  /** Cycles in the high 16 bits, highest sequence number in the low 16. */
  readonly highestSequence: number;
  /** Interarrival jitter in timestamp units. */
  readonly jitter: number;
  /** Middle 32 bits of the last SR's NTP time, 0 when there was none. */
  readonly lastSr: number;
  /** Time since that SR in 1/65536 s. */
  readonly delaySinceLastSr: number;
}

export interface SenderReport {
  readonly type: 'sr';
  readonly ssrc: number;
  readonly ntpSeconds: number;
  readonly ntpFraction: number;
  readonly rtpTimestamp: number;
  readonly packetCount: number;
  readonly octetCount: number;
  readonly blocks: readonly ReportBlock[];
}

export interface ReceiverReport {
  readonly type: 'rr';
  readonly ssrc: number;
  readonly blocks: readonly ReportBlock[];
}

/** Source descriptions; only CNAME items are kept. */
export interface SourceDescription {
  readonly type: 'sdes';
  readonly chunks: readonly { readonly ssrc: number; readonly cname: string }[];
}

export interface Bye {
  readonly type: 'bye';
  readonly ssrcs: readonly number[];
  readonly reason: string;
}

/** Retransmission requests (RFC 4585, 6.2.1), one sequence number each, in the order asked for. */
export interface Nack {
  readonly type: 'nack';
  readonly senderSsrc: number;
  readonly mediaSsrc: number;
  readonly sequenceNumbers: readonly number[];
}

export interface PictureLossIndication {
  readonly type: 'pli';
  readonly senderSsrc: number;
  readonly mediaSsrc: number;
}

/** Full intra requests (RFC 5104, 4.3.1); a repeated `sequenceNumber` (8 bits) is the same request. */
export interface FullIntraRequest {
  readonly type: 'fir';
  readonly senderSsrc: number;
  readonly entries: readonly { readonly ssrc: number; readonly sequenceNumber: number }[];
}

/** Receiver estimated maximum bitrate (draft-alvestrand-rmcat-remb-03). */
export interface Remb {
  readonly type: 'remb';
  readonly senderSsrc: number;
  readonly bitrateBps: number;
  readonly ssrcs: readonly number[];
}

/** Transport-wide feedback, not decoded yet: give `packet` to `parseTwccFeedback`. It is a view of the buffer that was parsed. */
export interface TwccReport {
  readonly type: 'twcc';
  readonly senderSsrc: number;
  readonly mediaSsrc: number;
  readonly packet: Uint8Array;
}

/** An extended report (RFC 3611) as far as round trips of receivers need it. */
export interface ExtendedReport {
  readonly type: 'xr';
  readonly ssrc: number;
  /** The middle 32 bits of the receiver's NTP time; it wants to hear them again. */
  readonly referenceTime?: number;
  /** Answers to such times. */
  readonly dlrr: readonly {
    /** Who had said it. */
    readonly ssrc: number;
    /** What was said; 0 when nothing was. */
    readonly lastRr: number;
    /** How long ago, in 1/65536 s. */
    readonly delaySinceLastRr: number;
  }[];
}

export type RtcpReport =
  | SenderReport
  | ReceiverReport
  | SourceDescription
  | Bye
  | Nack
  | PictureLossIndication
  | FullIntraRequest
  | Remb
  | TwccReport
  | ExtendedReport;

const BLOCK_LENGTH = 24;
const REMB_NAME = 0x52454d42;

/** The reports of a compound packet, in order. Never throws: what is unknown is skipped, and from the first lying length on, the rest is. */
export function parseRtcp(buffer: Uint8Array): RtcpReport[] {
  const reports: RtcpReport[] = [];
  let offset = 0;
  while (offset + 4 <= buffer.length && buffer[offset]! >> 6 === 2) {
    const end = offset + 4 + read16(buffer, offset + 2) * 4;
    if (end > buffer.length) break;
    const padded = (buffer[offset]! & 0x20) !== 0;
    const contentEnd = padded ? end - buffer[end - 1]! : end;
    if (contentEnd >= offset + 4) {
      const report = parseOne(buffer.subarray(offset, contentEnd));
      if (report) reports.push(report);
    }
    offset = end;
  }
  return reports;
}

function parseOne(packet: Uint8Array): RtcpReport | undefined {
  const count = packet[0]! & 0x1f;
  switch (packet[1]!) {
    case RTCP_TYPE.sr:
      return parseSenderReport(packet, count);
    case RTCP_TYPE.rr:
      if (packet.length < 8) return undefined;
      return { type: 'rr', ssrc: read32(packet, 4), blocks: parseBlocks(packet, 8, count) };
    case RTCP_TYPE.sdes:
      return parseSourceDescription(packet, count);
    case RTCP_TYPE.bye:
      return parseBye(packet, count);
    case RTCP_TYPE.rtpFeedback:
    case RTCP_TYPE.payloadFeedback:
      return packet.length < 12 ? undefined : parseFeedback(packet, packet[1], count);
    case RTCP_TYPE.xr:
      return packet.length < 8 ? undefined : parseExtended(packet);
    default:
      return undefined;
  }
}

function parseFeedback(packet: Uint8Array, packetType: number, format: number): RtcpReport | undefined {
  const senderSsrc = read32(packet, 4);
  const mediaSsrc = read32(packet, 8);
  if (packetType === RTCP_TYPE.rtpFeedback) {
    if (format === RTCP_FORMAT.nack)
      return { type: 'nack', senderSsrc, mediaSsrc, sequenceNumbers: parseNackItems(packet) };
    if (format === RTCP_FORMAT.twcc) return { type: 'twcc', senderSsrc, mediaSsrc, packet };
    return undefined;
  }
  if (format === RTCP_FORMAT.pli) return { type: 'pli', senderSsrc, mediaSsrc };
  if (format === RTCP_FORMAT.fir) return { type: 'fir', senderSsrc, entries: parseFirEntries(packet) };
  if (format === RTCP_FORMAT.remb) return parseRemb(packet, senderSsrc);
  return undefined;
}

function parseSenderReport(packet: Uint8Array, count: number): SenderReport | undefined {
  if (packet.length < 28) return undefined;
  return {
    type: 'sr',
    ssrc: read32(packet, 4),
    ntpSeconds: read32(packet, 8),
    ntpFraction: read32(packet, 12),
    rtpTimestamp: read32(packet, 16),
    packetCount: read32(packet, 20),
    octetCount: read32(packet, 24),
    blocks: parseBlocks(packet, 28, count),
  };
}

function parseBlocks(packet: Uint8Array, start: number, count: number): ReportBlock[] {
  const blocks: ReportBlock[] = [];
  for (let at = start; blocks.length < count && at + BLOCK_LENGTH <= packet.length; at += BLOCK_LENGTH) {
    blocks.push({
      ssrc: read32(packet, at),
      fractionLost: packet[at + 4]!,
      cumulativeLost: (read24(packet, at + 5) << 8) >> 8,
      highestSequence: read32(packet, at + 8),
      jitter: read32(packet, at + 12),
      lastSr: read32(packet, at + 16),
      delaySinceLastSr: read32(packet, at + 20),
    });
  }
  return blocks;
}

function parseExtended(packet: Uint8Array): ExtendedReport {
  let referenceTime: number | undefined;
  const dlrr: ExtendedReport['dlrr'][number][] = [];
  for (let at = 8; at + 4 <= packet.length;) {
    const end = at + 4 + read16(packet, at + 2) * 4;
    if (end > packet.length) break;
    if (packet[at] === XR_BLOCK.referenceTime && end >= at + 12) referenceTime = read32(packet, at + 6);
    if (packet[at] === XR_BLOCK.dlrr) {
      for (let item = at + 4; item + 12 <= end; item += 12)
        dlrr.push({
          ssrc: read32(packet, item),
          lastRr: read32(packet, item + 4),
          delaySinceLastRr: read32(packet, item + 8),
        });
    }
    at = end;
  }
  return { type: 'xr', ssrc: read32(packet, 4), ...(referenceTime !== undefined && { referenceTime }), dlrr };
}

function parseSourceDescription(packet: Uint8Array, count: number): SourceDescription {
  const chunks: { ssrc: number; cname: string }[] = [];
  let at = 4;
  for (let chunk = 0; chunk < count && at + 4 <= packet.length; chunk++) {
    const ssrc = read32(packet, at);
    at += 4;
    while (at < packet.length && packet[at] !== 0) {
      const length = packet[at + 1] ?? 0;
      if (at + 2 + length > packet.length) return { type: 'sdes', chunks };
      if (packet[at] === 1) chunks.push({ ssrc, cname: text(packet, at + 2, length) });
      at += 2 + length;
    }
    // A chunk ends with one to four zeros, at a multiple of four.
    at = (at + 4) & ~3;
  }
  return { type: 'sdes', chunks };
}

function parseBye(packet: Uint8Array, count: number): Bye {
  const ssrcs: number[] = [];
  let at = 4;
  for (; ssrcs.length < count && at + 4 <= packet.length; at += 4) ssrcs.push(read32(packet, at));
  const length = packet[at] ?? 0;
  const reason = at + 1 + length <= packet.length ? text(packet, at + 1, length) : '';
  return { type: 'bye', ssrcs, reason };
}

function parseNackItems(packet: Uint8Array): number[] {
  const sequenceNumbers: number[] = [];
  for (let at = 12; at + 4 <= packet.length; at += 4) {
    const first = read16(packet, at);
    sequenceNumbers.push(first);
    const mask = read16(packet, at + 2);
    for (let bit = 0; bit < 16; bit++) if (mask & (1 << bit)) sequenceNumbers.push((first + bit + 1) & 0xffff);
  }
  return sequenceNumbers;
}

function parseFirEntries(packet: Uint8Array): FullIntraRequest['entries'] {
  const entries: { ssrc: number; sequenceNumber: number }[] = [];
  for (let at = 12; at + 8 <= packet.length; at += 8) {
    entries.push({ ssrc: read32(packet, at), sequenceNumber: packet[at + 4]! });
  }
  return entries;
}

function parseRemb(packet: Uint8Array, senderSsrc: number): Remb | undefined {
  if (packet.length < 20 || read32(packet, 12) !== REMB_NAME) return undefined;
  const exponent = packet[17]! >> 2;
  const mantissa = read24(packet, 17) & 0x3ffff;
  const ssrcs: number[] = [];
  for (let at = 20; ssrcs.length < packet[16]! && at + 4 <= packet.length; at += 4) ssrcs.push(read32(packet, at));
  return { type: 'remb', senderSsrc, bitrateBps: mantissa * 2 ** exponent, ssrcs };
}

function text(packet: Uint8Array, offset: number, length: number): string {
  return Buffer.from(packet.buffer, packet.byteOffset + offset, length).toString('utf8');
}
