import { type ParticipantInfo, ParticipantInfo_State, type TrackInfo, TrackSource, TrackType } from '@livekit/protocol';
import type { ConnectionInfo, StreamState } from './port.js';

/** One stream with the tracks it is made of. */
export interface StreamEntry {
  readonly state: StreamState;
  readonly audioTrack: string | undefined;
  readonly videoTrack: string | undefined;
}

/** What an update changed, in the order in which it should be told. */
export type DirectoryChange =
  | { readonly type: 'connectionCreated' | 'connectionDropped'; readonly connection: ConnectionInfo }
  | { readonly type: 'streamReceived' | 'streamUpdated'; readonly stream: StreamEntry }
  | { readonly type: 'streamDropped'; readonly stream: StreamEntry };

interface Person {
  readonly connection: ConnectionInfo;
  streams: Map<string, StreamEntry>;
}

/** Who is in the session and which streams they send, from LiveKit's participant lists. Pure. */
export class Directory {
  readonly #people = new Map<string, Person>();
  readonly #selfSid: string;

  /** `selfSid`: the participant whose own streams are not listed. */
  constructor(selfSid: string) {
    this.#selfSid = selfSid;
  }

  /** Every stream that is there now. */
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

  /** The stream that a track belongs to. */
  streamOfTrack(trackSid: string): StreamEntry | undefined {
    for (const stream of this.streams()) {
      if (stream.audioTrack === trackSid || stream.videoTrack === trackSid) return stream;
    }
    return undefined;
  }

  /** The streams of one participant. */
  streamsOf(participantSid: string): StreamEntry[] {
    return [...(this.#people.get(participantSid)?.streams.values() ?? [])];
  }

  /** Takes in news of participants; with `complete` it tells of everyone, and who is not in it has left. */
  update(participants: readonly ParticipantInfo[], complete = false): DirectoryChange[] {
    const changes: DirectoryChange[] = [];
    const present = new Set(participants.map(({ sid }) => sid));
    if (complete) for (const sid of [...this.#people.keys()]) if (!present.has(sid)) this.#drop(sid, changes);
    for (const participant of participants) {
      if (participant.sid === this.#selfSid || participant.sid === '') continue;
      if (participant.state === ParticipantInfo_State.DISCONNECTED) this.#drop(participant.sid, changes);
      else this.#take(participant, changes);
    }
    return changes;
  }

  #drop(sid: string, changes: DirectoryChange[]): void {
    const person = this.#people.get(sid);
    if (!person) return;
    this.#people.delete(sid);
    for (const stream of person.streams.values()) changes.push({ type: 'streamDropped', stream });
    changes.push({ type: 'connectionDropped', connection: person.connection });
  }

  #take(participant: ParticipantInfo, changes: DirectoryChange[]): void {
    let person = this.#people.get(participant.sid);
    if (!person) {
      person = { connection: connectionInfo(participant), streams: new Map() };
      this.#people.set(participant.sid, person);
      changes.push({ type: 'connectionCreated', connection: person.connection });
    }
    const now = groupTracks(participant, person.connection);
    for (const [id, old] of person.streams) {
      if (!now.has(id)) changes.push({ type: 'streamDropped', stream: old });
    }
    for (const [id, stream] of now) {
      const old = person.streams.get(id);
      if (!old) changes.push({ type: 'streamReceived', stream });
      else if (old.audioTrack !== stream.audioTrack || old.videoTrack !== stream.videoTrack) {
        changes.push({ type: 'streamUpdated', stream });
      }
    }
    person.streams = now;
  }
}

/** A participant as the application sees it. */
export function connectionInfo(participant: ParticipantInfo): ConnectionInfo {
  const joinedMs = Number(participant.joinedAtMs) || Number(participant.joinedAt) * 1000;
  return {
    connectionId: participant.sid,
    creationTimeMs: joinedMs,
    data: participant.metadata,
    identity: participant.identity,
    name: participant.name || participant.identity,
  };
}

/** The names that LiveKit's clients give to groups of tracks themselves; any other was given by the publisher. */
const LIVEKIT_GROUPS = new Set(['camera', 'screen_share']);

/** The group that a track belongs to: its stream name, else what its source says. */
function groupOf(track: TrackInfo): string {
  if (track.stream !== '') return track.stream;
  const isScreen = track.source === TrackSource.SCREEN_SHARE || track.source === TrackSource.SCREEN_SHARE_AUDIO;
  return isScreen ? 'screen_share' : 'camera';
}

function groupTracks(participant: ParticipantInfo, connection: ConnectionInfo): Map<string, StreamEntry> {
  const streams = new Map<string, StreamEntry>();
  for (const track of participant.tracks) {
    const group = groupOf(track);
    const streamId = streamIdOf(participant.sid, group);
    const old = streams.get(streamId);
    const audioTrack = track.type === TrackType.AUDIO ? track.sid : old?.audioTrack;
    const videoTrack = track.type === TrackType.VIDEO ? track.sid : old?.videoTrack;
    const name = LIVEKIT_GROUPS.has(group) ? connection.name : group;
    streams.set(streamId, {
      audioTrack,
      videoTrack,
      state: { streamId, name, connection, hasAudio: audioTrack !== undefined, hasVideo: videoTrack !== undefined },
    });
  }
  return streams;
}

/** The id of a stream: its participant and its group. */
export function streamIdOf(participantSid: string, group: string): string {
  return `${participantSid}:${group}`;
}
