import { EXTENSION_URIS } from '../rtp/header-extensions.js';
import { type ExtensionIds, type ExtensionName, extensionIds } from './extensions.js';
import {
  type CodecParameters,
  FORWARDED_CODECS,
  type FormatParameters,
  type ForwardedCodec,
  type MediaSection,
  type Msid,
  type SessionDescription,
  receives,
  retransmittedBy,
  rtxPayloadTypeOf,
  sends,
} from './media-section.js';
import { type OpusFormat, readOpusFormat } from './opus-format.js';
import { invalidSdp } from './sdp-text.js';

/** One codec that both sides agreed on. */
export interface NegotiatedCodec {
  readonly name: ForwardedCodec;
  readonly payloadType: number;
  /** Payload type of its retransmissions, where they were agreed on. */
  readonly rtxPayloadType?: number;
  /** Hz. */
  readonly clockRate: number;
  /** As the receiver asks for it. */
  readonly fmtp: FormatParameters;
  /** What the receiver will send: `nack`, `nack pli`, `ccm fir`, `goog-remb`, `transport-cc`. */
  readonly feedback: readonly string[];
}

/** What the offering side needs to send one of its sections. */
export interface SentSection {
  readonly mid: string;
  readonly kind: 'audio' | 'video';
  /** The other side takes it: something may be sent. */
  readonly accepted: boolean;
  /** The receiver's best first; empty when the section is refused. */
  readonly codecs: readonly NegotiatedCodec[];
  readonly extensions: ExtensionIds;
  /** The simulcast layers that the receiver takes; empty when it takes one stream only. */
  readonly rids: readonly string[];
  /** What the receiver asks of Opus; all false for video. */
  readonly opus: Required<Omit<OpusFormat, 'maxAverageBitrate'>>;
}

/** What the answering side needs to receive one section. */
export interface ReceivedSection {
  readonly mid: string;
  readonly kind: 'audio' | 'video';
  /** False while the other side sends nothing in it, and when it was refused. */
  readonly active: boolean;
  /** By payload type; retransmissions are in `rtx`. */
  readonly codecs: ReadonlyMap<number, NegotiatedCodec>;
  /** Payload type of retransmissions to the payload type that they repeat. */
  readonly rtx: ReadonlyMap<number, number>;
  readonly extensions: ExtensionIds;
  readonly msid?: Msid;
  /** Simulcast layers as their sender lists them; empty without simulcast. */
  readonly rids: readonly string[];
  /** SSRCs of media that the offer names; there may be others, known by mid and rid only. */
  readonly ssrcs: readonly number[];
  /** SSRC of retransmissions to the SSRC that they repeat, as far as the offer names them (FID). */
  readonly rtxSsrcs: ReadonlyMap<number, number>;
}

/**
 * The sections that the offering side wants to send, by mid, also those that were refused.
 * Errors: SLUICE_SDP_INVALID (the answer does not belong to the offer).
 */
export function negotiateSent(offer: SessionDescription, answer: SessionDescription): Map<string, SentSection> {
  const sections = new Map<string, SentSection>();
  for (const [offered, answered] of pairs(offer, answer)) {
    const { mid, kind } = offered;
    if (kind === 'application' || !sends(offered)) continue;
    const accepted = receives(answered);
    const codecs = accepted ? agreedCodecs(offered, answered) : [];
    const [best] = codecs;
    sections.set(mid, {
      mid,
      kind,
      accepted: accepted && codecs.length > 0,
      codecs,
      extensions: accepted ? agreedExtensions(offered, answered) : {},
      rids: accepted ? agreedLayers(offered, answered) : [],
      opus: readOpusFormat(best?.name === 'opus' ? best.fmtp : {}),
    });
  }
  return sections;
}

/**
 * The audio and video sections that were not refused, as the answering side receives them, by mid.
 * Errors: SLUICE_SDP_INVALID (the answer does not belong to the offer).
 */
