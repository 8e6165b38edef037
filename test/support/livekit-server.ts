import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from './free-port.js';
import { buildLiveKitServer } from './livekit-build.js';
import { type Reporting, findProgram, requireSystem } from './require.js';

/** A LiveKit server in a process of its own, on loopback only, with the keys devkey and secret. */
export interface LiveKitServer {
  /** `ws://127.0.0.1:port`. */
  readonly url: string;
  readonly httpUrl: string;
  readonly pid: number;
  /** The last lines that it wrote. */
  log(): string;
  /** Lets it say goodbye to everyone, and waits for its end. */
  shutDown(): Promise<void>;
  /** Kills it and waits for its end. Idempotent. */
  close(): Promise<void>;
}

export interface LiveKitOptions {
  /** A free one when left out. */
  readonly port?: number;
  /** Laid over the configuration, section by section. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** What is used of a tap test. */
interface Test extends Reporting {
  teardown(task: () => Promise<void>): unknown;
}

const ATTEMPTS = 3;
const READY_TIMEOUT_MS = 20_000;
const RETRY_MS = 20;
/** Signals in quick succession can make it hang for ever. */
const INSIST_MS = 500;
const LOG_LINES = 60;

/** Whether there is Go to build it with, or a program named by SLUICE_LIVEKIT_SERVER; the test is marked as skipped otherwise. */
export function canRunLiveKitServer(t: Reporting): boolean {
  return findProgram('livekit-server') !== undefined || requireSystem(t, 'go') !== undefined;
}

/** A server that ends with the test, or `undefined` after the test was marked as skipped. */
export async function liveKitServer(t: Test, options: LiveKitOptions = {}): Promise<LiveKitServer | undefined> {
  if (!canRunLiveKitServer(t)) return undefined;
  const server = await startLiveKitServer(options);
  t.teardown(() => server.close());
  return server;
}

/** Builds the server where that was not done yet, and starts it. Errors: with the end of its log. */
export async function startLiveKitServer({ port, config = {} }: LiveKitOptions = {}): Promise<LiveKitServer> {
  const program = await buildLiveKitServer();
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(program, config, port ?? (await freePort()));
    } catch (error) {
      // A port that was free may be taken meanwhile.
      if (attempt === ATTEMPTS || port !== undefined) throw error;
    }
  }
}

async function start(program: string, config: Readonly<Record<string, unknown>>, port: number): Promise<LiveKitServer> {
  const body = JSON.stringify({ ...loopbackConfig(port, await freeUdpPort()), ...config });
  const child = spawn(program, ['--config-body', body], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve();
    });
    // It could not be started at all.
    child.once('error', () => {
      resolve();
    });
  });
  const log = tail(child);
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', kill);
  void exit.then(() => process.off('exit', kill));
  const close = async (): Promise<void> => {
    kill();
    await exit;
  };
  const shutDown = async (): Promise<void> => {
    // Once it waits for everyone to leave; twice it sends them away.
    child.kill('SIGTERM');
    const insist = setInterval(() => child.kill('SIGTERM'), INSIST_MS);
    await exit;
    clearInterval(insist);
  };
  const httpUrl = `http://127.0.0.1:${port}`;
  let ended = false;
  void exit.then(() => (ended = true));
  if (!(await answers(httpUrl, () => ended))) {
    await close();
    throw new Error(`the LiveKit server did not start (exit code ${child.exitCode}):\n${log()}`);
  }
  return { url: `ws://127.0.0.1:${port}`, httpUrl, pid: child.pid ?? 0, log, shutDown, close };
}

/** Everything on loopback: its development mode listens on every interface for media. */
function loopbackConfig(port: number, udpPort: number): Record<string, unknown> {
  return {
    port,
    bind_addresses: ['127.0.0.1'],
    rtc: {
      tcp_port: 0,
      udp_port: udpPort,
      node_ip: '127.0.0.1',
      enable_loopback_candidate: true,
      interfaces: { includes: [process.platform === 'darwin' ? 'lo0' : 'lo'] },
      ips: { includes: ['127.0.0.1/32'] },
    },
    keys: { devkey: 'secret' },
    logging: { level: 'info' },
  };
}

/** Whether it answers before it ends, or time is up. */
async function answers(httpUrl: string, ended: () => boolean): Promise<boolean> {
  const limit = performance.now() + READY_TIMEOUT_MS;
  while (!ended() && performance.now() < limit) {
    try {
      return (await fetch(httpUrl)).ok;
    } catch {
      await wait(RETRY_MS);
    }
  }
  return false;
}

function tail(child: ChildProcess): () => string {
  let lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      lines = [...lines, ...text.trimEnd().split('\n')].slice(-LOG_LINES);
    });
  }
  child.once('error', (error) => lines.push(error.message));
  return () => lines.join('\n');
}

async function freeUdpPort(): Promise<number> {
  const probe = createSocket('udp4');
  probe.bind(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}
