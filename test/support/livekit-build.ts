import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, constants, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PACKAGE_ROOT } from './package-root.js';
import { findProgram } from './require.js';

const MODULE = join(PACKAGE_ROOT, 'test', 'livekit');
const PACKAGE = 'github.com/livekit/livekit-server';

/**
 * The path of a LiveKit server: the one that SLUICE_LIVEKIT_SERVER names, else the version in test/livekit/go.mod, which Go builds
 * once into the user's cache (about two minutes). Errors: without Go, or with what Go says.
 */
export async function buildLiveKitServer(): Promise<string> {
  const named = process.env['SLUICE_LIVEKIT_SERVER'];
  if (named !== undefined && named !== '') {
    const path = findProgram('livekit-server');
    if (path === undefined) throw new Error(`SLUICE_LIVEKIT_SERVER names no program: ${named}`);
    return path;
  }
  const path = join(cacheFolder(), `livekit-server-${await version()}`);
  if (!(await isThere(path))) await build(path);
  return path;
}

async function build(path: string): Promise<void> {
  const go = findProgram('go');
  if (go === undefined) throw new Error('the LiveKit server cannot be built: go is not installed');
  await mkdir(dirname(path), { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  const child = spawn(go, ['build', '-buildvcs=false', '-o', unfinished, `${PACKAGE}/cmd/server`], {
    cwd: MODULE,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4000)));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) {
    await rm(unfinished, { force: true });
    throw new Error(`the LiveKit server was not built (exit code ${code}):\n${said}`);
  }
  // Others may build it at the same time: whoever is last leaves the same program.
  await rename(unfinished, path);
}

async function version(): Promise<string> {
  const text = await readFile(join(MODULE, 'go.mod'), 'utf8');
  const found = new RegExp(`${PACKAGE} v(\\S+)`).exec(text)?.[1];
  if (found === undefined) throw new Error(`test/livekit/go.mod does not name ${PACKAGE}`);
  return found;
}

function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'sluice');
}

async function isThere(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

// Run by itself, it builds and says where: a step of its own in CI.
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.stdout.write(`${await buildLiveKitServer()}\n`);
}
