import { DisconnectReason } from '@livekit/protocol';

const WORDS: Readonly<Partial<Record<DisconnectReason, string>>> = {
  [DisconnectReason.DUPLICATE_IDENTITY]: 'somebody else has joined with the same identity',
  [DisconnectReason.SERVER_SHUTDOWN]: 'it shuts down',
  [DisconnectReason.PARTICIPANT_REMOVED]: 'this participant was removed',
  [DisconnectReason.ROOM_DELETED]: 'the session was deleted',
  [DisconnectReason.ROOM_CLOSED]: 'the session was closed',
  [DisconnectReason.STATE_MISMATCH]: 'it does not know this participant any more',
  [DisconnectReason.JOIN_FAILURE]: 'joining failed',
  [DisconnectReason.MIGRATION]: 'the session moves to another server',
  [DisconnectReason.CONNECTION_TIMEOUT]: 'no media connection came about in time',
  [DisconnectReason.MEDIA_FAILURE]: 'the media connection failed',
};

/** Why a server says goodbye, for a sentence that begins with it. */
export function leaveReason(reason: DisconnectReason): string {
  return WORDS[reason] ?? `reason ${reason}`;
}
