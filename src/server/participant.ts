import {
  DisconnectReason,
  LeaveRequest,
  LeaveRequest_Action,
  type ParticipantInfo,
  ParticipantUpdate,
  RoomUpdate,
  type SubscriptionPermission,
  TrackSubscribed,
  TrackUnpublishedResponse,
  type UpdateSubscription,
} from '@livekit/protocol';
import { ClientConnections } from './client-connections.js';
import type { ServerContext } from './context.js';
import type { MediaCounters } from './counters.js';
import { DataChannels, type DataKind } from './data-channels.js';
import { DataRelay } from './data-relay.js';
import { type Description, changeDescription } from './description.js';
import type { ClientJoin } from './join-request.js';
import { joinResponse, reconnectResponse } from './join-response.js';
import type { RoomMember } from './member.js';
import { participantInfo } from './participant-info.js';
import type { PublisherConnection } from './publisher-connection.js';
import type { Room } from './room.js';
import { SignalLink } from './signal-link.js';
import type { Request, Response, SignalSocket } from './signal-socket.js';
import { newSid } from './sid.js';
import type { SubscriberConnection } from './subscriber-connection.js';
import { Subscriptions } from './subscriptions.js';
import { type Grants, type Permissions, createToken } from './token.js';
import { RENEWED_TTL_SECONDS, TokenRenewal } from './token-renewal.js';
import { TrackPermissions } from './track-permissions.js';
import { type ServerTrack, mayPublish } from './track.js';

export interface ParticipantOptions {
  readonly room: Room;
  readonly grants: Grants;
  readonly socket: SignalSocket;
  readonly context: ServerContext;
  readonly join: ClientJoin;
  /** Does what the client asks. */
  onRequest(participant: Participant, request: Request): void;
}

