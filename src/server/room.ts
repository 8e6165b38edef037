import {
  ParticipantInfo,
  ParticipantInfo_State,
  ParticipantUpdate,
  Room as RoomInfo,
  RoomUpdate,
  SpeakersChanged,
} from '@livekit/protocol';
import type { ClockTimer } from '../media/clock.js';
import type { ServerContext } from './context.js';
import type { RoomMember } from './member.js';
import { QualityReports } from './quality-reports.js';
import type { Response } from './signal-socket.js';
import { newSid } from './sid.js';
import { SpeakerDetector } from './speakers.js';
import type { ServerTrack } from './track.js';

/** How often it is looked at who speaks, and how many are there, in ms. */
const WATCH_INTERVAL_MS = 300;
/** How often it is looked at how the connections are, in µs. */
const REPORT_INTERVAL_US = 5_000_000;
/** So many who left are remembered, for clients that were away just then. */
const MAX_DEPARTURES = 500;
/** For longer than a client may be away. */
const DEPARTURE_KEPT_US = 60_000_000;

/** What a room is like, by what its maker or its administrator says. */
export interface RoomSettings {
  /** How long it lives before anyone joins, and after the last one has left, in seconds. */
  readonly emptyTimeoutS: number;
  readonly departureTimeoutS: number;
  /** 0 is no limit. Agents and recorders are not counted. */
  readonly maxParticipants: number;
  readonly metadata: string;
}

/** One session: its participants, and what all of them are told. */
export class Room {
  readonly sid = newSid('RM_');
  readonly name: string;
  readonly speakers = new SpeakerDetector();
  readonly #createdAtMs = Date.now();
  #settings: RoomSettings = { emptyTimeoutS: 0, departureTimeoutS: 0, maxParticipants: 0, metadata: '' };
  readonly #participants = new Map<string, RoomMember>();
  readonly #bySid = new Map<string, RoomMember>();
  readonly #quality = new QualityReports();
  readonly #departures: { readonly info: ParticipantInfo; readonly atUs: number }[] = [];
  readonly #context: ServerContext;
  #timer: ClockTimer | undefined;
  #nextReportUs = 0;
  /** How many participants and publishers everyone was told of. */
  #toldSizes = '';

  readonly #onEmpty: (room: Room) => void;

  /** `onEmpty` is called when the last participant has left. */
  constructor(name: string, context: ServerContext, onEmpty: (room: Room) => void) {
    this.name = name;
    this.#context = context;
    this.#onEmpty = onEmpty;
  }

  get size(): number {
    return this.#participants.size;
  }

  get participants(): Iterable<RoomMember> {
    return this.#participants.values();
  }

  byIdentity(identity: string): RoomMember | undefined {
    return this.#participants.get(identity);
  }

  bySid(sid: string): RoomMember | undefined {
    return this.#bySid.get(sid);
  }

  /** Who has left since a moment of the server's clock, as the others were told. */
  departures(sinceUs: number): ParticipantInfo[] {
    return this.#departures.filter((one) => one.atUs >= sinceUs).map((one) => one.info);
  }

  get settings(): RoomSettings {
    return this.#settings;
  }

  /** Changes settings, and tells everyone. */
  configure(changes: Partial<RoomSettings>): void {
    this.#settings = { ...this.#settings, ...changes };
    this.tellState();
  }

