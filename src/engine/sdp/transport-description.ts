import { type MediaAttributes, type MediaDescription, write } from 'sdp-transform';
import {
  type SdpSection,
  type SdpText,
  attributeValues,
  checkToken,
  hasFlag,
  invalidSdp,
  readSdpText,
  textOf,
} from './sdp-text.js';

/** DTLS role (RFC 4145): `active` sends the ClientHello; `actpass` leaves the choice to the answer. */
export type Setup = 'actpass' | 'active' | 'passive';

export interface Fingerprint {
  /** Lower case, such as `sha-256`. */
  readonly algorithm: string;
  /** Upper case hex pairs with colons. */
  readonly value: string;
}

/** How one side of a BUNDLE transport is reached (ICE, DTLS) and whether it takes data channels (SCTP). */
export interface TransportDescription {
  readonly iceUfrag: string;
  readonly icePwd: string;
  readonly fingerprint: Fingerprint;
  readonly setup: Setup;
  /** `candidate:…`, without `a=`, as they came. */
  readonly candidates: readonly string[];
  /** There only when data channels are described and not refused. */
  readonly dataChannel?: DataChannelDescription;
  /** The side is an ICE-lite agent, so the other one controls. */
  readonly iceLite?: true;
}

export interface DataChannelDescription {
  readonly sctpPort: number;
  /** Bytes; 0 means no limit (RFC 8841). */
  readonly maxMessageSize: number;
}

/** What is said of data channels where nothing else is known: the native library's own values. */
export const DEFAULT_DATA_CHANNEL: DataChannelDescription = { sctpPort: 5000, maxMessageSize: 262_144 };

/** More candidates than this are not looked at. */
const MAX_CANDIDATES = 64;

/**
 * The description that the native library is given of the other side: one m=video, so that its one track gets
 * every RTP and RTCP packet (mid 0, VP8 as 96), and an m=application where there are data channels.
 * `setup` is written as it is in `transport`; the native library takes the role that complements it.
 * Errors: SLUICE_SDP_INVALID (a value that cannot stand in a description).
 */
export function writeTransportSdp(
  transport: TransportDescription,
  options: { readonly dataChannel: boolean; readonly dataMid?: string },
): string {
  const dataMid = options.dataMid ?? '1';
  // Without end-of-candidates: the native library takes it in before the candidates, and then gives up at once.
  const attributes = transportAttributes(transport);
  const video: MediaDescription = {
    type: 'video',
    port: 9,
    protocol: 'UDP/TLS/RTP/SAVPF',
    payloads: '96',
    connection: { version: 4, ip: '0.0.0.0' },
    mid: '0',
    direction: 'sendrecv',
    rtcpMux: 'rtcp-mux',
    rtp: [{ payload: 96, codec: 'VP8', rate: 90000 }],
    fmtp: [],
    ...attributes,
  };
  return write({
    version: 0,
    origin: { username: '-', sessionId: '1', sessionVersion: 1, netType: 'IN', ipVer: 4, address: '127.0.0.1' },
    name: '-',
    timing: { start: 0, stop: 0 },
    groups: [{ type: 'BUNDLE', mids: options.dataChannel ? `0 ${dataMid}` : '0' }],
    iceOptions: 'trickle',
    ...(transport.iceLite && { icelite: 'ice-lite' as const }),
    media: options.dataChannel ? [video, dataChannelMedia(transport, dataMid, attributes)] : [video],
  });
}

/**
 * Reads what a description says of its BUNDLE transport: that of the first section of the BUNDLE group that is
 * not refused (RFC 8843, section 7), values at session level where the section has none.
 * Errors: SLUICE_SDP_INVALID.
 */
export function readTransportSdp(sdp: string): TransportDescription {
  return readTransport(readSdpText(sdp));
}

/** The same for text that was already split. Errors: SLUICE_SDP_INVALID. */
export function readTransport(text: SdpText): TransportDescription {
  const section = taggedSection(text);
  const value = (name: string): string | undefined =>
    attributeValues(section.lines, name)[0] ?? attributeValues(text.sessionLines, name)[0];
  const iceUfrag = value('ice-ufrag');
  const icePwd = value('ice-pwd');
  // RFC 8839, section 5.4
  if (iceUfrag === undefined || !/^[\x21-\x7e]{4,256}$/.test(iceUfrag))
    throw invalidSdp('a=ice-ufrag is missing or is not 4 to 256 characters');
  if (icePwd === undefined || !/^[\x21-\x7e]{22,256}$/.test(icePwd))
    throw invalidSdp('a=ice-pwd is missing or is not 22 to 256 characters');
  const dataChannel = readDataChannel(text.sections);
  return {
    iceUfrag,
    icePwd,
    fingerprint: readFingerprint(text, section),
    setup: readSetup(value('setup')),
    candidates: attributeValues(section.lines, 'candidate')
      .slice(0, MAX_CANDIDATES)
      .map((candidate) => `candidate:${candidate}`),
    ...(dataChannel && { dataChannel }),
    ...(hasFlag(text.sessionLines, 'ice-lite') && { iceLite: true as const }),
  };
}

