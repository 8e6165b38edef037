import { isDeepStrictEqual } from 'node:util';
import { DisconnectReason, type ParticipantInfo, ParticipantInfo_Kind, ParticipantInfo_State } from '@livekit/protocol';
import type { CaptionedTrack } from './captions/caption-packets.js';
import type { ConnectionInfo } from './port.js';
import {
  type StreamChange,
  type StreamEntry,
  NO_TRACKS,
  awaitTracks,
  giveUpTracks,
  groupTracks,
  hasSameState,
  hasSameTracks,
  putBack,
} from './stream-entry.js';

/** What an update changed, in the order in which it should be told. */
export type DirectoryChange =
  | {
      readonly type: 'connectionCreated' | 'connectionUpdated' | 'connectionDropped';
      readonly connection: ConnectionInfo;
    }
  | { readonly type: 'streamReceived'; readonly stream: StreamEntry }
  | StreamChange;

interface Person {
  /** The server's id of it now; undefined while it is expected back. */
  sid: string | undefined;
  joinedMs: number;
  connection: ConnectionInfo;
  /** A program that its server has let speak for others. */
  readonly isAgent: boolean;
  streams: Map<string, StreamEntry>;
}

/** Who leaves for one of these is on the way to another server, or has joined again. */
const EXPECTED_BACK: ReadonlySet<DisconnectReason> = new Set([
  DisconnectReason.DUPLICATE_IDENTITY,
  DisconnectReason.MIGRATION,
  DisconnectReason.SERVER_SHUTDOWN,
]);

/**
 * Who is in the session and which streams they send, from LiveKit's participant lists. Who joins again, here or at the server that
 * this participant goes to, is known by its identity: its connection and its streams keep the ids that were told first. Pure.
 */
export class Directory {
  /** By identity. */
  readonly #people = new Map<string, Person>();
  /** Those who are not just expected, by the server's ids. */
  readonly #present = new Map<string, Person>();
  readonly #selfIdentity: string;

  /** `selfIdentity`: the participant whose own streams are not listed. */
  constructor(selfIdentity: string) {
    this.#selfIdentity = selfIdentity;
  }

