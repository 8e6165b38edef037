import {
  DisconnectReason,
  MuteTrackRequest,
  type MuteRoomTrackRequest,
  type ParticipantInfo,
  type ParticipantPermission,
  type RoomParticipantIdentity,
  type TrackInfo,
  type UpdateParticipantRequest,
  UpdateSubscription,
  type UpdateSubscriptionsRequest,
} from '@livekit/protocol';
import type { Rooms } from '../rooms.js';
import type { Permissions } from '../token.js';
import { sourceName } from '../track.js';
import { memberOf } from './rooms.js';
import { TwirpError } from './twirp.js';

export function removeParticipant(rooms: Rooms, request: RoomParticipantIdentity): void {
  memberOf(rooms, request).leave(DisconnectReason.PARTICIPANT_REMOVED);
}

/** Changes name, metadata, attributes and permissions, as far as they are given. */
export function updateParticipant(rooms: Rooms, request: UpdateParticipantRequest): ParticipantInfo {
  const { name, metadata, attributes, permission } = request;
  const member = memberOf(rooms, request);
  const described = name !== '' || metadata !== '' || Object.keys(attributes).length > 0;
  if (described && !member.describe({ name, metadata, attributes }))
    throw new TwirpError('invalid_argument', 'name, metadata or attributes are too long');
  if (permission) member.setPermissions(permissionsOf(permission, member.permissions));
  return member.info();
}

/** Mutes a track of someone. Only the participant itself can take that back: nobody is listened in on from afar. */
export function muteTrack(rooms: Rooms, request: MuteRoomTrackRequest): TrackInfo {
  const { trackSid, muted } = request;
  const member = memberOf(rooms, request);
  const track = [...member.tracks].find(({ sid }) => sid === trackSid);
  if (!track) throw new TwirpError('not_found', 'the participant has no such track');
  if (!muted && track.info.muted)
    throw new TwirpError('failed_precondition', 'a track can be unmuted by its participant only');
  member.send({ case: 'mute', value: new MuteTrackRequest({ sid: trackSid, muted }) });
  member.setMuted(track, muted);
  if (track.media) track.media.heldBack = muted;
  return track.info;
}

export function updateSubscriptions(rooms: Rooms, request: UpdateSubscriptionsRequest): void {
  const { trackSids, participantTracks, subscribe } = request;
  memberOf(rooms, request).subscribe(new UpdateSubscription({ trackSids, participantTracks, subscribe }));
}

/** Permissions are given all at once. Whether someone is hidden, and administers, stays as the token says. */
function permissionsOf(permission: ParticipantPermission, present: Permissions): Permissions {
  const sources = permission.canPublishSources.map(sourceName).filter((name) => name !== undefined);
  return {
    ...present,
    canPublish: permission.canPublish,
    canSubscribe: permission.canSubscribe,
    canPublishData: permission.canPublishData,
    canPublishSources: sources,
    canUpdateOwnMetadata: permission.canUpdateMetadata,
  };
}
