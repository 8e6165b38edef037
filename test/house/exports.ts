import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { PACKAGE_ROOT } from '../support/package-root.js';

type Target = string | { readonly [condition: string]: Target };

interface Manifest {
  readonly exports: Record<string, Target>;
  readonly bin: Record<string, string>;
  readonly files: readonly string[];
}

const manifest = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')) as Manifest;

t.test('every file that package.json exports was built and is packed', async (t) => {
  const targets = [...Object.values(manifest.exports).flatMap(filesOf), ...Object.values(manifest.bin)];
  t.ok(targets.length >= 5, 'the library, its nodes with types, and the command');
  for (const target of targets) {
    t.ok(existsSync(join(PACKAGE_ROOT, target)), `${target} exists`);
    const top = target.replace(/^\.\//, '').split('/')[0] ?? '';
    t.ok(top === 'package.json' || manifest.files.includes(top), `${target} is among the packed files`);
  }
});

t.test('the command starts with a line that names its interpreter', async (t) => {
  const command = readFileSync(join(PACKAGE_ROOT, manifest.bin['sluice'] ?? ''), 'utf8');
  t.match(command, /^#!\/usr\/bin\/env node\n/);
});

t.test('what each entry exports can be imported by its public name', async (t) => {
  for (const entry of Object.keys(manifest.exports).filter((key) => !key.endsWith('.json'))) {
    const name = `sluice${entry.slice(1)}`;
    const exported = (await import(name)) as Record<string, unknown>;
    t.ok(Object.keys(exported).length > 0, `${name} exports something`);
    t.notOk('default' in exported, `${name} has no default export`);
  }
});

function filesOf(target: Target): string[] {
  return typeof target === 'string' ? [target] : Object.values(target).flatMap(filesOf);
}