/** A section that was refused: port 0, but not because it merely waits to be bundled (RFC 8843, section 6). */
export function isRejected(section: SdpSection): boolean {
  return section.parsed.port === 0 && !hasFlag(section.lines, 'bundle-only');
}

/** The attributes of a section that describe its transport. Errors: SLUICE_SDP_INVALID. */
export function transportAttributes(transport: TransportDescription): MediaAttributesOnly {
  const { fingerprint } = transport;
  const candidates = transport.candidates.map((candidate) => ({ value: checkCandidate(candidate) }));
  return {
    setup: transport.setup,
    iceUfrag: checkToken(transport.iceUfrag, 'ICE ufrag'),
    icePwd: checkToken(transport.icePwd, 'ICE pwd'),
    fingerprint: {
      type: checkToken(fingerprint.algorithm, 'fingerprint algorithm'),
      hash: checkToken(fingerprint.value, 'fingerprint'),
    },
    // Verbatim lines: sdp-transform knows some extension attributes of candidates only, in one order only.
    invalid: candidates,
  };
}

type MediaAttributesOnly = Omit<MediaAttributes, 'rtp' | 'fmtp'>;

/** The m=application section of a description. */
export function dataChannelMedia(
  transport: TransportDescription,
  mid: string,
  attributes: MediaAttributesOnly,
): MediaDescription {
  const { sctpPort, maxMessageSize } = transport.dataChannel ?? DEFAULT_DATA_CHANNEL;
  return {
    type: 'application',
    port: 9,
    protocol: 'UDP/DTLS/SCTP',
    payloads: 'webrtc-datachannel',
    connection: { version: 4, ip: '0.0.0.0' },
    mid: checkToken(mid, 'mid'),
    rtp: [],
    fmtp: [],
    sctpPort,
    maxMessageSize,
    ...attributes,
  };
}

function taggedSection(text: SdpText): SdpSection {
  const open = text.sections.filter((section) => !isRejected(section));
  const bundle = text.session.groups?.find((group) => group.type === 'BUNDLE');
  for (const mid of textOf(bundle?.mids).split(' ')) {
    const tagged = open.find((section) => textOf(section.parsed.mid) === mid);
    if (tagged) return tagged;
  }
  const [first] = open;
  if (!first) throw invalidSdp('the description has no m-line that is not refused');
  return first;
}

const FINGERPRINT_BYTES: ReadonlyMap<string, number> = new Map([
  ['sha-1', 20],
  ['sha-224', 28],
  ['sha-256', 32],
  ['sha-384', 48],
  ['sha-512', 64],
]);

function readFingerprint(text: SdpText, section: SdpSection): Fingerprint {
  const own = attributeValues(section.lines, 'fingerprint');
  const values = own.length > 0 ? own : attributeValues(text.sessionLines, 'fingerprint');
  if (values.length === 0) throw invalidSdp('a=fingerprint is missing');
  const readable: Fingerprint[] = [];
  for (const line of values) {
    const [algorithm = '', value = ''] = line.split(' ');
    const bytes = FINGERPRINT_BYTES.get(algorithm.toLowerCase());
    if (bytes === undefined || value.length !== bytes * 3 - 1 || !/^[\da-f]{2}(?::[\da-f]{2})*$/i.test(value)) continue;
    readable.push({ algorithm: algorithm.toLowerCase(), value: value.toUpperCase() });
  }
  const best = readable.find((fingerprint) => fingerprint.algorithm === 'sha-256') ?? readable[0];
  if (!best) throw invalidSdp('no a=fingerprint can be read');
  return best;
}

function readSetup(value: string | undefined): Setup {
  if (value === 'actpass' || value === 'active' || value === 'passive') return value;
  throw invalidSdp(
    `a=setup is ${value === undefined ? 'missing' : `"${value.slice(0, 40)}"`}, not actpass, active or passive`,
  );
}

function readDataChannel(sections: readonly SdpSection[]): DataChannelDescription | undefined {
  const section = sections.find((one) => one.parsed.type === 'application' && !isRejected(one));
  if (!section) return undefined;
  const { sctpPort, maxMessageSize, sctpmap } = section.parsed;
  const port = sctpPort ?? sctpmap?.sctpmapNumber ?? DEFAULT_DATA_CHANNEL.sctpPort;
  // RFC 8841, section 6.1: 64 KiB where nothing is said
  const size = maxMessageSize ?? 65_536;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw invalidSdp('a=sctp-port is not a port');
  if (!Number.isSafeInteger(size)) throw invalidSdp('a=max-message-size is not a number');
  return { sctpPort: port, maxMessageSize: size };
}

function checkCandidate(candidate: string): string {
  if (!/^candidate:[\x20-\x7e]{1,1024}$/.test(candidate)) {
    throw invalidSdp(`"${JSON.stringify(candidate.slice(0, 40))}" is not a candidate line without its a=`);
  }
  return candidate;
}
