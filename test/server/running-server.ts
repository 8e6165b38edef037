import { nativeUsers } from '../../src/engine/native.js';
import { stopIdleListeners } from '../../src/engine/udp-mux.js';
import type { ServerOptions } from '../../src/server/options.js';
import { type ServerService, createService } from '../../src/server/service.js';
import { type Permissions, createToken } from '../../src/server/token.js';

/** A server in this thread, which is the only one of a test process that has the native library. */
export interface RunningServer {
  readonly service: ServerService;
  readonly url: string;
  readonly httpUrl: string;
  token(
    identity: string,
    options?: { sessionId?: string; name?: string; kind?: string; grants?: Partial<Permissions> },
  ): Promise<string>;
}

/** What is used of a tap test. */
interface Ending {
  teardown(task: () => Promise<void>): void;
}

/** Starts a server that is closed at the end of the test. */
export async function runServer(test: Ending, options: ServerOptions = {}): Promise<RunningServer> {
  const service = await createService({ port: 0, logLevel: 'error', ...options });
  test.teardown(async () => {
    await service.close();
    // As the media thread does before its process ends: a port that is kept for the next server would keep this process.
    if (nativeUsers() === 0) stopIdleListeners();
  });
  const [apiKey, apiSecret] = Object.entries(options.keys ?? { devkey: 'secret' })[0] ?? ['', ''];
  return {
    service,
    url: `ws://127.0.0.1:${service.info.port}`,
    httpUrl: `http://127.0.0.1:${service.info.port}`,
    token: (identity, { sessionId = 'demo', name, kind, grants } = {}) =>
      createToken({
        apiKey,
        apiSecret,
        identity,
        sessionId,
        ...(name !== undefined && { name }),
        ...(kind !== undefined && { kind }),
        ...(grants && { grants }),
      }),
  };
}
