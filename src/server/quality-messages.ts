import {
  StreamState,
  StreamStateInfo,
  StreamStateUpdate,
  SubscribedCodec,
  SubscribedQuality,
  SubscribedQualityUpdate,
  VideoQuality,
} from '@livekit/protocol';
import type { Response } from './signal-socket.js';
import type { ServerTrack } from './track.js';

/** By rank. */
const QUALITIES = [VideoQuality.LOW, VideoQuality.MEDIUM, VideoQuality.HIGH];

/** Tells a publisher which layers of its track somebody takes: those up to `rank`, none for -1. */
export function subscribedQuality(track: ServerTrack, rank: number): Response {
  const qualities = QUALITIES.map((quality, i) => new SubscribedQuality({ quality, enabled: i <= rank }));
  const codec = track.media?.section.codecs.values().next().value?.name ?? 'vp8';
  return {
    case: 'subscribedQualityUpdate',
    value: new SubscribedQualityUpdate({
      trackSid: track.sid,
      subscribedQualities: qualities,
      subscribedCodecs: [new SubscribedCodec({ codec, qualities })],
    }),
  };
}

/** Tells a subscriber that nothing of a track is sent because its connection does not bear it, or that it is sent again. */
export function streamState(track: ServerTrack, paused: boolean): Response {
  const state = paused ? StreamState.PAUSED : StreamState.ACTIVE;
  return {
    case: 'streamStateUpdate',
    value: new StreamStateUpdate({
      streamStates: [new StreamStateInfo({ participantSid: track.ownerSid, trackSid: track.sid, state })],
    }),
  };
}
