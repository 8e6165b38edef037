import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Run {
  /** Exit code, or the signal that ended it. */
  readonly ended: number | string;
  /** The lines of JSON that it wrote, in their order. */
  readonly results: readonly Record<string, unknown>[];
  readonly stderr: string;
}

/** What `programs/probe.ts` reports. */
export interface Probe {
  readonly name: string;
  readonly main: readonly string[];
  readonly media: { readonly resources: readonly string[]; readonly users: number; readonly heapMb: number };
  readonly threads: number;
  readonly rssMb: number;
  readonly files: number;
}

export interface RunOptions {
  readonly args?: readonly string[];
  /** Of Node. */
  readonly flags?: readonly string[];
  readonly timeoutMs?: number;
  /** Called with each result as it comes. */
  onResult?(result: Record<string, unknown>): void;
}

/** Runs one of `programs/` in a process of its own: what aborts there ends that process only. One that hangs is killed. */
export async function run(
  name: string,
  { args = [], flags = [], timeoutMs = 60_000, onResult }: RunOptions = {},
): Promise<Run> {
  const path = fileURLToPath(new URL(`./programs/${name}.js`, import.meta.url));
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = spawn(process.execPath, [...flags, path, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const results: Record<string, unknown>[] = [];
  let rest = '';
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const result = JSON.parse(line) as Record<string, unknown>;
      results.push(result);
      onResult?.(result);
    }
  });
  const timer = setTimeout(() => {
    child.kill('SIGKILL');
  }, timeoutMs);
  const ended = await new Promise<number | string>((resolve) => {
    child.once('close', (code, signal) => {
      resolve(code ?? signal ?? '');
    });
  });
  clearTimeout(timer);
  return { ended, results, stderr };
}
