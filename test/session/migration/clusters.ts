import t, { type Test } from 'tap';
import { startCli } from '../../pipelines/process-lab.js';
import { type LiveKitServer, canRunLiveKitServer, startLiveKitServer } from '../../support/livekit-server.js';
import { type RedisServer, startRedisServer } from '../../support/redis-server.js';
import { requireSystem } from '../../support/require.js';
import { freePort } from '../../support/free-port.js';

/** One of several servers that can have the same sessions, in a process of its own. Its address is known before it runs. */
export interface ServerNode {
  readonly url: string;
  start(): Promise<void>;
  /** It says to everyone that it goes away, and ends. */
  shutDown(): void;
  /** Ends it without a word. */
  kill(): void;
  /** Nothing is answered any more, and nothing refused. */
  freeze(): void;
  /** When its process has ended. */
  gone(): Promise<void>;
}

export interface Cluster {
  readonly name: 'embedded' | 'LiveKit';
  /** Two that know of each other and of no others, still to be started; they end with the test. */
  pair(test: Test): Promise<readonly [ServerNode, ServerNode]>;
}

const TIMEOUT_MS = 240_000;
/** They wait for servers most of the time: two of them go side by side. */
t.jobs = 2;

/** What holds on every kind of server: embedded servers, and LiveKit nodes that share a Redis server. */
export function onEveryCluster(behaviour: string, tests: (t: Test, cluster: Cluster) => Promise<void>): void {
  void t.test(`${behaviour}, on embedded servers`, { buffered: true, timeout: TIMEOUT_MS }, async (t) => {
    await tests(t, {
      name: 'embedded',
      pair: async (t) => [embeddedNode(t, await freePort()), embeddedNode(t, await freePort())],
    });
  });
  void t.test(`${behaviour}, on LiveKit nodes`, { buffered: true, timeout: TIMEOUT_MS }, async (t) => {
    if (!canRunLiveKitServer(t) || requireSystem(t, 'redis-server') === undefined) return;
    await tests(t, {
      name: 'LiveKit',
      pair: async (t) => {
        const redis = await startRedisServer();
        t.teardown(() => redis.close());
        return [liveKitNode(t, redis, await freePort()), liveKitNode(t, redis, await freePort())];
      },
    });
  });
}

/** `sluice serve`. */
export function embeddedNode(t: Test, port: number): ServerNode {
  let server: ReturnType<typeof startCli> | undefined;
  const signal = (name: NodeJS.Signals): void => server?.kill(name);
  return {
    url: `ws://127.0.0.1:${port}`,
    start: async () => {
      server = startCli(t, ['serve', '--port', String(port), '--json', '--log-level', 'error'], { cwd: '/' });
      await server.wrote(/"url":/);
    },
    shutDown: () => {
      signal('SIGTERM');
    },
    kill: () => {
      signal('SIGKILL');
    },
    freeze: () => {
      signal('SIGSTOP');
    },
    gone: async () => {
      await server?.ended;
    },
  };
}

function liveKitNode(t: Test, redis: RedisServer, port: number): ServerNode {
  let server: LiveKitServer | undefined;
  let ended: Promise<void> | undefined;
  return {
    url: `ws://127.0.0.1:${port}`,
    start: async () => {
      const started = await startLiveKitServer({ port, config: { redis: { address: redis.address } } });
      t.teardown(() => started.close());
      server = started;
    },
    shutDown: () => {
      ended = server?.shutDown();
    },
    kill: () => {
      ended = server?.close();
    },
    freeze: () => {
      if (server) process.kill(server.pid, 'SIGSTOP');
    },
    gone: async () => {
      await ended;
    },
  };
}
