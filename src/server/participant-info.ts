import {
  type DisconnectReason,
  ParticipantInfo,
  ParticipantInfo_Kind,
  ParticipantInfo_State,
  ParticipantPermission,
  type TrackSource,
} from '@livekit/protocol';
import type { Description } from './description.js';
import type { Permissions } from './token.js';
import { type ServerTrack, sourceByName } from './track.js';

const KINDS: Readonly<Record<string, ParticipantInfo_Kind>> = {
  ingress: ParticipantInfo_Kind.INGRESS,
  egress: ParticipantInfo_Kind.EGRESS,
  sip: ParticipantInfo_Kind.SIP,
  agent: ParticipantInfo_Kind.AGENT,
};

/** What others are told of a participant. */
export interface ParticipantState extends Description {
  readonly sid: string;
  readonly identity: string;
  readonly kind: string;
  readonly permissions: Permissions;
  readonly tracks: Iterable<ServerTrack>;
  readonly isPublisher: boolean;
  /** In milliseconds since 1970. */
  readonly joinedAtMs: number;
  /** Goes up with each change. */
  readonly version: number;
  /** Why it left; undefined while it is there. */
  readonly left: DisconnectReason | undefined;
}

export function participantInfo(state: ParticipantState): ParticipantInfo {
  const { sid, identity, name, metadata, attributes, version, isPublisher, joinedAtMs, left } = state;
  return new ParticipantInfo({
    sid,
    identity,
    state: left === undefined ? ParticipantInfo_State.ACTIVE : ParticipantInfo_State.DISCONNECTED,
    tracks: [...state.tracks].filter((track) => track.media).map((track) => track.info),
    metadata,
    joinedAt: BigInt(Math.floor(joinedAtMs / 1000)),
    joinedAtMs: BigInt(joinedAtMs),
    name,
    version,
    permission: permissionMessage(state.permissions),
    isPublisher,
    kind: KINDS[state.kind] ?? ParticipantInfo_Kind.STANDARD,
    attributes,
    ...(left !== undefined && { disconnectReason: left }),
  });
}

function permissionMessage(permissions: Permissions): ParticipantPermission {
  return new ParticipantPermission({
    canSubscribe: permissions.canSubscribe,
    canPublish: permissions.canPublish,
    canPublishData: permissions.canPublishData,
    canPublishSources: permissions.canPublishSources
      .map(sourceByName)
      .filter((source): source is TrackSource => source !== undefined),
    hidden: permissions.hidden,
    canUpdateMetadata: permissions.canUpdateOwnMetadata,
  });
}
