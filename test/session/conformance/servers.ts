import t, { type Test } from 'tap';
import { type ConnectOptions, type Session, connect } from '../../../src/index.js';
import { type TokenOptions, createToken } from '../../../src/server/index.js';
import { type LiveKitServer, canRunLiveKitServer, startLiveKitServer } from '../../support/livekit-server.js';
import { liveServer } from '../live-room.js';

/** A server that sessions are tried on. */
export interface Lab {
  readonly name: 'embedded' | 'LiveKit';
  readonly url: string;
  readonly httpUrl: string;
  /** A session of its own, which is left by all at the end of the test. */
  room(test: Test): Room;
}

export interface Room {
  readonly sessionId: string;
  join(name: string, options?: ConnectOptions): Promise<Session>;
  token(options?: Partial<TokenOptions>): Promise<string>;
}

/** Both servers sign with these. */
export const KEYS = { apiKey: 'devkey', apiSecret: 'secret' } as const;
const TIMEOUT_MS = 240_000;

let liveKit: Promise<LiveKitServer> | undefined;
let rooms = 0;

/** What holds on every server: the tests are run on the embedded one and on a LiveKit server. */
export function onEveryServer(behaviour: string, tests: (t: Test, lab: Lab) => Promise<void>): void {
  void t.test(`${behaviour}, on the embedded server`, { timeout: TIMEOUT_MS }, async (t) => {
    const { url, httpUrl } = await liveServer();
    await tests(t, labOf('embedded', url, httpUrl));
  });
  void t.test(`${behaviour}, on a LiveKit server`, { timeout: TIMEOUT_MS }, async (t) => {
    if (!canRunLiveKitServer(t)) return;
    const { url, httpUrl } = await (liveKit ??= startLiveKitServer());
    await tests(t, labOf('LiveKit', url, httpUrl));
  });
}

t.teardown(async () => {
  await (await liveKit)?.close();
});

function labOf(name: Lab['name'], url: string, httpUrl: string): Lab {
  return {
    name,
    url,
    httpUrl,
    room: (test) => {
      const sessionId = `conformance-${++rooms}`;
      return {
        sessionId,
        join: async (name, options = {}) => {
          const session = await connect({ url, sessionId, name, ...KEYS, ...options });
          test.teardown(() => session.disconnect());
          return session;
        },
        token: (options = {}) => createToken({ ...KEYS, sessionId, identity: crypto.randomUUID(), ...options }),
      };
    },
  };
}
