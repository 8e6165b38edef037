/* A server in a process of its own: the embedded one, or a LiveKit server that this process starts and watches. */
import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { createToken, startServer } from 'sluice';
import { DEVELOPMENT_KEYS } from '../src/server/options.js';
import { startLiveKitServer } from '../test/support/livekit-server.js';
import { answerCalls } from './child.js';
import { nowMs } from './pacer.js';
import { cpuPercent } from './usage.js';

/** Which server: the one in sluice, or LiveKit's. */
export type ServerName = 'embedded' | 'livekit';

interface Running {
  readonly url: string;
  /** Memory of the server's process in bytes. */
  memory(): Promise<number>;
  /** CPU time of its process over the next `ms`, in percent of one core. */
  cpu(ms: number): Promise<number>;
  stop(): Promise<void>;
}

/** Clock ticks of the kernel a second (`getconf CLK_TCK`), the same on all Linux machines that Node runs on. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

let server: Running | undefined;

const calls = {
  async start({ name }: { name: ServerName }): Promise<string> {
    server = name === 'embedded' ? await embedded() : await liveKit();
    return server.url;
  },
  stop: async (): Promise<void> => server?.stop(),
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
  memory: async (): Promise<number> => (await server?.memory()) ?? NaN,
  cpu: async ({ ms }: { ms: number }): Promise<number> => (await server?.cpu(ms)) ?? NaN,
};

export type ServerCalls = typeof calls;

async function embedded(): Promise<Running> {
  const own = await startServer({ port: 0, logLevel: 'error' });
  return {
    url: own.url,
    memory: () => Promise.resolve(process.memoryUsage.rss()),
    cpu: cpuPercent,
    stop: () => own.close(),
  };
}

async function liveKit(): Promise<Running> {
  const other = await startLiveKitServer();
  const { url, pid } = other;
  return {
    url,
    async memory() {
      const [, pages] = (await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ');
      return Number(pages) * PAGE_BYTES;
    },
    async cpu(ms) {
      const [startMs, start] = [nowMs(), await cpuSeconds(pid)];
      await wait(ms);
      return (((await cpuSeconds(pid)) - start) * 1e5) / (nowMs() - startMs);
    },
    stop: () => other.close(),
  };
}

/** CPU time of a process with all its threads so far, in seconds. */
async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // Fields after the name, which may hold blanks: user time is the 12th of them, system time the 13th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

answerCalls(calls);