/** One client in a room: its signalling, what it publishes, what it receives. */
export class Participant implements RoomMember {
  readonly sid = newSid('PA_');
  readonly identity: string;
  readonly grants: Grants;
  readonly room: Room;
  readonly context: ServerContext;
  readonly publisher: PublisherConnection;
  readonly subscriber: SubscriberConnection;
  readonly subscriptions: Subscriptions;
  name: string;
  metadata: string;
  attributes: Record<string, string>;
  /** In milliseconds since 1970. */
  readonly joinedAtMs = Date.now();
  /** Round-trip time of the signalling connection, as the client measures it. */
  rttMs = 0;
  readonly #link: SignalLink;
  readonly #data: DataChannels;
  readonly #relay: DataRelay;
  readonly #connections: ClientConnections;
  readonly #join: ClientJoin;
  readonly #onRequest: ParticipantOptions['onRequest'];
  readonly #trackPermissions = new TrackPermissions();
  /** Tracks of which the client knows that someone receives them. */
  readonly #subscribedTracks = new Set<string>();
  #permissions: Permissions;
  #renewal: TokenRenewal | undefined;
  #version = 1;
  #sentAway = false;
  #left: DisconnectReason | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: ParticipantOptions) {
    const { room, grants, socket, context, join } = options;
    this.room = room;
    this.grants = grants;
    this.context = context;
    this.identity = grants.identity;
    const { name, metadata, attributes } = changeDescription(grants, { ...join, name: '' }) ?? grants;
    this.name = name;
    this.metadata = metadata;
    this.attributes = { ...attributes };
    this.#permissions = grants.permissions;
    this.#join = join;
    this.#onRequest = (participant, request) => {
      options.onRequest(participant, request);
    };
    this.#relay = new DataRelay(this, () => room.participants, context.counters.data);
    this.#data = this.#makeData();
    this.#link = this.#makeLink(socket);
    this.#connections = this.#makeConnections();
    this.publisher = this.#connections.publisher;
    this.subscriber = this.#connections.subscriber;
    this.subscriptions = new Subscriptions({
      member: this,
      room,
      subscriber: this.subscriber,
      autoSubscribe: join.autoSubscribe,
      mayReceive: () => this.#permissions.canSubscribe,
    });
  }

  get subscriptionCount(): number {
    return this.subscriber.count;
  }

  get mediaCounters(): MediaCounters {
    return this.#connections.counters;
  }

  get permissions(): Permissions {
    return this.#permissions;
  }

  get hidden(): boolean {
    return this.#permissions.hidden;
  }

  get tracks(): Iterable<ServerTrack> {
    return this.publisher.tracks();
  }

  get isPublisher(): boolean {
    for (const track of this.tracks) if (track.media) return true;
    return false;
  }

  get kind(): string {
    return this.grants.kind;
  }

  /** The participant takes part: it was told so, and has not left. */
  get present(): boolean {
    return this.#left === undefined;
  }

  get connections(): ClientConnections {
    return this.#connections;
  }

  /** Enters the room: the client gets its join response, the others an update, and the media that is there is offered. */
  join(): void {
    const { room } = this;
    const others = [...room.participants].filter((other) => !other.hidden);
    room.add(this);
    this.send({ case: 'join', value: joinResponse(this, room, others) });
    if (!this.hidden) {
      room.broadcast({ case: 'update', value: new ParticipantUpdate({ participants: [this.info()] }) }, this);
    }
    this.subscriptions.reviewAll();
    this.#renewal = this.#renewToken();
    for (const request of this.#join.addTracks) this.#onRequest(this, { case: 'addTrack', value: request });
    if (this.#join.offer) this.#onRequest(this, { case: 'offer', value: this.#join.offer });
  }

  resume(socket: SignalSocket, join: ClientJoin): boolean {
    if (!this.present || !this.#link.complete || !this.#connections.usable) return false;
    const { room } = this;
    const others = [...room.participants].filter((other) => other !== this && !other.hidden);
    const participants = [...room.departures(this.#link.heardUs), ...others.map((other) => other.info()), this.info()];
    this.#link.resume(socket, [
      { case: 'reconnect', value: reconnectResponse(this.#relay.lastSequence) },
      { case: 'update', value: new ParticipantUpdate({ participants }) },
      { case: 'roomUpdate', value: new RoomUpdate({ room: room.info() }) },
    ]);
    this.#connections.resume();
    this.context.log.info({ participant: this.sid }, 'signalling is back');
    if (join.syncState) this.#onRequest(this, { case: 'syncState', value: join.syncState });
    if (join.offer) this.#onRequest(this, { case: 'offer', value: join.offer });
    return true;
  }

  send(message: Response): void {
    this.#link.send(message);
  }

  info(): ParticipantInfo {
    const { sid, identity, name, metadata, attributes, kind, permissions, tracks, isPublisher, joinedAtMs } = this;
    const described = { name, metadata, attributes, version: this.#version, left: this.#left };
    return participantInfo({ ...described, sid, identity, kind, permissions, tracks, isPublisher, joinedAtMs });
  }

  describe(changes: Description): boolean {
    const changed = changeDescription(this, changes);
    if (!changed) return false;
    this.name = changed.name;
    this.metadata = changed.metadata;
    this.attributes = { ...changed.attributes };
    this.changed();
    return true;
  }

  setMuted(track: ServerTrack, muted: boolean): void {
    if (track.media && !muted) track.media.heldBack = false;
    if (track.info.muted === muted) return;
    track.info.muted = muted;
    if (track.media) this.changed();
  }

  measureQuality(nowUs: number): number {
    return this.#connections.measureQuality(nowUs);
  }

  subscribe(request: UpdateSubscription): void {
    this.subscriptions.request(request);
  }

  /** Something that others see has changed: tells everyone. */
  changed(): void {
    this.#version++;
    this.room.announce(this);
  }

  setPermissions(permissions: Permissions): void {
    this.#permissions = permissions;
    if (!this.present) return;
    for (const track of [...this.tracks]) {
      if (mayPublish(permissions, track.info.source)) continue;
      this.publisher.withdraw(track.sid);
      this.send({ case: 'trackUnpublished', value: new TrackUnpublishedResponse({ trackSid: track.sid }) });
    }
    this.subscriptions.reviewAll();
    this.changed();
    this.#renewal?.renew();
  }

  /** Says who may subscribe to what this participant publishes. */
  setTrackPermissions(permission: SubscriptionPermission): void {
    this.#trackPermissions.set(permission);
    for (const track of this.tracks) if (track.media) this.room.offerTrack(track, this);
  }

  allows(subscriber: RoomMember, trackSid: string): boolean {
    return !this.hidden && this.#trackPermissions.allows(subscriber, trackSid);
  }

  onTrackSubscribed({ sid }: ServerTrack): void {
    if (this.#subscribedTracks.has(sid)) return;
    this.#subscribedTracks.add(sid);
    this.send({ case: 'trackSubscribed', value: new TrackSubscribed({ trackSid: sid }) });
  }

  onTrackPublished(track: ServerTrack): void {
    this.subscriptions.review(track);
  }

  onTrackUnpublished(track: ServerTrack): void {
    this.subscriptions.forget(track.sid);
  }

  sendData(kind: DataKind, data: Buffer): void {
    this.#data.send(kind, data);
  }

  /** Tells the client to go, or to come back by itself, and ends its part. */
  leave(reason: DisconnectReason, action = LeaveRequest_Action.DISCONNECT): void {
    if (!this.present) return;
    this.#left = this.#sentAway ? DisconnectReason.SERVER_SHUTDOWN : reason;
    const canReconnect = action !== LeaveRequest_Action.DISCONNECT;
    this.send({ case: 'leave', value: new LeaveRequest({ reason, action, canReconnect }) });
    void this.close();
  }

  /** Asks the client to join elsewhere: its media goes on until it does. */
  sendAway(): void {
    this.#sentAway = true;
    const [reason, action] = [DisconnectReason.SERVER_SHUTDOWN, LeaveRequest_Action.RECONNECT];
    this.send({ case: 'leave', value: new LeaveRequest({ reason, action, canReconnect: true }) });
  }

  /** Cuts the signalling connection as a network would. */
  dropSignal(): void {
    this.#link.drop();
  }

  /** Releases sockets, transports and timers, and tells the others. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#left ??= DisconnectReason.CLIENT_INITIATED;
    this.#renewal?.close();
    for (const track of this.tracks) if (track.media) this.room.withdrawTrack(track);
    this.room.remove(this);
    this.#link.close('left');
    this.#data.close();
    await this.#connections.close();
  }

  #makeLink(socket: SignalSocket): SignalLink {
    const { clock, log } = this.context;
    return new SignalLink(socket, {
      clock,
      onRequest: (request) => {
        this.#onRequest(this, request);
      },
      mayReturn: (awayUs) => {
        const nowUs = clock.nowUs();
        return this.present && !this.#sentAway && this.#connections.seemsAlive(nowUs - awayUs, nowUs);
      },
      onGone: (reason) => {
        log.info({ participant: this.sid, reason }, 'signalling ended');
        const away = this.#link.away ? DisconnectReason.CONNECTION_TIMEOUT : DisconnectReason.SIGNAL_CLOSE;
        this.#left ??= this.#sentAway ? DisconnectReason.SERVER_SHUTDOWN : away;
        void this.close();
      },
    });
  }

  #makeData(): DataChannels {
    return new DataChannels(this.context, {
      onPacket: (kind, data) => {
        if (this.present) this.#relay.relay(kind, data);
      },
      onOverflow: (reason) => {
        this.context.log.warn({ participant: this.sid, reason }, 'a participant has to come back');
        this.leave(DisconnectReason.CONNECTION_TIMEOUT, LeaveRequest_Action.RECONNECT);
      },
    });
  }

  #makeConnections(): ClientConnections {
    return new ClientConnections(this.context, {
      name: this.sid,
      single: this.#join.single,
      send: (message) => {
        this.send(message);
      },
      onAudioLevel: (level) => {
        if (!this.hidden) this.room.speakers.hear(this.sid, level);
      },
      onTrackBound: (track) => {
        this.#onTrackBound(track);
      },
      onTrackUnbound: (track) => {
        this.#onTrackUnbound(track);
      },
      onDataChannel: (channel) => {
        this.#data.adopt(channel);
      },
      onAgreed: (track, accepted) => {
        this.subscriptions.onAgreed(track, accepted);
      },
      onFailed: () => {
        this.leave(DisconnectReason.MEDIA_FAILURE, LeaveRequest_Action.RECONNECT);
      },
    });
  }

  #renewToken(): TokenRenewal {
    const { clock, log, keys } = this.context;
    const { apiKey, identity, sessionId, kind, expiresAtMs } = this.grants;
    return new TokenRenewal({
      clock,
      remainingMs: expiresAtMs - Date.now(),
      sign: () => {
        const { name, metadata, attributes } = this;
        const common = { apiKey, apiSecret: keys[apiKey] ?? '', identity, sessionId, ttlSeconds: RENEWED_TTL_SECONDS };
        return createToken({ ...common, name, metadata, attributes, kind, grants: this.#permissions });
      },
      onToken: (token) => {
        this.send({ case: 'refreshToken', value: token });
      },
      onError: (error) => {
        log.error({ err: error, participant: this.sid }, 'a token could not be renewed');
      },
    });
  }

  #onTrackBound(track: ServerTrack): void {
    if (!this.present) return;
    // The others have to know a track before its offer arrives, or they drop it for good.
    this.changed();
    this.room.offerTrack(track, this);
  }

  #onTrackUnbound(track: ServerTrack): void {
    if (!this.present) return;
    this.#subscribedTracks.delete(track.sid);
    this.room.withdrawTrack(track);
    this.changed();
  }
}
