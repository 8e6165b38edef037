import { Child, withChildren } from './child.js';
import type { ClientName, JoinOptions } from './client.js';
import type { ParticipantCalls } from './participant.js';
import type { ServerCalls, ServerName } from './server.js';

/** As they are called in titles. */
export const SERVER_TITLES: Readonly<Record<ServerName, string>> = {
  embedded: 'the embedded server',
  livekit: 'a LiveKit server',
};

export type Participant = Child<ParticipantCalls>;

/** A server and participants, each in a process of its own. */
export interface Stage {
  readonly server: Child<ServerCalls>;
  /** A way into a session. */
  access(sessionId: string, name: string): Promise<JoinOptions>;
  /** A process that has not joined yet. */
  process(execArgv?: readonly string[]): Participant;
  /** A process whose participant has joined. */
  participant(client: ClientName, sessionId: string, name: string): Promise<Participant>;
}

/** Runs `body` on a stage of its own, with that server; all processes are ended with it. */
export async function onStage<T>(name: ServerName, body: (stage: Stage) => Promise<T>): Promise<T> {
  return await withChildren(async (add) => {
    const participants: Participant[] = [];
    const process = (execArgv: readonly string[] = []): Participant => {
      const participant = add(new Child<ParticipantCalls>('participant', execArgv));
      participants.push(participant);
      return participant;
    };
    const server = add(new Child<ServerCalls>('server'));
    const url = await server.call('start', { name });
    const access = async (sessionId: string, name: string): Promise<JoinOptions> => ({
      url,
      token: await server.call('token', { sessionId, name }),
    });
    try {
      return await body({
        server,
        access,
        process,
        async participant(client, sessionId, name) {
          const participant = process();
          await participant.call('join', { client, ...(await access(sessionId, name)) });
          return participant;
        },
      });
    } finally {
      // First, or they would tell of the session that they lose.
      await Promise.all(participants.map((participant) => participant.stop()));
      await server.call('stop', undefined);
    }
  });
}
