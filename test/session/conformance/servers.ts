import t, { type Test } from 'tap';
import { type ConnectOptions, type Session, connect, vonageDriver } from '../../../src/index.js';
import type { Driver } from '../../../src/session/driver.js';
import { type TokenOptions, createToken } from '../../../src/server/index.js';
import { type LiveKitServer, canRunLiveKitServer, startLiveKitServer } from '../../support/livekit-server.js';
import { liveServer } from '../live-room.js';

/** What sessions are tried on: a server, or the embedded one through the API of the Video Connector. */
export interface Lab {
  readonly name: 'embedded' | 'LiveKit' | 'Vonage';
  readonly url: string;
  readonly httpUrl: string;
  /** A session of its own, which is left by all at the end of the test. */
  room(test: Test): Room;
}

export interface Room {
  readonly sessionId: string;
  join(name: string, options?: ConnectOptions): Promise<Session>;
  /** Someone who looks on, past the driver that is tried: sees what is sent, packet by packet. */
  watch(): Promise<Session>;
  token(options?: Partial<TokenOptions>): Promise<string>;
}

/** Both servers sign with these. */
export const KEYS = { apiKey: 'devkey', apiSecret: 'secret' } as const;
const TIMEOUT_MS = 240_000;
/** They wait for media most of the time: two of them go side by side. */
t.jobs = 2;

let liveKit: Promise<LiveKitServer> | undefined;
let rooms = 0;

/** What holds on every server: the tests are run on the embedded one and on a LiveKit server. */
export function onEveryServer(behaviour: string, tests: (t: Test, lab: Lab) => Promise<void>): void {
  void t.test(`${behaviour}, on the embedded server`, { buffered: true, timeout: TIMEOUT_MS }, async (t) => {
    const { url, httpUrl } = await liveServer();
    await tests(t, labOf('embedded', url, httpUrl));
  });
  void t.test(`${behaviour}, on a LiveKit server`, { buffered: true, timeout: TIMEOUT_MS }, async (t) => {
    if (!canRunLiveKitServer(t)) return;
    const { url, httpUrl } = await (liveKit ??= startLiveKitServer());
    await tests(t, labOf('LiveKit', url, httpUrl));
  });
}

/** What holds on every server and through every driver: also through the driver for Vonage sessions, over `sluice/vonage`. */
export function onEveryBackend(behaviour: string, tests: (t: Test, lab: Lab) => Promise<void>): void {
  onEveryServer(behaviour, tests);
  void t.test(`${behaviour}, through the driver for Vonage`, { buffered: true, timeout: TIMEOUT_MS }, async (t) => {
    const { url, httpUrl } = await liveServer();
    process.env['SLUICE_URL'] = url;
    const driver = vonageDriver({ applicationId: 'an-application', load: () => import('../../../src/vonage.js') });
    await tests(t, labOf('Vonage', url, httpUrl, driver));
  });
}

t.teardown(async () => {
  await (await liveKit)?.close();
});

function labOf(name: Lab['name'], url: string, httpUrl: string, driver?: Driver): Lab {
  return {
    name,
    url,
    httpUrl,
    room: (test) => {
      const sessionId = `conformance-${++rooms}`;
      const token: Room['token'] = (options = {}) =>
        createToken({ ...KEYS, sessionId, identity: crypto.randomUUID(), ...options });
      const joined = (session: Session): Session => {
        test.teardown(() => session.disconnect());
        return session;
      };
      return {
        sessionId,
        token,
        join: async (name, options = {}) =>
          joined(
            driver
              ? await connect({ driver, sessionId, token: await token({ name }), ...options })
              : await connect({ url, sessionId, name, ...KEYS, ...options }),
          ),
        watch: async () => joined(await connect({ url, sessionId, name: 'Watcher', ...KEYS })),
      };
    },
  };
}
