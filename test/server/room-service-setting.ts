import { RoomServiceClient } from 'livekit-server-sdk';
import { RawClient } from './raw-client.js';
import { type RunningServer, runServer } from './running-server.js';

export const KEYS = { key: 'a-secret-of-the-test' };

/** What is used of a tap test. */
interface Ending {
  teardown(task: () => Promise<void>): void;
}

/** A server, and LiveKit's SDK for its administrator. */
export interface Setting {
  readonly server: RunningServer;
  readonly admin: RoomServiceClient;
}

export async function start(t: Ending): Promise<Setting> {
  const server = await runServer(t, { keys: KEYS });
  return { server, admin: new RoomServiceClient(server.httpUrl, 'key', KEYS.key) };
}

/** Someone who is in the room until the end of the test. */
export async function join({ server }: Setting, t: Ending, identity: string, sessionId = 'demo'): Promise<RawClient> {
  const client = await RawClient.join(server.url, await server.token(identity, { sessionId }));
  t.teardown(() => client.close());
  return client;
}
