import { EXTENSION_URIS } from '../rtp/header-extensions.js';
import { type ExtensionName, type HeaderExtension, MAX_ONE_BYTE_ID } from './extensions.js';
import {
  type CodecParameters,
  FORWARDED_CODECS,
  type FormatParameters,
  type ForwardedCodec,
  type MediaSection,
  type SessionDescription,
  retransmittedBy,
  sends,
} from './media-section.js';
import { type OpusFormat, opusFormat } from './opus-format.js';
import { DEFAULT_DATA_CHANNEL, type Setup, type TransportDescription } from './transport-description.js';

export interface AnswerOptions {
  /** This side's transport; its `setup` is not looked at. */
  readonly transport: TransportDescription;
  /** Accept data channels where they are offered. */
  readonly dataChannel: boolean;
  /** Codecs to accept; all of `FORWARDED_CODECS` when left out. */
  readonly codecs?: readonly ForwardedCodec[];
  /** The codec that the sender of a section should use, as its AddTrack said; senders take the first of an answer. */
  readonly preferredCodec?: (section: MediaSection) => ForwardedCodec | undefined;
  /** DTLS role to take where the offer leaves the choice. */
  readonly setup?: 'active' | 'passive';
  /** What the sender of an Opus section is asked for. */
  readonly opus?: (section: MediaSection) => OpusFormat;
  /** Negotiate transport-wide congestion control; never do so without sending its feedback. */
  readonly transportCc?: boolean;
  readonly sessionId?: string;
  readonly sessionVersion?: number;
}

/**
 * Answers the offer of a participant that publishes: every m-line in its place, with the offer's payload types and
 * extension ids. What it sends is received (Opus, VP8, H.264 in packetization mode 1, and their RTX; all simulcast
 * layers), what it would like to receive is `inactive`, and a section with no codec in common is rejected.
 * Defaults: DTLS active, transport-cc on, Opus mono with FEC.
 * Errors: SLUICE_SDP_INVALID (the description is an answer: its DTLS role cannot be met).
 */
export function answerPublisher(offer: SessionDescription, options: AnswerOptions): SessionDescription {
  return answer(offer, options, {
    setup: options.setup ?? 'active',
    extensions: ['mid', 'rid', 'repairedRid', 'audioLevel', 'absSendTime', 'transportSequence'],
    transportCc: options.transportCc ?? true,
    simulcast: true,
    opus: options.opus ?? (() => ({})),
    preferredCodec: options.preferredCodec,
  });
}

/**
 * Answers the offer of a server to a participant that subscribes: everything it sends in a known codec is received.
 * Defaults: DTLS passive (the server is active), no transport-cc, stereo Opus where the offer announces stereo.
 * Errors: SLUICE_SDP_INVALID.
 */
export function answerSubscriber(offer: SessionDescription, options: AnswerOptions): SessionDescription {
  return answer(offer, options, {
    setup: options.setup ?? 'passive',
    extensions: ['mid', 'audioLevel', 'absSendTime', 'transportSequence'],
    transportCc: options.transportCc ?? false,
    simulcast: false,
    opus: options.opus ?? announcedOpus,
    preferredCodec: options.preferredCodec,
  });
}

interface AnswerPolicy {
  readonly setup: 'active' | 'passive';
  readonly extensions: readonly ExtensionName[];
  readonly transportCc: boolean;
  readonly simulcast: boolean;
  readonly opus: (section: MediaSection) => OpusFormat;
  readonly preferredCodec: AnswerOptions['preferredCodec'];
}

function answer(offer: SessionDescription, options: AnswerOptions, policy: AnswerPolicy): SessionDescription {
  const codecs = options.codecs ?? FORWARDED_CODECS;
  const sections = offer.sections.map((section) => {
    if (section.kind === 'application') return answerData(section, options.dataChannel);
    return answerMedia(section, codecs, policy, offer.extmapAllowMixed);
  });
  const { dataChannel, ...transport } = options.transport;
  const data = sections.some((section) => section.kind === 'application' && !section.rejected);
  return {
    sessionId: options.sessionId ?? '1',
    sessionVersion: options.sessionVersion ?? 1,
    transport: {
      ...transport,
      setup: answerSetup(offer.transport.setup, policy.setup),
      ...(data && { dataChannel: dataChannel ?? DEFAULT_DATA_CHANNEL }),
    },
    sections,
    extmapAllowMixed: sections.some((section) => section.extensions.some(({ id }) => id > MAX_ONE_BYTE_ID)),
  };
}

/** RFC 5763, section 5: an offer of one role is answered with the other. */
function answerSetup(offered: Setup, wanted: 'active' | 'passive'): Setup {
  if (offered === 'actpass') return wanted;
  return offered === 'active' ? 'passive' : 'active';
}

function answerData(section: MediaSection, accepted: boolean): MediaSection {
  if (accepted && !section.rejected) return { ...emptySection(section), direction: 'sendrecv', rejected: false };
  return emptySection(section);
}