  /** Every stream that is there now, or expected back. */
  *streams(): IterableIterator<StreamEntry> {
    for (const person of this.#people.values()) yield* person.streams.values();
  }

  stream(streamId: string): StreamEntry | undefined {
    for (const person of this.#people.values()) {
      const stream = person.streams.get(streamId);
      if (stream) return stream;
    }
    return undefined;
  }

  /** The track that captions of a stream are about: its sound where it has any. */
  captionedTrack(streamId: string): CaptionedTrack | undefined {
    const entry = this.stream(streamId);
    const trackSid = entry?.audioTrack ?? entry?.videoTrack;
    return entry && trackSid !== undefined ? { identity: entry.state.connection.identity, trackSid } : undefined;
  }

  /** The stream that a track belongs to. */
  streamOfTrack(trackSid: string): StreamEntry | undefined {
    for (const stream of this.streams()) {
      if (stream.audioTrack === trackSid || stream.videoTrack === trackSid) return stream;
    }
    return undefined;
  }

  /**
   * The stream of a participant, by its identity, that what it says in a track belongs to: that of the track, or its only one
   * where the track is not named or not there any more.
   */
  streamOfSpeaker(identity: string, trackSid: string): StreamEntry | undefined {
    const streams = [...(this.#people.get(identity)?.streams.values() ?? [])];
    const named = this.streamOfTrack(trackSid);
    if (named) return streams.includes(named) ? named : undefined;
    return streams.length === 1 ? streams[0] : undefined;
  }

  isAgent(identity: string): boolean {
    return this.#people.get(identity)?.isAgent === true;
  }

  /** The streams of one participant, by the server's id of it. */
  streamsOf(participantSid: string): StreamEntry[] {
    return [...(this.#present.get(participantSid)?.streams.values() ?? [])];
  }

  /** Somebody is expected back, or some of what they sent. */
  get isWaiting(): boolean {
    for (const { sid, streams } of this.#people.values()) {
      if (sid === undefined) return true;
      for (const stream of streams.values()) if (stream.awaited) return true;
    }
    return false;
  }

  /** Takes in news of participants; with `complete` it tells of everyone, and who is not in it has left. */
  update(participants: readonly ParticipantInfo[], complete = false): DirectoryChange[] {
    const changes: DirectoryChange[] = [];
    const told = new Set(participants.map(({ sid }) => sid));
    if (complete) for (const [sid, person] of [...this.#present]) if (!told.has(sid)) this.#drop(person, changes);
    for (const participant of participants) {
      const { sid, identity, state, disconnectReason } = participant;
      if (identity === this.#selfIdentity || sid === '') continue;
      if (state !== ParticipantInfo_State.DISCONNECTED) {
        this.#take(participant, changes);
        continue;
      }
      const person = this.#present.get(sid);
      if (!person) continue;
      if (EXPECTED_BACK.has(disconnectReason)) this.#await(person);
      else this.#drop(person, changes);
    }
    return changes;
  }

  /** This participant joins anew: everyone is expected there. */
  awaitEveryone(): void {
    for (const person of [...this.#present.values()]) this.#await(person);
  }

  /** Who is not back by now has left, and what is not back has ended. */
  giveUp(): DirectoryChange[] {
    const changes: DirectoryChange[] = [];
    for (const person of [...this.#people.values()]) {
      if (person.sid === undefined) {
        this.#drop(person, changes);
        continue;
      }
      for (const [id, stream] of person.streams) {
        const left = giveUpTracks(stream, changes);
        if (left) person.streams.set(id, left);
        else person.streams.delete(id);
      }
    }
    return changes;
  }

  #await(person: Person): void {
    if (person.sid !== undefined) this.#present.delete(person.sid);
    person.sid = undefined;
    for (const [id, stream] of person.streams) person.streams.set(id, awaitTracks(stream));
  }

  #drop(person: Person, changes: DirectoryChange[]): void {
    const { sid, connection, streams } = person;
    if (sid !== undefined) this.#present.delete(sid);
    this.#people.delete(connection.identity);
    for (const stream of streams.values()) changes.push({ type: 'streamDropped', stream });
    changes.push({ type: 'connectionDropped', connection });
  }

  #take(participant: ParticipantInfo, changes: DirectoryChange[]): void {
    const { sid, identity } = participant;
    const joinedMs = joinedAtMs(participant);
    let person = this.#people.get(identity);
    if (!person) {
      const isAgent = participant.kind === ParticipantInfo_Kind.AGENT;
      person = { sid, joinedMs, connection: connectionInfo(participant), isAgent, streams: new Map() };
      this.#people.set(identity, person);
      changes.push({ type: 'connectionCreated', connection: person.connection });
    } else if (person.sid !== sid) {
      // What is said of a stay that another one has followed is old.
      if (person.sid !== undefined && joinedMs < person.joinedMs) return;
      this.#await(person);
      person.sid = sid;
      person.joinedMs = joinedMs;
    }
    this.#present.set(sid, person);
    const connection = newConnection(person.connection, participant);
    if (connection) {
      person.connection = connection;
      changes.push({ type: 'connectionUpdated', connection });
    }
    const now = groupTracks(participant, person.connection);
    for (const [id, old] of person.streams) {
      if (now.has(id)) continue;
      if (old.awaited)
        now.set(id, { state: { ...old.state, connection: person.connection }, layers: [], ...NO_TRACKS });
      else changes.push({ type: 'streamDropped', stream: old });
    }
    for (const [id, stream] of now) {
      const old = person.streams.get(id);
      if (!old) changes.push({ type: 'streamReceived', stream });
      else if (old.awaited) now.set(id, putBack(stream, old, old.awaited, changes));
      else if (!hasSameTracks(old, stream) || !hasSameState(old, stream))
        changes.push({ type: 'streamUpdated', stream });
    }
    person.streams = now;
  }
}

/** A participant as the application sees it. */
export function connectionInfo(participant: ParticipantInfo): ConnectionInfo {
  return {
    connectionId: participant.sid,
    creationTimeMs: joinedAtMs(participant),
    data: participant.metadata,
    identity: participant.identity,
    name: participant.name || participant.identity,
    attributes: { ...participant.attributes },
  };
}

/** What is said of a participant by now, if it is not what was said before; it stays the same connection. */
export function newConnection(old: ConnectionInfo, participant: ParticipantInfo): ConnectionInfo | undefined {
  const { data, name, attributes } = connectionInfo(participant);
  const isSame = data === old.data && name === old.name && isDeepStrictEqual(attributes, old.attributes);
  return isSame ? undefined : { ...old, data, name, attributes };
}

function joinedAtMs(participant: ParticipantInfo): number {
  return Number(participant.joinedAtMs) || Number(participant.joinedAt) * 1000;
}
