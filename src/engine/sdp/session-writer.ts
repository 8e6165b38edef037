import { type MediaDescription, write } from 'sdp-transform';
import type {
  CodecParameters,
  FormatParameters,
  MediaSection,
  Msid,
  SessionDescription,
  Simulcast,
} from './media-section.js';
import { checkToken } from './sdp-text.js';
import { dataChannelMedia, transportAttributes } from './transport-description.js';

/**
 * Writes a description as browsers take it: all sections that are not rejected in one BUNDLE group, with the
 * transport's credentials and candidates (and end-of-candidates, where there are any) in each of them.
 * Errors: SLUICE_SDP_INVALID (a value that cannot stand in a description).
 */
export function writeSessionDescription(description: SessionDescription): string {
  const { sections, transport } = description;
  const attributes = withEndOfCandidates(transportAttributes(transport));
  const bundled = sections.filter((section) => !section.rejected).map((section) => section.mid);
  return write({
    version: 0,
    origin: {
      username: '-',
      sessionId: /^\d{1,20}$/.test(description.sessionId) ? description.sessionId : '1',
      sessionVersion: description.sessionVersion,
      netType: 'IN',
      ipVer: 4,
      address: '127.0.0.1',
    },
    name: '-',
    timing: { start: 0, stop: 0 },
    ...(bundled.length > 0 && { groups: [{ type: 'BUNDLE', mids: bundled.join(' ') }] }),
    ...(description.extmapAllowMixed && { extmapAllowMixed: 'extmap-allow-mixed' as const }),
    msidSemantic: { semantic: 'WMS', token: '*' },
    // RFC 8829, section 5.2.1
    iceOptions: 'trickle',
    ...(transport.iceLite && { icelite: 'ice-lite' as const }),
    media: sections.map((section) => {
      if (section.rejected) return rejectedMedia(section);
      return section.kind === 'application'
        ? dataChannelMedia(transport, section.mid, attributes)
        : rtpMedia(section, attributes);
    }),
  });
}

type TransportAttributes = ReturnType<typeof transportAttributes>;

function withEndOfCandidates(attributes: TransportAttributes): TransportAttributes {
  const candidates = attributes.invalid ?? [];
  return candidates.length === 0
    ? attributes
    : { ...attributes, invalid: [...candidates, { value: 'end-of-candidates' }] };
}

function rtpMedia(section: MediaSection, transport: TransportAttributes): MediaDescription {
  const { msid, simulcast } = section;
  return {
    ...mediaLine(section, 9),
    connection: { version: 4, ip: '0.0.0.0' },
    rtcp: { port: 9, netType: 'IN', ipVer: 4, address: '0.0.0.0' },
    direction: section.direction,
    rtcpMux: 'rtcp-mux',
    rtcpRsize: 'rtcp-rsize',
    rtcpFb: section.codecs.flatMap((codec) => codec.feedback.map((line) => feedbackLine(codec.payloadType, line))),
    ext: section.extensions.map(({ id, uri }) => ({ value: id, uri: checkToken(uri, 'extension') })),
    rids: section.rids.map(({ id, direction }) => ({ id: checkToken(id, 'rid'), direction })),
    ...(simulcast && simulcastLine(simulcast)),
    ssrcGroups: section.ssrcGroups.map(({ semantics, ssrcs }) => ({
      semantics: checkToken(semantics, 'SSRC group'),
      ssrcs: ssrcs.join(' '),
    })),
    // Browsers refuse an a=ssrc without an attribute.
    ssrcs: section.ssrcs.map(({ ssrc, cname }) => ({
      id: ssrc,
      attribute: 'cname',
      value: checkToken(cname ?? '-', 'cname'),
    })),
    ...transport,
    ...msidLine(msid, transport.invalid ?? []),
  };
}

/** A refused section keeps its place, its mid and one format: an m-line has to have one. */
function rejectedMedia(section: MediaSection): MediaDescription {
  if (section.kind === 'application') {
    return {
      type: 'application',
      port: 0,
      protocol: 'UDP/DTLS/SCTP',
      payloads: 'webrtc-datachannel',
      connection: { version: 4, ip: '0.0.0.0' },
      mid: checkToken(section.mid, 'mid'),
      rtp: [],
      fmtp: [],
    };
  }
  return {
    ...mediaLine(section, 0),
    connection: { version: 4, ip: '0.0.0.0' },
    direction: 'inactive',
    rtcpMux: 'rtcp-mux',
  };
}

function mediaLine(section: MediaSection, port: number): MediaDescription {
  const { codecs } = section;
  return {
    type: section.kind,
    port,
    protocol: 'UDP/TLS/RTP/SAVPF',
    payloads: codecs.length === 0 ? '0' : codecs.map((codec) => codec.payloadType).join(' '),
    mid: checkToken(section.mid, 'mid'),
    rtp: codecs.map(rtpmap),
    fmtp: codecs
      .filter((codec) => Object.keys(codec.fmtp).length > 0)
      .map((codec) => ({ payload: codec.payloadType, config: formatParameters(codec.fmtp) })),
  };
}

// Names are compared without regard to case; these are how everyone else writes them.
const WRITTEN_NAME: ReadonlyMap<string, string> = new Map(
  ['VP8', 'VP9', 'AV1', 'H264', 'H265', 'PCMU', 'PCMA', 'G722', 'CN'].map((name) => [name.toLowerCase(), name]),
);

function rtpmap(codec: CodecParameters): MediaDescription['rtp'][number] {
  return {
    payload: codec.payloadType,
    codec: checkToken(WRITTEN_NAME.get(codec.name) ?? codec.name, 'codec name'),
    rate: codec.clockRate,
    ...(codec.channels !== undefined && { encoding: codec.channels }),
  };
}

function formatParameters(fmtp: FormatParameters): string {
  return Object.entries(fmtp)
    .map(([name, value]) => checkToken(value === '' ? name : `${name}=${value}`, 'format parameter'))
    .join(';');
}

function feedbackLine(payload: number, line: string): { payload: number; type: string; subtype?: string } {
  const [type = '', subtype] = line.split(' ');
  checkToken(type, 'feedback');
  return subtype === undefined ? { payload, type } : { payload, type, subtype: checkToken(subtype, 'feedback') };
}

/** Before a=ssrc, where it has a track part: LiveKit's server takes no track part from a line that comes after. */
function msidLine(msid: Msid | undefined, others: { value: string }[]): Pick<MediaDescription, 'msid' | 'invalid'> {
  if (!msid) return { invalid: others };
  const stream = checkToken(msid.streamId, 'msid stream');
  // sdp-transform cannot write one without.
  if (msid.trackId === '') return { invalid: [{ value: `msid:${stream}` }, ...others] };
  return { msid: [{ id: stream, appdata: checkToken(msid.trackId, 'msid track') }], invalid: others };
}

function simulcastLine(simulcast: Simulcast): Pick<MediaDescription, 'simulcast'> {
  const send = simulcast.send?.map((rid) => checkToken(rid, 'rid')).join(';');
  const recv = simulcast.recv?.map((rid) => checkToken(rid, 'rid')).join(';');
  if (send && recv) return { simulcast: { dir1: 'send', list1: send, dir2: 'recv', list2: recv } };
  if (send) return { simulcast: { dir1: 'send', list1: send } };
  return recv ? { simulcast: { dir1: 'recv', list1: recv } } : {};
}
