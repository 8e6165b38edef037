import { once } from 'node:events';
import type { Test } from 'tap';
import { type ConnectOptions, type Session, connect } from '../../../src/index.js';
import type { Cluster, ServerNode } from './clusters.js';
import { PATTERN_VIDEO } from './meters.js';

const KEYS = { apiKey: 'devkey', apiSecret: 'secret' } as const;
let rooms = 0;

/** A session of its own on some servers, which is left by all at the end of the test. */
export class Room {
  readonly sessionId = `migration-${++rooms}`;
  readonly #t: Test;
  readonly #nodes: readonly ServerNode[];

  constructor(t: Test, nodes: readonly ServerNode[]) {
    this.#t = t;
    this.#nodes = nodes;
  }

  /** Joins with migration, and pictures that are numbered. */
  async join(name: string, options: ConnectOptions & { enableMigration?: boolean } = {}): Promise<Session> {
    const { enableMigration = true, ...more } = options;
    const session = await connect({
      url: this.#nodes.map(({ url }) => url),
      sessionId: this.sessionId,
      name,
      settings: { ...PATTERN_VIDEO, enableMigration },
      ...KEYS,
      ...more,
    });
    this.#t.teardown(() => session.disconnect());
    return session;
  }
}

/** Two servers, of which the second does not run yet, and two participants at the first. */
export interface Meeting {
  readonly first: ServerNode;
  readonly second: ServerNode;
  readonly room: Room;
  readonly ann: Session;
  readonly bob: Session;
  /** Settles when ann has been told of bob. */
  readonly met: Promise<unknown>;
}

export async function meet(t: Test, cluster: Cluster): Promise<Meeting> {
  const [first, second] = await cluster.pair(t);
  // A LiveKit room is on one node: this one, since there is no other yet.
  await first.start();
  const room = new Room(t, [first, second]);
  const ann = await room.join('ann');
  const met = once(ann, 'connectionCreated');
  return { first, second, room, ann, bob: await room.join('bob'), met };
}

/** What a session tells from now on, in order: all that a move may or may not be noticed by. */
export function eventsOf(session: Session): string[] {
  const told: string[] = [];
  for (const event of ['migrating', 'migrated', 'disconnected'] as const) session.on(event, () => told.push(event));
  for (const event of ['streamReceived', 'streamUpdated', 'streamDropped'] as const)
    session.on(event, ({ name }) => told.push(`${event} ${name}`));
  for (const event of ['connectionCreated', 'connectionDropped'] as const)
    session.on(event, ({ name }) => told.push(`${event} ${name}`));
  session.on('error', ({ message }) => told.push(message));
  return told;
}
