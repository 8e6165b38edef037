import type { MediaDescription } from 'sdp-transform';
import type { HeaderExtension } from './extensions.js';
import type {
  CodecParameters,
  Direction,
  FormatParameters,
  MediaSection,
  Msid,
  Rid,
  SectionKind,
  SessionDescription,
  Simulcast,
  SsrcEntry,
  SsrcGroup,
} from './media-section.js';
import {
  type SdpSection,
  type SdpText,
  attributeValues,
  hasFlag,
  invalidSdp,
  readSdpText,
  textOf,
} from './sdp-text.js';
import { isRejected, readTransport } from './transport-description.js';

export { writeSessionDescription } from './session-writer.js';

const MAX_SSRCS = 64;
const MAX_EXTENSIONS = 64;
const MAX_RIDS = 16;

/**
 * Reads an offer or an answer of a WebRTC endpoint: all sections over one transport, with mids.
 * At most 256 KB of text and 64 m-lines are read.
 * Errors: SLUICE_SDP_INVALID.
 */
export function parseSessionDescription(sdp: string): SessionDescription {
  const text = readSdpText(sdp);
  const transport = readTransport(text);
  const sections = text.sections.map((section) => readSection(text, section));
  const mids = new Set<string>();
  for (const { mid } of sections) {
    if (mids.has(mid)) throw invalidSdp(`two m-lines have the mid "${mid}"`);
    mids.add(mid);
  }
  checkBundle(text, sections);
  // Typed as always there, but sdp-transform leaves it out when the line is not well formed.
  const { origin } = text.session as Partial<SdpText['session']>;
  return {
    sessionId: textOf(origin?.sessionId),
    sessionVersion: typeof origin?.sessionVersion === 'number' ? origin.sessionVersion : 0,
    transport,
    sections,
    extmapAllowMixed: hasFlag(text.sessionLines, 'extmap-allow-mixed'),
  };
}

function readSection(text: SdpText, section: SdpSection): MediaSection {
  const { parsed, lines } = section;
  const kind = readKind(parsed);
  const mid = textOf(parsed.mid);
  if (!/^[\x21-\x7e]{1,64}$/.test(mid)) throw invalidSdp(`an m=${kind} line has no a=mid of 1 to 64 characters`);
  const media = kind !== 'application';
  const msid = media ? readMsid(parsed, lines) : undefined;
  const simulcast = media ? readSimulcast(parsed) : undefined;
  return {
    mid,
    kind,
    direction: readDirection(text, parsed),
    codecs: media ? readCodecs(parsed, mid) : [],
    extensions: media ? readExtensions(text, parsed, mid) : [],
    ...(msid && { msid }),
    rids: media ? readRids(lines, mid) : [],
    ...(simulcast && { simulcast }),
    ssrcs: media ? readSsrcs(parsed, mid) : [],
    ssrcGroups: media ? readSsrcGroups(parsed, mid) : [],
    rejected: isRejected(section),
  };
}

function readKind(parsed: MediaDescription): SectionKind {
  const kind = textOf(parsed.type);
  const protocol = textOf(parsed.protocol);
  if (kind === 'audio' || kind === 'video') {
    if (/^(?:UDP|TCP)\/TLS\/RTP\/SAVPF$|^RTP\/SAVPF$/.test(protocol)) return kind;
  } else if (kind === 'application') {
    if (protocol.endsWith('DTLS/SCTP')) return kind;
  } else {
    throw invalidSdp(`an m-line is of the kind "${kind.slice(0, 40)}", not audio, video or application`);
  }
  throw invalidSdp(`an m=${kind} line has the protocol "${protocol.slice(0, 40)}", which WebRTC does not have`);
}

function readDirection(text: SdpText, parsed: MediaDescription): Direction {
  return parsed.direction ?? text.session.direction ?? 'sendrecv';
}

function readCodecs(parsed: MediaDescription, mid: string): CodecParameters[] {
  const codecs = new Map<number, CodecParameters>();
  for (const item of textOf(parsed.payloads).split(' ')) {
    const payloadType = item === '' ? -1 : Number(item);
    if (codecs.has(payloadType)) continue;
    const map = parsed.rtp.find((one) => one.payload === payloadType);
    if (!map) continue;
    if (payloadType > 127) throw invalidSdp(`the payload type ${payloadType} of mid "${mid}" is above 127`);
    const clockRate = map.rate ?? 0;
    const channels = Number(textOf(map.encoding));
    if (!Number.isSafeInteger(clockRate) || clockRate < 1) {
      throw invalidSdp(`the payload type ${payloadType} of mid "${mid}" has no clock rate`);
    }
    codecs.set(payloadType, {
      payloadType,
      name: textOf(map.codec).toLowerCase(),
      clockRate,
      ...(Number.isInteger(channels) && channels > 0 && channels < 256 && { channels }),
      fmtp: readFormatParameters(parsed, payloadType),
      feedback: readFeedback(parsed, payloadType),
    });
  }
  return [...codecs.values()];
}

function readFormatParameters(parsed: MediaDescription, payloadType: number): FormatParameters {
  const entries: [string, string][] = [];
  for (const { payload, config } of parsed.fmtp) {
    if (payload !== payloadType) continue;
    for (const part of textOf(config).split(';')) {
      const at = part.indexOf('=');
      const name = (at < 0 ? part : part.slice(0, at)).trim().toLowerCase();
      if (name !== '') entries.push([name, at < 0 ? '' : part.slice(at + 1).trim()]);
    }
  }
  return Object.fromEntries(entries);
}

