import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/** `sluice` in a process of its own. */
export interface CliProcess {
  readonly pid: number;
  /** Settles when it has ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
  /** The first group of `pattern` in what it writes; rejects when it ends without having written that. */
  wrote(pattern: RegExp): Promise<string>;
  kill(signal: NodeJS.Signals): void;
}

interface Teardown {
  teardown(task: () => void): void;
}

/** Starts `sluice` in a folder; it is killed with the test. An embedded server takes a free port. */
export function startCli(
  t: Teardown,
  args: readonly string[],
  options: { cwd: string; env?: Record<string, string> },
): CliProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('SLUICE_') && name !== 'FILE');
  const env = { ...Object.fromEntries(inherited), SLUICE_PORT: '0', ...options.env };
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: options.cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...output }));
  return {
    pid: child.pid!,
    ended,
    async wrote(pattern) {
      const over = ended.then(() => true);
      for (let isOver = false; ;) {
        const found = pattern.exec(output.stdout + output.stderr);
        if (found) return found[1] ?? found[0];
        if (isOver) throw new Error(`ended without ${String(pattern)}: ${output.stderr}`);
        isOver = (await Promise.race([over, once(child.stdout, 'data'), once(child.stderr, 'data')])) === true;
      }
    },
    kill: (signal) => void child.kill(signal),
  };
}

/** The shipped pipelines in a new folder `pipelines` of `folder`, so that what they write to `../out` stays there. */
export function copyPipelines(folder: string): string {
  cpSync(shippedPipelines(), join(folder, 'pipelines'), { recursive: true });
  return join(folder, 'pipelines');
}

export function shippedPipelines(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return join(folder, 'pipelines');
}
