import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** How a program ended, and what it wrote. */
export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs a program in a process of its own, until it ends by itself; it is killed only when a test hangs. */
export async function run(program: string, env: Record<string, string> = {}): Promise<Outcome> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stop = setTimeout(() => child.kill('SIGKILL'), 60_000);
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(stop);
  return { code, signal, output, errors };
}

/** One that ended well and wrote nothing else. */
export const ended = (output: string): Outcome => ({ code: 0, signal: null, output, errors: '' });
