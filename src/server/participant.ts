import {
  DisconnectReason,
  JoinResponse,
  LeaveRequest,
  LeaveRequest_Action,
  ParticipantInfo,
  ParticipantInfo_Kind,
  ParticipantInfo_State,
  ParticipantPermission,
  ParticipantUpdate,
  ServerInfo,
  SignalTarget,
  type TrackSource,
  TrickleRequest,
} from '@livekit/protocol';
import type { ServerContext } from './context.js';
import { relayData } from './data-relay.js';
import { PublisherConnection } from './publisher-connection.js';
import type { RoomMember } from './member.js';
import type { Room } from './room.js';
import {
  PING_INTERVAL_SECONDS,
  PING_TIMEOUT_SECONDS,
  type Request,
  type Response,
  type SignalSocket,
} from './signal-socket.js';
import { newSid } from './sid.js';
import { SubscriberConnection } from './subscriber-connection.js';
import type { Grants } from './token.js';
import { type ServerTrack, sourceByName } from './track.js';

/** The version that clients are told: they choose their ways by it. */
const PROTOCOL_VERSION = '1.9.0';
const SIGNAL_PROTOCOL = 15;

const KINDS: Readonly<Record<string, ParticipantInfo_Kind>> = {
  ingress: ParticipantInfo_Kind.INGRESS,
  egress: ParticipantInfo_Kind.EGRESS,
  sip: ParticipantInfo_Kind.SIP,
  agent: ParticipantInfo_Kind.AGENT,
};

export interface ParticipantOptions {
  readonly room: Room;
  readonly grants: Grants;
  readonly socket: SignalSocket;
  readonly context: ServerContext;
  /** Subscribe to every track as it comes. */
  readonly autoSubscribe: boolean;
  /** Does what the client asks. */
  onRequest(participant: Participant, request: Request): void;
}

