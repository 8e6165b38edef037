import { type ParticipantPermission, TrackSource } from '@livekit/protocol';

/** Whether what is to be published is granted, as far as the server has told. */
export function mayPublish(
  permission: ParticipantPermission | undefined,
  wanted: { readonly hasAudio: boolean; readonly hasVideo: boolean; readonly captions?: boolean },
): boolean {
  if (!permission) return true;
  const { canPublish, canPublishData, canPublishSources } = permission;
  const granted = (source: TrackSource): boolean =>
    canPublishSources.length === 0 || canPublishSources.includes(source);
  if (wanted.hasAudio && !granted(TrackSource.MICROPHONE)) return false;
  if (wanted.hasVideo && !granted(TrackSource.CAMERA)) return false;
  if (wanted.captions === true && !canPublishData) return false;
  return canPublish;
}

/** Whether streams of others may be received, as far as the server has told. */
export function mayRead(permission: ParticipantPermission | undefined): boolean {
  return permission?.canSubscribe ?? true;
}
