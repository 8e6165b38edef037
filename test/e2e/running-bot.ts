import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { PACKAGE_ROOT } from '../support/package-root.js';

const CLI = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

/** A pipeline that runs beside a server of its own, as `npm start` does. */
export interface RunningBot {
  readonly process: ChildProcess;
  readonly pageUrl: string;
  readonly url: string;
}

/** Runs a shipped pipeline on a free port, up to where it tells the address of its page. */
export async function startBot(pipeline: string, env: Readonly<Record<string, string>> = {}): Promise<RunningBot> {
  const child = spawn(process.execPath, [CLI, 'run', `${PACKAGE_ROOT}/pipelines/${pipeline}`], {
    env: { ...process.env, SLUICE_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    output += String(chunk);
    const pageUrl = /http:\S+/.exec(output)?.[0];
    if (pageUrl !== undefined) {
      child.stdout.resume();
      return { process: child, pageUrl, url: `ws://${new URL(pageUrl).host}` };
    }
  }
  throw new Error(`${pipeline} ended without telling its page: ${output}`);
}
