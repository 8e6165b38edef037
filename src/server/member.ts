import type { DisconnectReason, ParticipantInfo } from '@livekit/protocol';
import type { Response } from './signal-socket.js';
import type { ServerTrack } from './track.js';

/** A participant as its room and the other participants see it. */
export interface RoomMember {
  readonly sid: string;
  readonly identity: string;
  /** Not shown to others, who do not get its tracks either. */
  readonly hidden: boolean;
  readonly isPublisher: boolean;
  /** Everything announced, with media or not. */
  readonly tracks: Iterable<ServerTrack>;
  info(): ParticipantInfo;
  send(message: Response): void;
  /** Sends a message on a data channel; false when the client has none of this name. */
  sendData(label: string, data: Buffer): boolean;
  onTrackPublished(track: ServerTrack): void;
  onTrackUnpublished(track: ServerTrack): void;
  /** Tells the client to go, and ends its part. */
  leave(reason: DisconnectReason): void;
  /** Releases sockets, transports and timers, and tells the others. Idempotent. */
  close(): Promise<void>;
}
