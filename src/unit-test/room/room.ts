import type { Clock } from '../../media/clock.js';
import type { Connection, SessionEvent, StreamDescription } from '../../session/driver.js';
import type { RoomStream } from './room-stream.js';
import { Ticker } from './ticker.js';

/** A session of the pipeline that is in a room. */
export interface RoomMember {
  readonly connection: Connection;
  tell(event: SessionEvent): void;
  /** Streams of others have come or gone: a mix may want them. */
  streamsChanged(): void;
}

/** Somebody who may be heard. */
export interface Voice {
  readonly streamId: string;
  /** In dBFS; undefined in silence. */
  level(): number | undefined;
}

/** What a session is inside a test: who is there, what they send, and who speaks. Everything in it goes by its clock. */
export class Room {
  readonly sessionId: string;
  readonly clock: Clock;
  readonly ticker: Ticker;
  readonly #members = new Set<RoomMember>();
  readonly #connections = new Map<string, Connection>();
  readonly #streams = new Map<string, RoomStream>();
  readonly #voices = new Set<Voice>();
  #speaker: string | undefined;

  constructor(sessionId: string, clock: Clock) {
    this.sessionId = sessionId;
    this.clock = clock;
    this.ticker = new Ticker(clock);
  }

  /** Lets a session of the pipeline in; it is told who and what is there. */
  join(member: RoomMember): void {
    for (const connection of this.#connections.values()) member.tell({ type: 'connectionCreated', connection });
    for (const { description } of this.#streams.values()) member.tell({ type: 'streamReceived', stream: description });
    if (this.#speaker !== undefined) member.tell({ type: 'speakerChanged', streamId: this.#speaker });
    this.#members.add(member);
    this.connect(member.connection);
  }

  leave(member: RoomMember): void {
    if (this.#members.delete(member)) this.disconnect(member.connection);
  }

  connect(connection: Connection): void {
    this.#connections.set(connection.connectionId, connection);
    this.#tellOthers(connection, { type: 'connectionCreated', connection });
  }

  disconnect(connection: Connection): void {
    if (this.#connections.delete(connection.connectionId)) {
      this.#tellOthers(connection, { type: 'connectionDropped', connection });
    }
  }

  /** What is said of a participant has changed: everyone is told, itself included. */
  update(connection: Connection): void {
    const { connectionId } = connection;
    this.#connections.set(connectionId, connection);
    for (const stream of this.#streams.values()) {
      const { description } = stream;
      if (description.connection.connectionId === connectionId) stream.description = { ...description, connection };
    }
    for (const member of this.#members) member.tell({ type: 'connectionUpdated', connection });
  }

  /** The streams that a member may read: those of others. */
  streamsFor({ connectionId }: Connection): RoomStream[] {
    return [...this.#streams.values()].filter((stream) => stream.description.connection.connectionId !== connectionId);
  }

  stream(streamId: string): RoomStream | undefined {
    return this.#streams.get(streamId);
  }

  addStream(stream: RoomStream): void {
    this.#streams.set(stream.streamId, stream);
    const { description } = stream;
    this.#tellOthers(description.connection, { type: 'streamReceived', stream: description });
    this.#streamsChanged();
  }

  updateStream(stream: RoomStream, changes: Partial<StreamDescription>): void {
    stream.description = { ...stream.description, ...changes };
    const { description } = stream;
    this.#tellOthers(description.connection, { type: 'streamUpdated', stream: description });
    this.updateSpeaker();
  }

  removeStream(stream: RoomStream): void {
    if (!this.#streams.delete(stream.streamId)) return;
    this.#tellOthers(stream.description.connection, { type: 'streamDropped', streamId: stream.streamId });
    stream.end();
    this.#streamsChanged();
  }

  addVoice(voice: Voice): void {
    this.#voices.add(voice);
    this.updateSpeaker();
  }

  removeVoice(voice: Voice): void {
    this.#voices.delete(voice);
    this.updateSpeaker();
  }

  /** Tells who speaks loudest, where that has changed. */
  updateSpeaker(): void {
    let loudest: string | undefined;
    let level = -Infinity;
    for (const voice of this.#voices) {
      const own = voice.level();
      if (own === undefined || own <= level) continue;
      loudest = voice.streamId;
      level = own;
    }
    if (loudest === this.#speaker) return;
    this.#speaker = loudest;
    for (const member of this.#members) member.tell({ type: 'speakerChanged', streamId: loudest });
  }

  #tellOthers({ connectionId }: Connection, event: SessionEvent): void {
    for (const member of this.#members) if (member.connection.connectionId !== connectionId) member.tell(event);
  }

  #streamsChanged(): void {
    for (const member of this.#members) member.streamsChanged();
  }
}
