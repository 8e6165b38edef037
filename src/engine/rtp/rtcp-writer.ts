import { write16, write24, write32 } from './bytes.js';
import { ntpFraction, ntpSeconds } from './ntp.js';
import { RTCP_FORMAT, RTCP_TYPE, type ReportBlock, XR_BLOCK } from './rtcp.js';
import { sequenceDifference } from './sequence.js';

const MAX_BLOCKS = 31;
const BLOCK_LENGTH = 24;

export interface SenderReportFields {
  readonly ssrc: number;
  /** Microseconds since 1900, see ntp.ts. */
  readonly ntpUs: number;
  /** The media time of that moment, in the units of the payload's clock. */
  readonly rtpTimestamp: number;
  readonly packetCount: number;
  readonly octetCount: number;
}

/** A sender report. Blocks beyond 31 go into receiver reports behind it. */
export function writeSenderReport(fields: SenderReportFields, blocks: readonly ReportBlock[] = []): Buffer {
  const first = blocks.slice(0, MAX_BLOCKS);
  const packet = packetOf(RTCP_TYPE.sr, first.length, 28 + first.length * BLOCK_LENGTH);
  write32(packet, 4, fields.ssrc);
  write32(packet, 8, ntpSeconds(fields.ntpUs));
  write32(packet, 12, ntpFraction(fields.ntpUs));
  write32(packet, 16, fields.rtpTimestamp);
  write32(packet, 20, fields.packetCount);
  write32(packet, 24, fields.octetCount);
  writeBlocks(packet, 28, first);
  const rest = blocks.slice(MAX_BLOCKS);
  return rest.length === 0 ? packet : writeCompound([packet, writeReceiverReport(fields.ssrc, rest)]);
}

/** A receiver report, or several of at most 31 blocks each. `ssrc` is the reporter's own. */
export function writeReceiverReport(ssrc: number, blocks: readonly ReportBlock[] = []): Buffer {
  const first = blocks.slice(0, MAX_BLOCKS);
  const packet = packetOf(RTCP_TYPE.rr, first.length, 8 + first.length * BLOCK_LENGTH);
  write32(packet, 4, ssrc);
  writeBlocks(packet, 8, first);
  const rest = blocks.slice(MAX_BLOCKS);
  return rest.length === 0 ? packet : writeCompound([packet, writeReceiverReport(ssrc, rest)]);
}

/** A source description with the CNAME of one source; `cname` of at most 255 bytes, longer ones are cut. */
export function writeSourceDescription(ssrc: number, cname: string): Buffer {
  const name = Buffer.from(cname).subarray(0, 255);
  // At least one zero ends the list of items.
  const packet = packetOf(RTCP_TYPE.sdes, 1, (4 + 4 + 2 + name.length + 4) & ~3);
  write32(packet, 4, ssrc);
  packet[8] = 1;
  packet[9] = name.length;
  packet.set(name, 10);
  return packet;
}

/** Says that sources end; at most 31 of them. */
export function writeBye(ssrcs: readonly number[], reason = ''): Buffer {
  const sources = ssrcs.slice(0, MAX_BLOCKS);
  const why = Buffer.from(reason).subarray(0, 255);
  const whyLength = why.length === 0 ? 0 : (1 + why.length + 3) & ~3;
  const packet = packetOf(RTCP_TYPE.bye, sources.length, 4 + sources.length * 4 + whyLength);
  sources.forEach((ssrc, index) => {
    write32(packet, 4 + index * 4, ssrc);
  });
  if (whyLength > 0) {
    packet[4 + sources.length * 4] = why.length;
    packet.set(why, 5 + sources.length * 4);
  }
  return packet;
}

/**
 * Asks for retransmission. Sequence numbers of any size (the low 16 bits count), ascending for the best packing:
 * an item holds a number and up to 16 that follow it. 4 bytes an item, so keep the list within a few hundred.
 */
export function writeNack(senderSsrc: number, mediaSsrc: number, sequenceNumbers: readonly number[]): Buffer {
  const items: number[] = [];
  for (const value of sequenceNumbers) {
    const sequenceNumber = value & 0xffff;
    const last = items.length - 2;
    const ahead = last < 0 ? 0 : sequenceDifference(sequenceNumber, items[last]!);
    if (last >= 0 && ahead === 0) continue;
    if (ahead >= 1 && ahead <= 16) items[last + 1] = items[last + 1]! | (1 << (ahead - 1));
    else items.push(sequenceNumber, 0);
  }
  const packet = feedbackOf(RTCP_TYPE.rtpFeedback, RTCP_FORMAT.nack, 12 + items.length * 2, senderSsrc, mediaSsrc);
  items.forEach((word, index) => {
    write16(packet, 12 + index * 2, word);
  });
  return packet;
}