export function negotiateReceived(offer: SessionDescription, answer: SessionDescription): Map<string, ReceivedSection> {
  const sections = new Map<string, ReceivedSection>();
  for (const [offered, answered] of pairs(offer, answer)) {
    const { mid, kind, msid } = offered;
    if (kind === 'application' || offered.rejected || answered.rejected) continue;
    const codecs = agreedCodecs(offered, answered);
    const rtxSsrcs = retransmittedSsrcs(offered);
    sections.set(mid, {
      mid,
      kind,
      active: sends(offered) && receives(answered),
      codecs: new Map(codecs.map((codec) => [codec.payloadType, codec])),
      rtx: rtxPayloadTypes(codecs),
      extensions: agreedExtensions(offered, answered),
      ...(msid && { msid }),
      rids: answered.rids.filter((rid) => rid.direction === 'recv').map((rid) => rid.id),
      ssrcs: offered.ssrcs.map((entry) => entry.ssrc).filter((ssrc) => !rtxSsrcs.has(ssrc)),
      rtxSsrcs,
    });
  }
  return sections;
}

/** RFC 3264, section 6: an answer has the m-lines of its offer, in the same order. */
function pairs(offer: SessionDescription, answer: SessionDescription): [MediaSection, MediaSection][] {
  if (offer.sections.length !== answer.sections.length) {
    throw invalidSdp(`the answer has ${answer.sections.length} m-lines, its offer ${offer.sections.length}`);
  }
  return offer.sections.map((offered, index) => {
    const answered = answer.sections[index];
    if (answered?.mid !== offered.mid || answered.kind !== offered.kind) {
      throw invalidSdp(
        `m-line ${index + 1} of the answer is not that of its offer (${offered.kind}, mid "${offered.mid}")`,
      );
    }
    return [offered, answered];
  });
}

/** Codecs of both, in the answer's order and with its payload types, which are those of the offer. */
function agreedCodecs(offered: MediaSection, answered: MediaSection): NegotiatedCodec[] {
  const codecs: NegotiatedCodec[] = [];
  for (const codec of answered.codecs) {
    const same = offered.codecs.find((one) => one.payloadType === codec.payloadType && one.name === codec.name);
    if (!same || !isForwarded(codec)) continue;
    const rtx = rtxPayloadTypeOf(answered.codecs, codec.payloadType);
    const rtxAgreed = rtx !== undefined && rtxPayloadTypeOf(offered.codecs, codec.payloadType) === rtx;
    codecs.push({
      name: codec.name,
      payloadType: codec.payloadType,
      ...(rtxAgreed && { rtxPayloadType: rtx }),
      clockRate: codec.clockRate,
      fmtp: codec.fmtp,
      feedback: codec.feedback.filter((line) => same.feedback.includes(line)),
    });
  }
  return codecs;
}

function isForwarded(codec: CodecParameters): codec is CodecParameters & { readonly name: ForwardedCodec } {
  return retransmittedBy(codec) === undefined && (FORWARDED_CODECS as readonly string[]).includes(codec.name);
}

function rtxPayloadTypes(codecs: readonly NegotiatedCodec[]): Map<number, number> {
  const map = new Map<number, number>();
  for (const { payloadType, rtxPayloadType } of codecs) {
    if (rtxPayloadType !== undefined) map.set(rtxPayloadType, payloadType);
  }
  return map;
}

function agreedExtensions(offered: MediaSection, answered: MediaSection): ExtensionIds {
  const known = extensionIds(answered.extensions);
  const agreed: { [name in ExtensionName]?: number } = {};
  for (const name of Object.keys(EXTENSION_URIS) as ExtensionName[]) {
    const id = known[name];
    const uri = EXTENSION_URIS[name];
    if (id !== undefined && offered.extensions.some((one) => one.uri === uri && one.id === id)) agreed[name] = id;
  }
  return agreed;
}

/** RFC 8853, section 5.3.3: of the layers that were offered, those that the answer receives. */
function agreedLayers(offered: MediaSection, answered: MediaSection): string[] {
  const taken = answered.simulcast?.recv;
  const offeredRids = offered.rids.filter((rid) => rid.direction === 'send').map((rid) => rid.id);
  return offeredRids.filter((id) => taken?.includes(id) && answered.rids.some((rid) => rid.id === id));
}

function retransmittedSsrcs(section: MediaSection): Map<number, number> {
  const map = new Map<number, number>();
  for (const { semantics, ssrcs } of section.ssrcGroups) {
    const [media, rtx] = ssrcs;
    if (semantics === 'FID' && media !== undefined && rtx !== undefined) map.set(rtx, media);
  }
  return map;
}