function answerMedia(
  section: MediaSection,
  allowed: readonly ForwardedCodec[],
  policy: AnswerPolicy,
  mixedAllowed: boolean,
): MediaSection {
  const codecs = answerCodecs(section, allowed, policy);
  // A rejected section still needs a format on its m-line: the first that was offered.
  if (section.rejected || codecs.length === 0)
    return { ...emptySection(section), codecs: section.codecs.slice(0, 1).map(bare) };
  return {
    ...emptySection(section),
    rejected: false,
    direction: sends(section) ? 'recvonly' : 'inactive',
    codecs,
    extensions: answerExtensions(section, policy, mixedAllowed),
    ...(policy.simulcast && sends(section) && answerLayers(section)),
  };
}

function emptySection({ mid, kind }: MediaSection): MediaSection {
  return {
    mid,
    kind,
    direction: 'inactive',
    codecs: [],
    extensions: [],
    rids: [],
    ssrcs: [],
    ssrcGroups: [],
    rejected: true,
  };
}

function bare({ payloadType, name, clockRate, channels }: CodecParameters): CodecParameters {
  return { payloadType, name, clockRate, ...(channels !== undefined && { channels }), fmtp: {}, feedback: [] };
}

/** The codecs to keep, the preferred one first, otherwise in the order of the offer; each is followed by its RTX. */
function answerCodecs(
  section: MediaSection,
  allowed: readonly ForwardedCodec[],
  policy: AnswerPolicy,
): CodecParameters[] {
  const preferred = policy.preferredCodec?.(section);
  const kept = section.codecs.filter((codec) => isForwarded(section, codec, allowed));
  const first = kept.filter((codec) => codec.name === preferred);
  const others = kept.filter((codec) => codec.name !== preferred);
  return [...first, ...others].flatMap((codec) => {
    const fmtp = answerFormat(section, codec, policy);
    const media = { ...bare(codec), fmtp, feedback: answerFeedback(codec, policy) };
    const rtx = section.codecs.find((one) => retransmittedBy(one) === codec.payloadType);
    return rtx ? [media, { ...bare(rtx), fmtp: { apt: String(codec.payloadType) } }] : [media];
  });
}

function isForwarded(section: MediaSection, codec: CodecParameters, allowed: readonly ForwardedCodec[]): boolean {
  if (!(allowed as readonly string[]).includes(codec.name)) return false;
  if (codec.name === 'opus') return section.kind === 'audio' && codec.clockRate === 48_000;
  if (section.kind !== 'video' || codec.clockRate !== 90_000) return false;
  // RFC 6184, section 6.2: mode 0 cannot carry a slice larger than a packet.
  return codec.name !== 'h264' || codec.fmtp['packetization-mode'] === '1';
}

const H264_PARAMETERS = ['level-asymmetry-allowed', 'packetization-mode', 'profile-level-id'];

function answerFormat(section: MediaSection, codec: CodecParameters, policy: AnswerPolicy): FormatParameters {
  if (codec.name === 'opus') return opusFormat(policy.opus(section));
  if (codec.name !== 'h264') return {};
  return Object.fromEntries(Object.entries(codec.fmtp).filter(([name]) => H264_PARAMETERS.includes(name)));
}

const FEEDBACK = ['nack', 'nack pli', 'ccm fir', 'goog-remb', 'transport-cc'];

function answerFeedback(codec: CodecParameters, policy: AnswerPolicy): string[] {
  return codec.feedback.filter((line) => FEEDBACK.includes(line) && (policy.transportCc || line !== 'transport-cc'));
}

function answerExtensions(section: MediaSection, policy: AnswerPolicy, mixedAllowed: boolean): HeaderExtension[] {
  const uris = new Set<string>();
  for (const name of policy.extensions) {
    if (name === 'transportSequence' && !policy.transportCc) continue;
    if (name === 'audioLevel' && section.kind !== 'audio') continue;
    uris.add(EXTENSION_URIS[name]);
  }
  return section.extensions.filter(({ id, uri }) => uris.delete(uri) && (mixedAllowed || id <= MAX_ONE_BYTE_ID));
}

/** RFC 8853, section 5.3.2: what is offered as `send` is answered as `recv`, under the same rids. */
function answerLayers(section: MediaSection): Pick<MediaSection, 'rids' | 'simulcast'> {
  const offered = section.rids.filter((rid) => rid.direction === 'send').map((rid) => rid.id);
  const layers = section.simulcast?.send?.filter((rid) => offered.includes(rid));
  const accepted = layers ?? offered;
  return {
    rids: accepted.map((id) => ({ id, direction: 'recv' })),
    ...(layers && layers.length > 0 && { simulcast: { recv: layers } }),
  };
}

function announcedOpus(section: MediaSection): OpusFormat {
  const opus = section.codecs.find((codec) => codec.name === 'opus');
  return { stereo: opus?.fmtp['sprop-stereo'] === '1' || opus?.fmtp['stereo'] === '1' };
}
