import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findProgram } from '../test/support/require.js';

/** CPU time that a program takes until it ends, with all its threads and from its start, in s. Errors: a program that fails. */
export async function programCpuS(
  command: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<number> {
  const bash = findProgram('bash');
  if (bash === undefined) throw new Error('bash is needed to tell the CPU time of a program');
  const script = 'TIMEFORMAT="cpu %3U %3S"; time "$@"';
  const { stderr } = await promisify(execFile)(bash, ['-c', script, 'bash', ...command], {
    env: { ...process.env, ...environment },
  });
  const [, user, system] = /^cpu ([\d.]+) ([\d.]+)$/m.exec(stderr) ?? [];
  return Number(user) + Number(system);
}
