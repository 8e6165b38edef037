import { type ExtensionName, offeredExtensions } from './extensions.js';
import type {
  CodecParameters,
  FormatParameters,
  ForwardedCodec,
  MediaSection,
  SessionDescription,
} from './media-section.js';
import { type OpusFormat, sentOpusFormat } from './opus-format.js';
import { invalidSdp } from './sdp-text.js';
import { DEFAULT_DATA_CHANNEL, type TransportDescription } from './transport-description.js';

/** Payload types that our offers use where nothing else binds them: those of libwebrtc. */
export const OFFERED_PAYLOAD_TYPES = { opus: 111, vp8: 96, vp8Rtx: 97, h264: 108, h264Rtx: 109 } as const;

/** Constrained baseline, level 3.1: what every WebRTC endpoint decodes (RFC 7742, section 6.2). */
const DEFAULT_PROFILE_LEVEL_ID = '42e01f';

/** One codec of an offered section. */
export interface OfferedCodec {
  readonly codec: ForwardedCodec;
  readonly payloadType: number;
  /** Payload type of the retransmissions; there are none when left out. */
  readonly rtxPayloadType?: number;
  /** H.264: six hex digits, `42e01f` when left out. */
  readonly profileLevelId?: string;
  /** Opus: what will be sent. */
  readonly opus?: OpusFormat;
}

/** One track that is offered. */
export interface OfferedTrack extends OfferedCodec {
  readonly mid: string;
  readonly kind: 'audio' | 'video';
  /** What else could be sent in its section, after the codec that is. */
  readonly otherCodecs?: readonly OfferedCodec[];
  readonly ssrc: number;
  readonly rtxSsrc?: number;
  /** Simulcast layers, lowest first: their packets say which one they are of, and SSRCs are not named. One layer when left out. */
  readonly rids?: readonly string[];
  /** Stream part of the msid; subscribers of a server get `PA_sid|TR_sid`. */
  readonly streamId: string;
  /** Track part of the msid: `TR_sid` to a subscriber, the track's cid to a server. */
  readonly trackId: string;
  readonly cname: string;
  /** False: the section stays, `inactive`, without msid and SSRCs. */
  readonly active: boolean;
}

export interface OfferOptions {
  /** This side's transport, written with its `setup`. */
  readonly transport: TransportDescription;
  /** In the order of their m-lines, which never changes and never shrinks from one offer to the next. */
  readonly sections: readonly OfferedTrack[];
  /** Mid of the data channel section, which comes first; no data channels when left out. */
  readonly dataMid?: string;
  /** Offer transport-wide congestion control. */
  readonly transportCc?: boolean;
  readonly sessionId?: string;
  readonly sessionVersion?: number;
}

/**
 * Offer of a server to a participant that subscribes. Extensions: mid and abs-send-time, on audio the level too;
 * feedback: NACK, on video PLI and REMB too. transport-cc is off unless asked for.
 * Errors: SLUICE_SDP_INVALID (two sections of one mid, a codec of the other kind).
 */
export function offerSubscriber(options: OfferOptions): SessionDescription {
  return offer(options, {
    transportCc: options.transportCc ?? false,
    feedback: ['nack', 'nack pli', 'goog-remb'],
  });
}

/**
 * Offer of a participant that publishes. As `offerSubscriber`, with FIR, and transport-cc unless it is turned off.
 * Errors: SLUICE_SDP_INVALID.
 */
export function offerPublisher(options: OfferOptions): SessionDescription {
  return offer(options, {
    transportCc: options.transportCc ?? true,
    feedback: ['goog-remb', 'ccm fir', 'nack', 'nack pli'],
  });
}

interface OfferPolicy {
  readonly transportCc: boolean;
  /** Of video; without transport-cc. */
  readonly feedback: readonly string[];
}

