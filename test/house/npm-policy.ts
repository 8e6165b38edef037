import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { PACKAGE_ROOT } from '../support/package-root.js';

interface Lock {
  readonly packages: Record<
    string,
    { readonly hasInstallScript?: boolean; readonly resolved?: string; readonly os?: string[] }
  >;
}

interface Manifest {
  readonly allowScripts: Record<string, boolean>;
}

const lock = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package-lock.json'), 'utf8')) as Lock;
const manifest = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')) as Manifest;

t.test('every package with an install script is allowed or denied by name', async (t) => {
  const withScript = Object.entries(lock.packages)
    .filter(([path, entry]) => path !== '' && entry.hasInstallScript === true)
    .map(([path]) => path.replace(/^.*node_modules\//, ''));
  const undecided = [...new Set(withScript)].filter((name) => !(name in manifest.allowScripts));
  t.same(undecided, [], 'npm 12 would block these');
  const gone = Object.keys(manifest.allowScripts).filter((name) => !withScript.includes(name));
  t.same(gone, [], 'decided, but not in the lock or without a script');
});

t.test('the lock names no registry', async (t) => {
  const addresses = Object.entries(lock.packages).filter(([, entry]) => entry.resolved !== undefined);
  t.same(addresses, []);
});
