import type { HeaderExtension } from './extensions.js';
import type { TransportDescription } from './transport-description.js';

export type SectionKind = 'audio' | 'video' | 'application';
export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** The codecs that sluice carries. */
export const FORWARDED_CODECS = ['opus', 'vp8', 'h264'] as const;
export type ForwardedCodec = (typeof FORWARDED_CODECS)[number];

/** `a=fmtp` parameters; names in lower case, '' for one without a value. */
export type FormatParameters = Readonly<Record<string, string>>;

/** One payload type: `a=rtpmap`, `a=fmtp` and `a=rtcp-fb`. */
export interface CodecParameters {
  /** 0 to 127. */
  readonly payloadType: number;
  /** Lower case: `opus`, `vp8`, `h264`, `rtx`, … */
  readonly name: string;
  /** Hz. */
  readonly clockRate: number;
  readonly channels?: number;
  readonly fmtp: FormatParameters;
  /** Such as `nack`, `nack pli`, `ccm fir`, `goog-remb`, `transport-cc`. */
  readonly feedback: readonly string[];
}

/** `a=msid` (RFC 8830). */
export interface Msid {
  readonly streamId: string;
  /** '' where the line has no track part. */
  readonly trackId: string;
}

/** `a=rid` (RFC 8851), without restrictions. */
export interface Rid {
  readonly id: string;
  readonly direction: 'send' | 'recv';
}

/** `a=simulcast` (RFC 8853): rids, lowest layer wherever its writer put it; of alternatives the first, paused ones too. */
export interface Simulcast {
  readonly send?: readonly string[];
  readonly recv?: readonly string[];
}

export interface SsrcEntry {
  readonly ssrc: number;
  readonly cname?: string;
}

/** `a=ssrc-group` (RFC 5576), such as FID: a stream and its retransmissions. */
export interface SsrcGroup {
  readonly semantics: string;
  readonly ssrcs: readonly number[];
}

/** One m-line and its attributes, but for those of the transport. */
export interface MediaSection {
  readonly mid: string;
  readonly kind: SectionKind;
  readonly direction: Direction;
  /** In the order of the m-line: best first. Payload types without an `a=rtpmap` are left out. */
  readonly codecs: readonly CodecParameters[];
  readonly extensions: readonly HeaderExtension[];
  readonly msid?: Msid;
  readonly rids: readonly Rid[];
  readonly simulcast?: Simulcast;
  readonly ssrcs: readonly SsrcEntry[];
  readonly ssrcGroups: readonly SsrcGroup[];
  /** Refused or stopped: port 0 on the wire. */
  readonly rejected: boolean;
}

/** A whole description: sections that share one transport (BUNDLE). */
export interface SessionDescription {
  /** Decimal; the same in all descriptions of one side. */
  readonly sessionId: string;
  /** Goes up by one with each changed description of one side. */
  readonly sessionVersion: number;
  /** Its `dataChannel` is there when a section of kind `application` is not rejected. */
  readonly transport: TransportDescription;
  readonly sections: readonly MediaSection[];
  /** One-byte and two-byte header extensions may be mixed (RFC 8285, section 6). */
  readonly extmapAllowMixed: boolean;
}

/** The payload type that retransmits `payloadType` (RFC 4588), if there is one. */
export function rtxPayloadTypeOf(codecs: readonly CodecParameters[], payloadType: number): number | undefined {
  return codecs.find((codec) => retransmittedBy(codec) === payloadType)?.payloadType;
}

/** The payload type that an `rtx` codec retransmits; undefined for any other codec. */
export function retransmittedBy(codec: CodecParameters): number | undefined {
  const { apt } = codec.fmtp;
  return codec.name === 'rtx' && apt !== undefined && /^\d{1,3}$/.test(apt) ? Number(apt) : undefined;
}

/** Whether the writer of the section sends media in it. */
export function sends(section: MediaSection): boolean {
  return !section.rejected && (section.direction === 'sendonly' || section.direction === 'sendrecv');
}

/** Whether the writer of the section takes media in it. */
export function receives(section: MediaSection): boolean {
  return !section.rejected && (section.direction === 'recvonly' || section.direction === 'sendrecv');
}