function offer(options: OfferOptions, policy: OfferPolicy): SessionDescription {
  const { dataMid } = options;
  const { dataChannel, ...transport } = options.transport;
  const sections = options.sections.map((track) => offeredSection(track, policy));
  if (dataMid !== undefined) sections.unshift(dataSection(dataMid));
  if (new Set(sections.map((section) => section.mid)).size !== sections.length) {
    throw invalidSdp('two sections of an offer have the same mid');
  }
  return {
    sessionId: options.sessionId ?? '1',
    sessionVersion: options.sessionVersion ?? 1,
    transport: { ...transport, ...(dataMid !== undefined && { dataChannel: dataChannel ?? DEFAULT_DATA_CHANNEL }) },
    sections,
    extmapAllowMixed: false,
  };
}

function offeredSection(track: OfferedTrack, policy: OfferPolicy): MediaSection {
  if ((track.codec === 'opus') !== (track.kind === 'audio')) {
    throw invalidSdp(`${track.codec} cannot be offered in the ${track.kind} section "${track.mid}"`);
  }
  const { mid, kind, ssrc, rtxSsrc, cname, active, rids = [] } = track;
  const ssrcs = rtxSsrc === undefined ? [ssrc] : [ssrc, rtxSsrc];
  const layered = active && rids.length > 0;
  const named = active && !layered;
  return {
    mid,
    kind,
    direction: active ? 'sendonly' : 'inactive',
    codecs: [track, ...(track.otherCodecs ?? [])].flatMap((codec) => offeredCodecs(codec, policy)),
    extensions: offeredExtensions(extensionsOf(kind, policy, layered)),
    ...(active && { msid: { streamId: track.streamId, trackId: track.trackId } }),
    rids: layered ? rids.map((id) => ({ id, direction: 'send' as const })) : [],
    ...(layered && { simulcast: { send: rids } }),
    ssrcs: named ? ssrcs.map((one) => ({ ssrc: one, cname })) : [],
    // RFC 4588, section 8.8
    ssrcGroups: named && rtxSsrc !== undefined ? [{ semantics: 'FID', ssrcs }] : [],
    rejected: false,
  };
}

function dataSection(mid: string): MediaSection {
  return {
    mid,
    kind: 'application',
    direction: 'sendrecv',
    codecs: [],
    extensions: [],
    rids: [],
    ssrcs: [],
    ssrcGroups: [],
    rejected: false,
  };
}

function extensionsOf(kind: 'audio' | 'video', policy: OfferPolicy, layered: boolean): ExtensionName[] {
  const names: ExtensionName[] = kind === 'audio' ? ['audioLevel', 'absSendTime'] : ['absSendTime'];
  if (policy.transportCc) names.push('transportSequence');
  return layered ? [...names, 'mid', 'rid', 'repairedRid'] : [...names, 'mid'];
}

function offeredCodecs(offered: OfferedCodec, policy: OfferPolicy): CodecParameters[] {
  const { codec: name, payloadType, rtxPayloadType } = offered;
  const transportCc = policy.transportCc ? ['transport-cc'] : [];
  if (name === 'opus') {
    const fmtp = sentOpusFormat(offered.opus ?? {});
    return [{ payloadType, name, clockRate: 48_000, channels: 2, fmtp, feedback: ['nack', ...transportCc] }];
  }
  const fmtp = name === 'h264' ? h264Format(offered.profileLevelId ?? DEFAULT_PROFILE_LEVEL_ID) : {};
  const codecs: CodecParameters[] = [
    { payloadType, name, clockRate: 90_000, fmtp, feedback: [...policy.feedback, ...transportCc] },
  ];
  if (rtxPayloadType !== undefined) {
    const apt = String(payloadType);
    codecs.push({ payloadType: rtxPayloadType, name: 'rtx', clockRate: 90_000, fmtp: { apt }, feedback: [] });
  }
  return codecs;
}

function h264Format(profileLevelId: string): FormatParameters {
  if (!/^[\da-f]{6}$/i.test(profileLevelId)) throw invalidSdp(`"${profileLevelId}" is not an H.264 profile-level-id`);
  return { 'level-asymmetry-allowed': '1', 'packetization-mode': '1', 'profile-level-id': profileLevelId };
}
