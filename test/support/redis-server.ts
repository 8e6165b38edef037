import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from './free-port.js';
import { findProgram } from './require.js';

/** A Redis server in a process of its own, on loopback, which keeps nothing on the disk. */
export interface RedisServer {
  /** `127.0.0.1:port`. */
  readonly address: string;
  /** Kills it and waits for its end. Idempotent. */
  close(): Promise<void>;
}

const RETRY_MS = 20;

/** Starts one. Errors: where it is not installed; tests ask `requireSystem` before. */
export async function startRedisServer(): Promise<RedisServer> {
  const program = findProgram('redis-server');
  if (program === undefined) throw new Error('redis-server is not installed');
  const port = await freePort();
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = spawn(program, settings, { stdio: 'ignore' });
  const exit = once(child, 'exit');
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', kill);
  void exit.then(() => process.off('exit', kill));
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`the Redis server did not start (exit code ${child.exitCode})`);
    await wait(RETRY_MS);
  }
  return {
    address: `127.0.0.1:${port}`,
    close: async () => {
      kill();
      await exit;
    },
  };
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    socket.write('PING\r\n');
    const [data] = (await once(socket, 'data')) as [Buffer];
    return data.toString().startsWith('+PONG');
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
