import { access, constants, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Environment } from '../../graph/environment.js';
import type { Need } from '../../media/need.js';
import { publicUrl } from '../../media/public-url.js';
import { fine, wrong, type Finding } from './finding.js';
import { loadsPackage } from './load-package.js';

/** A server that has not answered by then is none, in ms. */
const ANSWER_MS = 5000;

/** Looks for one thing that a node needs. Starts and loads nothing in this process. Never rejects. */
export async function checkNeed(need: Need, environment: Environment): Promise<Finding> {
  switch (need.kind) {
    case 'program':
      return await checkProgram(need.name, need.mend, environment);
    case 'file':
      return await checkFile(need.path, need.mend);
    case 'package':
      return await checkPackage(need.name, need.mend);
    case 'service':
      return await checkService(need);
  }
}

async function checkProgram(name: string, mend: string | undefined, environment: Environment): Promise<Finding> {
  const what = `program ${name}`;
  const folders = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const paths = name.includes('/') ? [name] : folders.map((folder) => join(folder, name));
  for (const path of paths) {
    if (await isProgram(path)) return fine(what, path);
  }
  const found = name.includes('/') ? 'no such program' : 'not in PATH';
  return wrong(what, found, mend ?? 'Install it, or give its path.');
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

async function checkFile(path: string, mend: string | undefined): Promise<Finding> {
  const what = `file ${path}`;
  try {
    await access(path, constants.R_OK);
    const found = await stat(path);
    return fine(what, found.isDirectory() ? 'a folder' : `${found.size} bytes`);
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return wrong(what, isMissing ? 'not there' : 'cannot be read', mend ?? 'Put it there, or give another path.');
  }
}

/** @internal */
export async function checkPackage(name: string, mend: string | undefined): Promise<Finding> {
  const failure = await loadsPackage(name);
  const what = `package ${name}`;
  return failure === undefined ? fine(what, 'loads') : wrong(what, failure, mend ?? `npm install ${name}`);
}

async function checkService({ url, headers = {}, mend }: Extract<Need, { kind: 'service' }>): Promise<Finding> {
  const what = `server ${publicUrl(url)}`;
  try {
    const address = url.replace(/^ws/, 'http');
    // A key is for nobody but who it is for.
    const answer = await fetch(address, { headers, redirect: 'manual', signal: AbortSignal.timeout(ANSWER_MS) });
    await answer.body?.cancel();
    if (answer.status >= 300 && answer.status < 400)
      return wrong(what, `sends elsewhere (${answer.status})`, 'Give the address that it sends to.');
    if (answer.status === 401 || answer.status === 403)
      return wrong(what, `refuses the key (${answer.status})`, mend ?? 'Give it a key that is good there.');
    return answer.status >= 500
      ? wrong(what, `answers with ${answer.status}`, 'See its log, or try again later.')
      : fine(what, 'answers');
  } catch {
    return wrong(what, 'does not answer', 'Start it, or give another address.');
  }
}
