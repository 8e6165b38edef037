import { mkdir, mkdtemp, realpath, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../support/package-root.js';

/** A folder with a project of a user in it, who has installed sluice and the types of Node.js. */
export async function userProject(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'sluice-')));
  const packages = join(folder, 'node_modules');
  await mkdir(join(packages, '@types'), { recursive: true });
  await symlink(PACKAGE_ROOT, join(packages, 'sluice'));
  await symlink(join(PACKAGE_ROOT, 'node_modules', '@types', 'node'), join(packages, '@types', 'node'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

export const MODULES = '{ "type": "module" }';
