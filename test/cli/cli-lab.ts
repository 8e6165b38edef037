import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from '../../src/cli/cli.js';

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly result: Promise<CliResult>;
  /** What a SIGINT does. */
  interrupt(): void;
  /** Presses a key on the terminal. */
  press(key: string): void;
  /** What was written to standard error, when `text` is in it. */
  wrote(text: string): Promise<string>;
  /** What was written to standard output, when `text` is in it. */
  printed(text: string): Promise<string>;
}

/** Starts `sluice` in this process; `isTTY`: its standard error is a terminal; `screen`: the size of that of its standard output. */
export function startCli(
  args: readonly string[],
  env: Record<string, string> = {},
  {
    isTTY = false,
    screen,
  }: { readonly isTTY?: boolean; readonly screen?: { readonly columns: number; readonly rows: number } } = {},
): RunningCli {
  const output = { stdout: '', stderr: '' };
  const listeners = new Set<() => void>();
  const keys = new Set<(key: string) => void>();
  const waiting = new Map<string, () => void>();
  const reading = new Map<string, () => void>();
  const result = runCli(args, {
    stdout: {
      ...(screen && { isTTY: true, ...screen }),
      write: (text: string) => {
        output.stdout += text;
        for (const [wanted, resolve] of reading) if (output.stdout.includes(wanted)) resolve();
      },
    },
    stderr: {
      isTTY,
      write: (text: string) => {
        output.stderr += text;
        for (const [wanted, resolve] of waiting) if (output.stderr.includes(wanted)) resolve();
      },
    },
    env,
    onSignal(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onKey(listener) {
      keys.add(listener);
      return () => keys.delete(listener);
    },
  }).then((code) => ({ code, ...output }));
  return {
    result,
    interrupt: () => {
      for (const listener of listeners) listener();
    },
    press: (key) => {
      for (const listener of keys) listener(key);
    },
    wrote: async (text) => {
      await new Promise<void>((resolve) => {
        if (output.stderr.includes(text)) resolve();
        else waiting.set(text, resolve);
      });
      return output.stderr;
    },
    printed: async (text) => {
      await new Promise<void>((resolve) => {
        if (output.stdout.includes(text)) resolve();
        else reading.set(text, resolve);
      });
      return output.stdout;
    },
  };
}

/** Runs `sluice` in this process until it ends. */
export function cli(args: readonly string[], env: Record<string, string> = {}): Promise<CliResult> {
  return startCli(args, env).result;
}

/** A pipeline file in a folder of its own. */
export async function pipelineFile(text: string): Promise<{ readonly file: string; readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-'));
  const file = join(folder, 'p.yaml');
  await writeFile(file, text);
  return { file, folder };
}