function readFeedback(parsed: MediaDescription, payloadType: number): string[] {
  const feedback = new Set<string>();
  for (const { payload, type, subtype } of parsed.rtcpFb ?? []) {
    if (payload !== payloadType && payload !== '*') continue;
    feedback.add([textOf(type), textOf(subtype)].filter((part) => part !== '').join(' '));
  }
  return [...feedback];
}

function readExtensions(text: SdpText, parsed: MediaDescription, mid: string): HeaderExtension[] {
  const extensions: HeaderExtension[] = [];
  for (const { value: id, uri } of [...(parsed.ext ?? []), ...(text.session.ext ?? [])]) {
    if (!Number.isInteger(id) || id < 1 || id > 255)
      throw invalidSdp(`an a=extmap of mid "${mid}" has no id from 1 to 255`);
    // The whole range above 14 is for two-byte headers; RFC 8285 forbids nothing else, so the first of an id wins.
    if (!extensions.some((extension) => extension.id === id)) extensions.push({ id, uri: textOf(uri) });
  }
  if (extensions.length > MAX_EXTENSIONS) throw invalidSdp(`mid "${mid}" has more than ${MAX_EXTENSIONS} a=extmap`);
  return extensions;
}

function readMsid(parsed: MediaDescription, lines: readonly string[]): Msid | undefined {
  // Not sdp-transform's reading: it ends an id at the first character that is not a letter, digit, - or _.
  const line =
    attributeValues(lines, 'msid')[0] ??
    textOf((parsed.ssrcs ?? []).find((entry) => entry.attribute === 'msid')?.value);
  const [streamId = '', trackId = ''] = line.split(' ');
  if (streamId === '') return undefined;
  if (!/^[\x21-\x7e]{1,256}$/.test(streamId) || !/^[\x21-\x7e]{0,256}$/.test(trackId)) {
    throw invalidSdp('an a=msid has ids of more than 256 or of unprintable characters');
  }
  return { streamId, trackId };
}

function readRids(lines: readonly string[], mid: string): Rid[] {
  const rids: Rid[] = [];
  for (const value of attributeValues(lines, 'rid')) {
    const [id = '', direction] = value.split(' ');
    if (!/^[\w-]{1,16}$/.test(id) || (direction !== 'send' && direction !== 'recv')) {
      throw invalidSdp(`an a=rid of mid "${mid}" is not an id of 1 to 16 characters and a direction`);
    }
    if (!rids.some((rid) => rid.id === id)) rids.push({ id, direction });
  }
  if (rids.length > MAX_RIDS) throw invalidSdp(`mid "${mid}" has more than ${MAX_RIDS} a=rid`);
  return rids;
}

function readSimulcast(parsed: MediaDescription): Simulcast | undefined {
  const { simulcast } = parsed;
  if (!simulcast) return undefined;
  const lists: { send?: string[]; recv?: string[] } = { [simulcast.dir1]: ridsOf(simulcast.list1) };
  if (simulcast.dir2) lists[simulcast.dir2] = ridsOf(simulcast.list2);
  return lists;
}

function ridsOf(list: unknown): string[] {
  return textOf(list)
    .split(';')
    .map((stream) => (stream.split(',')[0] ?? '').replace('~', ''))
    .filter((rid) => /^[\w-]{1,16}$/.test(rid))
    .slice(0, MAX_RIDS);
}

function readSsrcs(parsed: MediaDescription, mid: string): SsrcEntry[] {
  const entries = new Map<number, SsrcEntry>();
  for (const { id: ssrc, attribute, value } of parsed.ssrcs ?? []) {
    checkSsrc(ssrc, mid);
    const known = entries.get(ssrc);
    if (attribute === 'cname') entries.set(ssrc, { ssrc, cname: textOf(value) });
    else if (!known) entries.set(ssrc, { ssrc });
    if (entries.size > MAX_SSRCS) throw invalidSdp(`mid "${mid}" has more than ${MAX_SSRCS} SSRCs`);
  }
  return [...entries.values()];
}

function readSsrcGroups(parsed: MediaDescription, mid: string): SsrcGroup[] {
  const groups = (parsed.ssrcGroups ?? []).map(({ semantics, ssrcs }) => ({
    semantics: textOf(semantics),
    ssrcs: textOf(ssrcs).trim().split(/ +/).map(Number),
  }));
  if (groups.length > MAX_SSRCS) throw invalidSdp(`mid "${mid}" has more than ${MAX_SSRCS} a=ssrc-group`);
  for (const group of groups) for (const ssrc of group.ssrcs) checkSsrc(ssrc, mid);
  return groups;
}

function checkSsrc(ssrc: number, mid: string): void {
  if (!Number.isInteger(ssrc) || ssrc < 0 || ssrc > 0xffff_ffff)
    throw invalidSdp(`an SSRC of mid "${mid}" is not a 32-bit number`);
}

/** There is one transport: every section that is not refused has to be in the BUNDLE group, unless it is the only one. */
function checkBundle(text: SdpText, sections: readonly MediaSection[]): void {
  const open = sections.filter((section) => !section.rejected);
  if (open.length < 2) return;
  const bundle = text.session.groups?.find((group) => group.type === 'BUNDLE');
  const bundled = new Set(textOf(bundle?.mids).split(' '));
  const outside = open.find((section) => !bundled.has(section.mid));
  if (outside)
    throw invalidSdp(`mid "${outside.mid}" is not in the BUNDLE group; all sections have to share one transport`);
}
