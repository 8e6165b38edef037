import type { Plan } from '../graph/planned.js';
import type { SessionConfig } from '../graph/schema.js';
import type { SessionFactory } from '../graph/sessions.js';
import type { Clock } from '../media/clock.js';
import { openSession } from '../session/open-session.js';
import type { Session } from '../session/session.js';
import { Participant } from './room/participant.js';
import { roomDriver } from './room/room-driver.js';
import { Room } from './room/room.js';
import { loadParticipant } from './script/load-script.js';
import type { TestToRun } from './test-to-run.js';
import type { TestWitnesses } from './test-witnesses.js';
import type { VirtualTime } from './virtual-time.js';

export interface TestSessionsOptions {
  readonly clock: Clock;
  readonly time: VirtualTime;
  readonly witnesses: TestWitnesses;
}

/** The sessions of a pipeline in a test: rooms inside the process, and scripted participants in them. */
export class TestSessions {
  readonly #toRun: TestToRun;
  readonly #options: TestSessionsOptions;
  /** By the id that the pipeline joins them by: two of its sessions may be in one room. */
  readonly #rooms = new Map<string, Room>();
  readonly #participants: Participant[] = [];

  private constructor(toRun: TestToRun, options: TestSessionsOptions) {
    this.#toRun = toRun;
    this.#options = options;
  }

  /** Makes ready what its participants do. Errors: SLUICE_FILE_NOT_FOUND, SLUICE_FILE_UNDECODABLE. */
  static async load(plan: Plan, toRun: TestToRun, options: TestSessionsOptions): Promise<TestSessions> {
    const sessions = new TestSessions(toRun, options);
    for (const { id, config } of plan.sessions) {
      const room = sessions.#room(id, config);
      const { participants = {} } = toRun.test.sessions[id] ?? {};
      for (const [name, participant] of Object.entries(participants)) {
        const script = await loadParticipant(name, participant, toRun.tests.baseDir);
        sessions.#participants.push(new Participant(room, script));
      }
    }
    return sessions;
  }

  readonly factory: SessionFactory = (id, config, { signal }) =>
    this.#options.time.during(this.#join(id, config, signal));

  /** Sets what the participants do on the clock. */
  begin(): void {
    for (const participant of this.#participants) participant.begin();
  }

  end(): void {
    for (const participant of this.#participants) participant.end();
  }

  async #join(id: string, config: SessionConfig, signal: AbortSignal): Promise<Session> {
    const { clock, witnesses } = this.#options;
    const lostMs = this.#toRun.test.sessions[id]?.lostMs;
    const driver = roomDriver({
      room: this.#room(id, config),
      name: config.name,
      identity: `sluice-${id}`,
      ...(lostMs !== undefined && { lostUs: lostMs * 1000 }),
      onPublished: (streamName) => {
        witnesses.published(id, streamName);
      },
      onAttributes: (attributes) => {
        witnesses.described(id, attributes);
      },
      onSent: (streamName, value) => {
        witnesses.sent(id, streamName, value);
      },
      onMuted: (streamName, kind, muted) => {
        witnesses.muted(id, streamName, { kind, muted, atMs: clock.nowUs() / 1000 });
      },
    });
    // What goes wrong in a test is told by its report.
    const settings = { logging: { level: 'ERROR' }, ...config.settings } as const;
    const session = await openSession(driver, { url: 'test', token: 'test', signal, settings });
    // The run is told by `disconnected`.
    session.on('error', () => undefined);
    return session;
  }

  #room(id: string, { sessionId = id }: SessionConfig): Room {
    let room = this.#rooms.get(sessionId);
    if (!room) this.#rooms.set(sessionId, (room = new Room(sessionId, this.#options.clock)));
    return room;
  }
}
