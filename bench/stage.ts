import { Child, withChildren, type Calls } from './child.js';
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
    const start = <C extends Calls>(program: string, execArgv: readonly string[] = []): Child<C> =>
      add(new Child<C>(program, execArgv));
    const server = start<ServerCalls>('server');
    const url = await server.call('start', { name });
    const access = async (sessionId: string, name: string): Promise<JoinOptions> => ({
      url,
      token: await server.call('token', { sessionId, name }),
    });
    try {
      return await body({
        server,
        access,
        process: (execArgv) => start('participant', execArgv),
        async participant(client, sessionId, name) {
          const participant = start<ParticipantCalls>('participant');
          await participant.call('join', { client, ...(await access(sessionId, name)) });
          return participant;
        },
      });
    } finally {
      await server.call('stop', undefined);
    }
  });
}