/** A receiver's time, which senders repeat in a DLRR block (RFC 3611, 4.4). `ntpUs`: microseconds since 1900, see ntp.ts. */
export function writeReferenceTime(ssrc: number, ntpUs: number): Buffer {
  const packet = packetOf(RTCP_TYPE.xr, 0, 20);
  write32(packet, 4, ssrc);
  packet[8] = XR_BLOCK.referenceTime;
  write16(packet, 10, 2);
  write32(packet, 12, ntpSeconds(ntpUs));
  write32(packet, 16, ntpFraction(ntpUs));
  return packet;
}

/** The answer to a receiver's time (RFC 3611, 4.5). `lastRr` is the middle of that time, `delaySinceLastRr` in 1/65536 s. */
export function writeDlrr(ssrc: number, receiverSsrc: number, lastRr: number, delaySinceLastRr: number): Buffer {
  const packet = packetOf(RTCP_TYPE.xr, 0, 24);
  write32(packet, 4, ssrc);
  packet[8] = XR_BLOCK.dlrr;
  write16(packet, 10, 3);
  write32(packet, 12, receiverSsrc);
  write32(packet, 16, lastRr);
  write32(packet, 20, delaySinceLastRr);
  return packet;
}

/** Asks for a key frame (RFC 4585, 6.3.1). */
export function writePli(senderSsrc: number, mediaSsrc: number): Buffer {
  return feedbackOf(RTCP_TYPE.payloadFeedback, RTCP_FORMAT.pli, 12, senderSsrc, mediaSsrc);
}

/** Asks for a key frame (RFC 5104, 4.3.1). `sequenceNumber`, 8 bits, grows with every new request, not with its repetition. */
export function writeFir(senderSsrc: number, mediaSsrc: number, sequenceNumber: number): Buffer {
  const packet = feedbackOf(RTCP_TYPE.payloadFeedback, RTCP_FORMAT.fir, 20, senderSsrc, 0);
  write32(packet, 12, mediaSsrc);
  packet[16] = sequenceNumber;
  return packet;
}

/** Caps what a sender sends, over all `ssrcs` together. The value is rounded down to 18 significant bits. */
export function writeRemb(senderSsrc: number, bitrateBps: number, ssrcs: readonly number[]): Buffer {
  const sources = ssrcs.slice(0, 255);
  const packet = feedbackOf(RTCP_TYPE.payloadFeedback, RTCP_FORMAT.remb, 20 + sources.length * 4, senderSsrc, 0);
  let mantissa = Math.max(0, Math.floor(bitrateBps));
  let exponent = 0;
  for (; mantissa > 0x3ffff && exponent < 63; exponent++) mantissa = Math.floor(mantissa / 2);
  packet.write('REMB', 12, 'latin1');
  packet[16] = sources.length;
  write24(packet, 17, (exponent << 18) | mantissa);
  sources.forEach((ssrc, index) => {
    write32(packet, 20 + index * 4, ssrc);
  });
  return packet;
}

/** One datagram of several packets. RFC 3550 wants an SR or RR first and a CNAME in it, unless reduced size was negotiated. */
export function writeCompound(packets: readonly Uint8Array[]): Buffer {
  return Buffer.concat(packets);
}

/** A feedback packet with its three fixed words (RFC 4585, 6.1); the rest is zero. `length` in bytes, a multiple of four. */
export function feedbackOf(
  packetType: number,
  format: number,
  length: number,
  senderSsrc: number,
  mediaSsrc: number,
): Buffer {
  const packet = packetOf(packetType, format, length);
  write32(packet, 4, senderSsrc);
  write32(packet, 8, mediaSsrc);
  return packet;
}

function packetOf(packetType: number, count: number, length: number): Buffer {
  const packet = Buffer.alloc(length);
  packet[0] = 0x80 | count;
  packet[1] = packetType;
  write16(packet, 2, length / 4 - 1);
  return packet;
}

function writeBlocks(packet: Uint8Array, start: number, blocks: readonly ReportBlock[]): void {
  blocks.forEach((block, index) => {
    const at = start + index * BLOCK_LENGTH;
    write32(packet, at, block.ssrc);
    packet[at + 4] = block.fractionLost;
    write24(packet, at + 5, Math.min(0x7fffff, Math.max(-0x800000, block.cumulativeLost)));
    write32(packet, at + 8, block.highestSequence);
    write32(packet, at + 12, block.jitter);
    write32(packet, at + 16, block.lastSr);
    write32(packet, at + 20, block.delaySinceLastSr);
  });
}
