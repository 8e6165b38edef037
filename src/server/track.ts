import { type AddTrackRequest, TrackInfo, TrackSource, TrackType } from '@livekit/protocol';
import type { UpTrack } from './forwarding/up-track.js';
import { newSid } from './sid.js';
import type { Permissions } from './token.js';

/** Sources as tokens name them. */
const SOURCE_NAMES: ReadonlyMap<TrackSource, string> = new Map([
  [TrackSource.CAMERA, 'camera'],
  [TrackSource.MICROPHONE, 'microphone'],
  [TrackSource.SCREEN_SHARE, 'screen_share'],
  [TrackSource.SCREEN_SHARE_AUDIO, 'screen_share_audio'],
]);

/** A track that a participant announced; it can be subscribed to once its media was bound to it. */
export interface ServerTrack {
  readonly sid: string;
  /** The client's own id of the track, which comes again in its offer. */
  readonly cid: string;
  readonly kind: 'audio' | 'video';
  readonly ownerSid: string;
  /** The codec that the client wants to send, lower case; '' when it does not say. */
  readonly codec: string;
  readonly info: TrackInfo;
  /** There from the offer on that describes the track until it is unpublished. */
  media: UpTrack | undefined;
}

/** Makes the track that a client asked to publish. Undefined for kinds that are neither audio nor video. */
export function announceTrack(request: AddTrackRequest, ownerSid: string): ServerTrack | undefined {
  if (request.type !== TrackType.AUDIO && request.type !== TrackType.VIDEO) return undefined;
  const sid = newSid('TR_');
  const {
    type,
    name,
    muted,
    width,
    height,
    source,
    layers,
    disableDtx,
    stereo,
    disableRed,
    encryption,
    stream,
    audioFeatures,
  } = request;
  const info = new TrackInfo({
    sid,
    type,
    name,
    muted,
    width,
    height,
    source,
    layers,
    disableDtx,
    stereo,
    disableRed,
    encryption,
    stream,
    audioFeatures,
    simulcast: layers.length > 1,
  });
  const kind = type === TrackType.AUDIO ? 'audio' : 'video';
  // Names of codecs come with their kind, or without.
  const codec = (request.simulcastCodecs[0]?.codec ?? '').toLowerCase().replace(/^.*\//, '');
  return { sid, cid: request.cid, kind, ownerSid, codec, info, media: undefined };
}

/** Whether someone with these permissions may publish from a source. */
export function mayPublish({ canPublish, canPublishSources }: Permissions, source: TrackSource): boolean {
  return canPublish && (canPublishSources.length === 0 || canPublishSources.includes(sourceName(source) ?? ''));
}

/** The name that a token's `canPublishSources` has for a source; undefined for one that has no name. */
export function sourceName(source: TrackSource): string | undefined {
  return SOURCE_NAMES.get(source);
}

/** The way back from `sourceName`. */
export function sourceByName(name: string): TrackSource | undefined {
  for (const [source, known] of SOURCE_NAMES) if (known === name) return source;
  return undefined;
}
