import type { DisconnectReason, ParticipantInfo, UpdateSubscription } from '@livekit/protocol';
import type { MediaCounters } from './counters.js';
import type { DataKind } from './data-channels.js';
import type { Description } from './description.js';
import type { ClientJoin } from './join-request.js';
import type { Response, SignalSocket } from './signal-socket.js';
import type { Permissions } from './token.js';
import type { ServerTrack } from './track.js';

/** A participant as its room and the other participants see it. */
export interface RoomMember {
  readonly sid: string;
  readonly identity: string;
  /** Not shown to others, who do not get its tracks either. */
  readonly hidden: boolean;
  readonly isPublisher: boolean;
  /** `standard`, `agent`, `ingress`, `egress` or `sip`, as its token says. */
  readonly kind: string;
  /** What it may do now: as its token says, until it is changed. */
  readonly permissions: Permissions;
  /** Everything announced, with media or not. */
  readonly tracks: Iterable<ServerTrack>;
  /** How many tracks it receives. */
  readonly subscriptionCount: number;
  readonly mediaCounters: MediaCounters;
  info(): ParticipantInfo;
  send(message: Response): void;
  /** Sends an encoded data packet, or counts why not. */
  sendData(kind: DataKind, data: Buffer): void;
  /** How its connections are, 0 to 100, since the last call. */
  measureQuality(nowUs: number): number;
  /** Another participant's track can be subscribed to, or who may subscribe to it has changed. */
  onTrackPublished(track: ServerTrack): void;
  onTrackUnpublished(track: ServerTrack): void;
  /** Whether a participant may subscribe to a track of this one. */
  allows(subscriber: RoomMember, trackSid: string): boolean;
  /** Someone receives a track of this one. */
  onTrackSubscribed(track: ServerTrack): void;
  /** Changes what is said of it: an empty name or metadata is left, an empty attribute taken away. False when it would be too long. */
  describe(changes: Description): boolean;
  /** A track was muted, or not any more: tells everyone. */
  setMuted(track: ServerTrack, muted: boolean): void;
  /** Subscribes to tracks or takes that back, as far as it may. */
  subscribe(request: UpdateSubscription): void;
  /** Changes what it may do, at once: what it may not any more ends. */
  setPermissions(permissions: Permissions): void;
  /** Goes on with a client whose signalling connection broke; false when it has to join anew. */
  resume(socket: SignalSocket, join: ClientJoin): boolean;
  /** Asks the client to join elsewhere; it goes by itself. */
  sendAway(): void;
  /** Tells the client to go, and ends its part. */
  leave(reason: DisconnectReason): void;
  /** Releases sockets, transports and timers, and tells the others. Idempotent. */
  close(): Promise<void>;
}
