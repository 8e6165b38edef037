import { access, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

/** Extensions of a module: of its source, and of what runs, which imports name. */
export interface Extensions {
  readonly source: 'ts' | 'mts' | 'js' | 'mjs';
  readonly runs: 'js' | 'mjs';
}

/** TypeScript where the project around a path has a tsconfig.json; `.m` where its package.json does not say that its files are modules. */
export async function extensionFor(path: string): Promise<Extensions> {
  const folders = foldersAbove(path);
  const typed = (await firstWith(folders, 'tsconfig.json')) !== undefined;
  const runs = (await isModule(await firstWith(folders, 'package.json'))) ? 'js' : 'mjs';
  if (!typed) return { source: runs, runs };
  return { source: runs === 'js' ? 'ts' : 'mts', runs };
}

function foldersAbove(path: string): readonly string[] {
  const folders: string[] = [];
  for (let folder = dirname(resolve(path)); !folders.includes(folder); folder = dirname(folder)) folders.push(folder);
  return folders;
}

async function firstWith(folders: readonly string[], name: string): Promise<string | undefined> {
  for (const folder of folders) {
    const file = join(folder, name);
    if (await exists(file)) return file;
  }
  return undefined;
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

async function isModule(manifest: string | undefined): Promise<boolean> {
  if (manifest === undefined) return false;
  try {
    return (JSON.parse(await readFile(manifest, 'utf8')) as { readonly type?: unknown }).type === 'module';
  } catch {
    return false;
  }
}
