import { EXTENSION_URIS } from '../engine/rtp/header-extensions.js';
import { type CodecParameters, type MediaSection, retransmittedBy } from '../engine/sdp/media-section.js';
import { sentOpusFormat } from '../engine/sdp/opus-format.js';
import type { NegotiatedCodec } from '../engine/sdp/negotiated.js';
import type { Subscription } from './subscriber-negotiation.js';

const EXTENSIONS: readonly string[] = [
  EXTENSION_URIS.mid,
  EXTENSION_URIS.absSendTime,
  EXTENSION_URIS.transportSequence,
  EXTENSION_URIS.audioLevel,
];
const AUDIO_FEEDBACK: readonly string[] = ['nack', 'transport-cc'];
const VIDEO_FEEDBACK: readonly string[] = ['nack', 'nack pli', 'goog-remb', 'transport-cc'];

/**
 * The answer to an m-line in which a client wants to receive, with a track in it: payload types and extension ids are those of
 * the offer. Undefined when the client does not take the track's codec.
 */
export function sendingSection(offered: MediaSection, { track, down }: Subscription): MediaSection | undefined {
  const source = down.track.section.codecs.values().next().value;
  const codec = source && offered.codecs.find((one) => takes(one, source));
  if (!codec) return undefined;
  const rtx = offered.codecs.find((one) => retransmittedBy(one) === codec.payloadType);
  const { ssrc, rtxSsrc } = down;
  const audio = track.kind === 'audio';
  return {
    mid: offered.mid,
    kind: offered.kind,
    direction: 'sendonly',
    rejected: false,
    codecs: [
      {
        ...codec,
        fmtp: audio ? sentOpusFormat({ stereo: track.info.stereo, dtx: !track.info.disableDtx }) : codec.fmtp,
        feedback: codec.feedback.filter((line) => (audio ? AUDIO_FEEDBACK : VIDEO_FEEDBACK).includes(line)),
      },
      ...(rtx ? [{ ...rtx, feedback: [] }] : []),
    ],
    extensions: offered.extensions.filter(({ uri }) => EXTENSIONS.includes(uri)),
    // The track in the stream's name: an m-line that is used again is then seen as a new stream.
    msid: { streamId: `${track.ownerSid}|${track.sid}`, trackId: track.sid },
    rids: [],
    ssrcs: [ssrc, ...(rtx ? [rtxSsrc] : [])].map((one) => ({ ssrc: one, cname: track.ownerSid })),
    ssrcGroups: rtx ? [{ semantics: 'FID', ssrcs: [ssrc, rtxSsrc] }] : [],
  };
}

/** RFC 6184, section 8.1: H.264 streams go together when profile and packetization mode are the same. */
function takes(codec: CodecParameters, source: NegotiatedCodec): boolean {
  if (codec.name !== source.name) return false;
  if (codec.name !== 'h264') return true;
  const profile = (fmtp: CodecParameters['fmtp']): string => (fmtp['profile-level-id'] ?? '').slice(0, 2).toLowerCase();
  return codec.fmtp['packetization-mode'] === '1' && profile(codec.fmtp) === profile(source.fmtp);
}