  /** Whether someone of this identity and kind has a place: its own, when it is there already. */
  hasPlaceFor(identity: string, kind: string): boolean {
    const { maxParticipants } = this.#settings;
    if (maxParticipants === 0 || isDependent(kind) || this.#participants.has(identity)) return true;
    return this.#countIndependent() < maxParticipants;
  }

  /** Sends everyone the room's state. */
  tellState(): void {
    const room = this.info();
    this.#toldSizes = `${room.numParticipants} ${room.numPublishers}`;
    if (this.#participants.size > 0) this.broadcast({ case: 'roomUpdate', value: new RoomUpdate({ room }) });
  }

  info(): RoomInfo {
    const { emptyTimeoutS: emptyTimeout, departureTimeoutS: departureTimeout, ...settings } = this.#settings;
    let numPublishers = 0;
    for (const participant of this.#participants.values()) if (participant.isPublisher) numPublishers++;
    return new RoomInfo({
      sid: this.sid,
      name: this.name,
      creationTime: BigInt(Math.floor(this.#createdAtMs / 1000)),
      creationTimeMs: BigInt(this.#createdAtMs),
      emptyTimeout,
      departureTimeout,
      ...settings,
      numParticipants: this.#countIndependent(),
      numPublishers,
    });
  }

  /** Takes a participant in; whoever has its identity must have left before. The others are told by `announce`. */
  add(participant: RoomMember): void {
    this.#participants.set(participant.identity, participant);
    this.#bySid.set(participant.sid, participant);
    if (this.#timer) return;
    this.#nextReportUs = this.#context.clock.nowUs() + REPORT_INTERVAL_US;
    this.#timer = this.#watch();
  }

  /** Tells the others that a participant is gone. Idempotent. */
  remove(participant: RoomMember): void {
    if (this.#participants.get(participant.identity) !== participant) return;
    this.#participants.delete(participant.identity);
    this.#bySid.delete(participant.sid);
    this.speakers.forget(participant.sid);
    this.announce(participant);
    if (this.#participants.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#onEmpty(this);
  }

  /** Sends a participant's present state to everyone, itself included. */
  announce(participant: RoomMember): void {
    const info = participant.info();
    const gone = info.state === ParticipantInfo_State.DISCONNECTED;
    const update = (): Response => ({ case: 'update', value: new ParticipantUpdate({ participants: [info] }) });
    if (!gone) participant.send(update());
    if (participant.hidden) return;
    if (gone) this.#rememberDeparture(info);
    this.broadcast(update(), participant);
  }

  broadcast(message: Response, except?: RoomMember): void {
    for (const participant of this.#participants.values()) if (participant !== except) participant.send(message);
  }

  /** Gives a new track to everyone who takes what comes. */
  offerTrack(track: ServerTrack, owner: RoomMember): void {
    if (owner.hidden) return;
    for (const participant of this.#participants.values())
      if (participant !== owner) participant.onTrackPublished(track);
  }

  /** Takes a track away from everyone. */
  withdrawTrack(track: ServerTrack): void {
    for (const participant of this.#participants.values()) participant.onTrackUnpublished(track);
  }

  /** The tracks with media of everyone but `participant`. */
  *tracksFor(participant: RoomMember): Iterable<ServerTrack> {
    for (const other of this.#participants.values()) {
      if (other === participant || other.hidden) continue;
      for (const track of other.tracks) if (track.media) yield track;
    }
  }

  #reportQuality(nowUs: number): void {
    if (nowUs < this.#nextReportUs) return;
    this.#nextReportUs = nowUs + REPORT_INTERVAL_US;
    this.#quality.report(this.#participants.values(), nowUs);
  }

  #rememberDeparture(info: ParticipantInfo): void {
    const nowUs = this.#context.clock.nowUs();
    // Clients look at nothing else of who is gone.
    const { sid, identity, name, kind, state, version, joinedAt, joinedAtMs, disconnectReason } = info;
    const known = { sid, identity, name, kind, state, version, joinedAt, joinedAtMs, disconnectReason };
    const left = new ParticipantInfo(known);
    this.#departures.push({ info: left, atUs: nowUs });
    const isOld = ({ atUs }: { readonly atUs: number }): boolean => nowUs - atUs > DEPARTURE_KEPT_US;
    while (this.#departures.length > MAX_DEPARTURES || (this.#departures[0] && isOld(this.#departures[0])))
      this.#departures.shift();
  }

  #countIndependent(): number {
    let count = 0;
    for (const { kind } of this.#participants.values()) if (!isDependent(kind)) count++;
    return count;
  }

  #watch(): ClockTimer {
    return this.#context.clock.after(WATCH_INTERVAL_MS, () => {
      if (this.#participants.size === 0) return;
      this.#timer = this.#watch();
      this.#reportQuality(this.#context.clock.nowUs());
      const { numParticipants, numPublishers } = this.info();
      if (this.#toldSizes !== `${numParticipants} ${numPublishers}`) this.tellState();
      const speakers = this.speakers.takeChanges();
      if (speakers.length > 0) this.broadcast({ case: 'speakersChanged', value: new SpeakersChanged({ speakers }) });
    });
  }
}

/** Those who are there because of others take no place. */
function isDependent(kind: string): boolean {
  return kind === 'agent' || kind === 'egress';
}