/** One client in a room: its signalling socket, what it publishes, what it receives. */
export class Participant implements RoomMember {
  readonly sid = newSid('PA_');
  readonly identity: string;
  readonly grants: Grants;
  readonly room: Room;
  readonly context: ServerContext;
  readonly publisher: PublisherConnection;
  readonly subscriber: SubscriberConnection;
  name: string;
  metadata: string;
  attributes: Record<string, string>;
  /** Round-trip time of the signalling connection, as the client measures it. */
  rttMs = 0;
  readonly #socket: SignalSocket;
  readonly #autoSubscribe: boolean;
  readonly #onRequest: ParticipantOptions['onRequest'];
  readonly #joinedAtMs = Date.now();
  #version = 1;
  #left: DisconnectReason | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: ParticipantOptions) {
    const { room, grants, socket, context } = options;
    this.room = room;
    this.grants = grants;
    this.context = context;
    this.identity = grants.identity;
    this.name = grants.name;
    this.metadata = grants.metadata;
    this.attributes = { ...grants.attributes };
    this.#socket = socket;
    this.#onRequest = (participant, request) => {
      options.onRequest(participant, request);
    };
    this.#autoSubscribe = options.autoSubscribe && grants.permissions.canSubscribe;
    const onFailed = (): void => {
      this.leave(DisconnectReason.STATE_MISMATCH, LeaveRequest_Action.RECONNECT);
    };
    this.publisher = new PublisherConnection(context, {
      name: this.sid,
      onAudioLevel: (level) => {
        if (!this.hidden) room.speakers.hear(this.sid, level);
      },
      onTrackBound: (track) => {
        this.#onTrackBound(track);
      },
      onTrackUnbound: (track) => {
        this.#onTrackUnbound(track);
      },
      onData: (label, data) => {
        if (grants.permissions.canPublishData) relayData(this, room.participants, label, data);
      },
      onAnswer: (answer) => {
        this.send({ case: 'answer', value: answer });
      },
      onFailed,
    });
    this.subscriber = new SubscriberConnection(context, {
      name: this.sid,
      onOffer: (offer) => {
        this.send({ case: 'offer', value: offer });
      },
      onCandidate: (candidate) => {
        const candidateInit = JSON.stringify({ candidate, sdpMid: '0', sdpMLineIndex: 0 });
        this.send({ case: 'trickle', value: new TrickleRequest({ candidateInit, target: SignalTarget.SUBSCRIBER }) });
      },
      onFailed,
    });
  }

  get hidden(): boolean {
    return this.grants.permissions.hidden;
  }

  get tracks(): Iterable<ServerTrack> {
    return this.publisher.tracks();
  }

  get isPublisher(): boolean {
    for (const track of this.tracks) if (track.media) return true;
    return false;
  }

  /** The participant takes part: it was told so, and has not left. */
  get present(): boolean {
    return this.#left === undefined;
  }

  /** Enters the room: the client gets its join response, the others an update, and the media that is there is offered. */
  join(): void {
    const { room } = this;
    const others = [...room.participants].filter((other) => !other.hidden);
    room.add(this);
    this.#socket.listen({
      onRequest: (request) => {
        this.#onRequest(this, request);
      },
      onClose: (reason) => {
        this.context.log.info({ participant: this.sid, reason }, 'signalling ended');
        this.#left ??= DisconnectReason.SIGNAL_CLOSE;
        void this.close();
      },
    });
    this.send({ case: 'join', value: this.#joinResponse(others) });
    if (!this.hidden) {
      room.broadcast({ case: 'update', value: new ParticipantUpdate({ participants: [this.info()] }) }, this);
    }
    for (const track of room.tracksFor(this)) this.onTrackPublished(track);
  }

  send(message: Response): void {
    this.#socket.send(message);
  }

  info(): ParticipantInfo {
    return new ParticipantInfo({
      sid: this.sid,
      identity: this.identity,
      state: this.present ? ParticipantInfo_State.ACTIVE : ParticipantInfo_State.DISCONNECTED,
      tracks: [...this.tracks].filter((track) => track.media).map((track) => track.info),
      metadata: this.metadata,
      joinedAt: BigInt(Math.floor(this.#joinedAtMs / 1000)),
      joinedAtMs: BigInt(this.#joinedAtMs),
      name: this.name,
      version: this.#version,
      permission: this.#permission(),
      isPublisher: this.isPublisher,
      kind: KINDS[this.grants.kind] ?? ParticipantInfo_Kind.STANDARD,
      attributes: this.attributes,
      ...(this.#left !== undefined && { disconnectReason: this.#left }),
    });
  }

  /** Something that others see has changed: tells everyone. */
  changed(): void {
    this.#version++;
    this.room.announce(this);
  }

  onTrackPublished(track: ServerTrack): void {
    if (this.#autoSubscribe) this.subscriber.add(track);
  }

  onTrackUnpublished(track: ServerTrack): void {
    this.subscriber.remove(track.sid);
  }

  sendData(label: string, data: Buffer): boolean {
    return this.publisher.sendData(label, data);
  }

  /** Tells the client to go, or to come back by itself, and ends its part. */
  leave(reason: DisconnectReason, action = LeaveRequest_Action.DISCONNECT): void {
    if (!this.present) return;
    this.#left = reason;
    const canReconnect = action !== LeaveRequest_Action.DISCONNECT;
    this.send({ case: 'leave', value: new LeaveRequest({ reason, action, canReconnect }) });
    void this.close();
  }

  /** Releases sockets, transports and timers, and tells the others. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#left ??= DisconnectReason.CLIENT_INITIATED;
    for (const track of this.tracks) if (track.media) this.room.withdrawTrack(track);
    this.room.remove(this);
    this.#socket.close('left');
    await Promise.all([this.publisher.close(), this.subscriber.close()]);
  }

  #onTrackBound(track: ServerTrack): void {
    if (!this.present) return;
    // The others have to know a track before its offer arrives, or they drop it for good.
    this.changed();
    this.room.offerTrack(track, this);
  }

  #onTrackUnbound(track: ServerTrack): void {
    if (!this.present) return;
    this.room.withdrawTrack(track);
    this.changed();
  }

  /** Every field that a client insists on is here: a half-filled join aborts some of them. */
  #joinResponse(others: readonly RoomMember[]): JoinResponse {
    return new JoinResponse({
      room: this.room.info(),
      participant: this.info(),
      otherParticipants: others.map((other) => other.info()),
      serverVersion: PROTOCOL_VERSION,
      serverInfo: new ServerInfo({ version: PROTOCOL_VERSION, protocol: SIGNAL_PROTOCOL, nodeId: 'sluice' }),
      subscriberPrimary: false,
      pingInterval: PING_INTERVAL_SECONDS,
      pingTimeout: PING_TIMEOUT_SECONDS,
      enabledPublishCodecs: [
        { mime: 'audio/opus', fmtpLine: '' },
        { mime: 'video/VP8', fmtpLine: '' },
        { mime: 'video/H264', fmtpLine: '' },
      ],
    });
  }

  #permission(): ParticipantPermission {
    const { permissions } = this.grants;
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
}
