/* The embedded server in a process of its own. */
import { createToken, startServer, type EmbeddedServer } from '../src/index.js';
import { DEVELOPMENT_KEYS } from '../src/server/options.js';
import { answerCalls } from './child.js';
import { cpuPercent } from './usage.js';

let server: EmbeddedServer | undefined;

const calls = {
  async start(): Promise<string> {
    server = await startServer({ port: 0, logLevel: 'error' });
    return server.url;
  },
  async token({ sessionId, name }: { sessionId: string; name: string }): Promise<string> {
    const [apiKey, apiSecret] = Object.entries(DEVELOPMENT_KEYS)[0] ?? ['', ''];
    return await createToken({
      apiKey,
      apiSecret,
      sessionId,
      name,
      identity: `${name}-${crypto.randomUUID().slice(0, 8)}`,
    });
  },
  /** Memory of the process in bytes. */
  memory: (): number => process.memoryUsage.rss(),
  cpu: ({ ms }: { ms: number }): Promise<number> => cpuPercent(ms),
};

export type ServerCalls = typeof calls;

answerCalls(calls);
