import { DisconnectReason } from '@livekit/protocol';
import type { ServerContext } from './context.js';
import type { RoomMember } from './member.js';
import { Room } from './room.js';

/** The rooms of a server: made when someone enters, forgotten when the last one has left. */
export class Rooms {
  readonly #rooms = new Map<string, Room>();
  readonly #context: ServerContext;

  constructor(context: ServerContext) {
    this.#context = context;
  }

  get count(): number {
    return this.#rooms.size;
  }

  get participantCount(): number {
    let count = 0;
    for (const room of this.#rooms.values()) count += room.size;
    return count;
  }

  get(name: string): Room | undefined {
    return this.#rooms.get(name);
  }

  /** The room of this name, for someone who enters it in the same turn. */
  enter(name: string): Room {
    let room = this.#rooms.get(name);
    if (!room) {
      room = new Room(name, this.#context, (empty) => {
        if (this.#rooms.get(name) === empty) this.#rooms.delete(name);
      });
      this.#rooms.set(name, room);
    }
    return room;
  }

  /** Sends everyone away. */
  async close(): Promise<void> {
    const participants: RoomMember[] = [...this.#rooms.values()].flatMap((room) => [...room.participants]);
    for (const participant of participants) participant.leave(DisconnectReason.SERVER_SHUTDOWN);
    await Promise.all(participants.map((participant) => participant.close()));
  }
}
