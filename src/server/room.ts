import { ParticipantInfo_State, ParticipantUpdate, Room as RoomInfo, SpeakersChanged } from '@livekit/protocol';
import type { ServerContext } from './context.js';
import type { RoomMember } from './member.js';
import type { Response } from './signal-socket.js';
import { newSid } from './sid.js';
import { SpeakerDetector } from './speakers.js';
import type { ServerTrack } from './track.js';

/** How often the loudness of the participants is looked at, in ms. */
const SPEAKER_INTERVAL_MS = 300;

/** One session: its participants, and what all of them are told. */
export class Room {
  readonly sid = newSid('RM_');
  readonly name: string;
  readonly speakers = new SpeakerDetector();
  readonly #createdAtMs = Date.now();
  readonly #participants = new Map<string, RoomMember>();
  readonly #context: ServerContext;
  #speakerTimer: { cancel(): void } | undefined;

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

  info(): RoomInfo {
    let numPublishers = 0;
    for (const participant of this.#participants.values()) if (participant.isPublisher) numPublishers++;
    return new RoomInfo({
      sid: this.sid,
      name: this.name,
      creationTime: BigInt(Math.floor(this.#createdAtMs / 1000)),
      creationTimeMs: BigInt(this.#createdAtMs),
      numParticipants: this.#participants.size,
      numPublishers,
    });
  }

  /** Takes a participant in; whoever has its identity must have left before. The others are told by `announce`. */
  add(participant: RoomMember): void {
    this.#participants.set(participant.identity, participant);
    this.#speakerTimer ??= this.#watchSpeakers();
  }

  /** Tells the others that a participant is gone. Idempotent. */
  remove(participant: RoomMember): void {
    if (this.#participants.get(participant.identity) !== participant) return;
    this.#participants.delete(participant.identity);
    this.speakers.forget(participant.sid);
    this.announce(participant);
    if (this.#participants.size > 0) return;
    this.#speakerTimer?.cancel();
    this.#speakerTimer = undefined;
    this.#onEmpty(this);
  }

  /** Sends a participant's present state to everyone, itself included. */
  announce(participant: RoomMember): void {
    const info = participant.info();
    const gone = info.state === ParticipantInfo_State.DISCONNECTED;
    const update = (): Response => ({ case: 'update', value: new ParticipantUpdate({ participants: [info] }) });
    if (!gone) participant.send(update());
    if (!participant.hidden) this.broadcast(update(), participant);
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

  #watchSpeakers(): { cancel(): void } {
    return this.#context.clock.after(SPEAKER_INTERVAL_MS, () => {
      if (this.#participants.size === 0) return;
      this.#speakerTimer = this.#watchSpeakers();
      const speakers = this.speakers.takeChanges();
      if (speakers.length > 0) this.broadcast({ case: 'speakersChanged', value: new SpeakersChanged({ speakers }) });
    });
  }
}
