import { DisconnectReason } from '@livekit/protocol';
import type { ClockTimer } from '../media/clock.js';
import type { ServerContext } from './context.js';
import type { RoomMember } from './member.js';
import { Room, type RoomSettings } from './room.js';

/** LiveKit's times for rooms that are made before anyone joins. */
const DEFAULT_TIMEOUTS = { emptyTimeoutS: 5 * 60, departureTimeoutS: 20 };
/** Rooms that are made beyond this many are refused; those that someone enters are not counted. */
const MAX_MADE_ROOMS = 10_000;

/**
 * The rooms of a server. One that someone enters is forgotten when the last one has left; one that was made lives without
 * participants for as long as it was made for.
 */
export class Rooms {
  readonly #rooms = new Map<string, Room>();
  /** Rooms that were made, with the timer that ends them while they are empty. */
  readonly #made = new Map<Room, ClockTimer | undefined>();
  readonly #context: ServerContext;
  /** Called when nobody is there any more. */
  #onDeserted: (() => void) | undefined;

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

  /** The rooms of these names, all of them when none is given. */
  list(names: readonly string[] = []): Room[] {
    if (names.length === 0) return [...this.#rooms.values()];
    return [...new Set(names)].map((name) => this.#rooms.get(name)).filter((room) => room !== undefined);
  }

  /** The room of this name, for someone who enters it in the same turn. */
  enter(name: string): Room {
    const room = this.#rooms.get(name) ?? this.#add(name);
    if (this.#made.has(room)) this.#keep(room, undefined);
    return room;
  }

  /** Makes a room, or changes the one that is there to these settings. Undefined when there are too many. */
  create(name: string, settings: Partial<RoomSettings>): Room | undefined {
    const known = this.#rooms.get(name);
    if (!known && this.#made.size >= MAX_MADE_ROOMS) return undefined;
    const room = known ?? this.#add(name);
    room.configure(this.#made.has(room) ? settings : { ...DEFAULT_TIMEOUTS, ...settings });
    this.#keep(room, room.size === 0 ? room.settings.emptyTimeoutS : undefined);
    return room;
  }

  /** Sends everyone in it away and forgets the room; false when there is none. */
  delete(name: string): boolean {
    const room = this.#rooms.get(name);
    if (!room) return false;
    this.#forget(room);
    for (const participant of [...room.participants]) participant.leave(DisconnectReason.ROOM_DELETED);
    return true;
  }

  /** Asks everyone to join elsewhere; resolves when all have gone. */
  async drain(): Promise<void> {
    for (const room of this.#rooms.values()) for (const participant of room.participants) participant.sendAway();
    if (this.participantCount > 0) await new Promise<void>((resolve) => (this.#onDeserted = resolve));
  }

  /** Sends everyone away. */
  async close(): Promise<void> {
    const participants: RoomMember[] = [...this.#rooms.values()].flatMap((room) => [...room.participants]);
    for (const participant of participants) participant.leave(DisconnectReason.SERVER_SHUTDOWN);
    await Promise.all(participants.map((participant) => participant.close()));
    for (const room of [...this.#rooms.values()]) this.#forget(room);
  }

  #add(name: string): Room {
    const room = new Room(name, this.#context, () => {
      if (this.participantCount === 0) this.#onDeserted?.();
      if (this.#rooms.get(name) !== room) return;
      if (this.#made.has(room)) this.#keep(room, room.settings.departureTimeoutS);
      else this.#forget(room);
    });
    this.#rooms.set(name, room);
    return room;
  }

  /** Ends a room that was made after so many seconds, or not at all. */
  #keep(room: Room, seconds: number | undefined): void {
    this.#made.get(room)?.cancel();
    const end = (): void => {
      this.#forget(room);
    };
    this.#made.set(room, seconds === undefined ? undefined : this.#context.clock.after(seconds * 1000, end));
  }

  #forget(room: Room): void {
    this.#made.get(room)?.cancel();
    this.#made.delete(room);
    if (this.#rooms.get(room.name) === room) this.#rooms.delete(room.name);
  }
}
