import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { cli } from './cli-lab.js';
import { MODULES, userProject } from './project-lab.js';

const TSC = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const TSCONFIG = JSON.stringify({
  compilerOptions: { target: 'ES2022', module: 'NodeNext', strict: true, skipLibCheck: true, types: ['node'] },
});

await t.test('a new pipeline is valid as it is, passes its test, and an editor finds their schemas', async (t) => {
  const folder = await userProject({ 'package.json': MODULES });
  const path = join(folder, 'bots', 'softer');
  t.strictSame(await cli(['new', 'pipeline', path]), {
    code: 0,
    stdout: `wrote ${path}.yaml\nwrote ${path}.test.yaml\nNext: sluice test ${path}.test.yaml; sluice run ${path}.yaml\n`,
    stderr: '',
  });
  t.match(await cli(['validate', `${path}.yaml`]), { code: 0 });
  const tested = await cli(['test', `${path}.test.yaml`]);
  t.equal(tested.code, 0, tested.stdout);
  for (const [file, title] of [
    ['softer.yaml', 'sluice pipeline'],
    ['softer.test.yaml', 'Tests of a sluice pipeline'],
  ] as const) {
    const text = await readFile(join(folder, 'bots', file), 'utf8');
    const schema = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text)?.[1] ?? '';
    t.match(JSON.parse(await readFile(join(folder, 'bots', schema), 'utf8')), { title });
  }

  const louder = (await readFile(`${path}.yaml`, 'utf8')).replace('db: -6', 'db: 0');
  await writeFile(`${path}.yaml`, louder);
  t.equal((await cli(['test', `${path}.test.yaml`])).code, 1, 'its test fails when it breaks');
});

await t.test('a new node in JavaScript passes its test, and runs in a pipeline', async (t) => {
  const folder = await userProject({ 'package.json': MODULES });
  const path = join(folder, 'much-louder');
  const { code, stdout } = await cli(['new', 'node', path, '--json']);
  t.match([code, JSON.parse(stdout)], [0, { files: [`${path}.js`, `${path}.test.js`] }]);
  await passes(t, folder, 'much-louder.test.js');
  const run = ['launch', 'tone durationMs=40 live=false ! much-louder factor=2 ! null', '--nodes', `${path}.js`];
  t.match(await cli(run), { code: 0, stderr: /^ended after/ });
  const { stdout: told } = await cli(['inspect', 'much-louder', '--nodes', `${path}.js`]);
  t.match(told, 'What samples are multiplied by');

  const source = await readFile(`${path}.js`, 'utf8');
  await writeFile(`${path}.js`, source.replace('sample * factor', 'sample + factor'));
  t.not((await program(['--test', 'much-louder.test.js'], folder)).code, 0, 'its test fails when it breaks');
});

await t.test('a new node in TypeScript compiles, in strict mode, and passes its test', async (t) => {
  const folder = await userProject({ 'package.json': MODULES, 'tsconfig.json': TSCONFIG });
  await cli(['new', 'node', join(folder, 'class')]);
  t.same(
    (await readdir(folder)).filter((name) => name.startsWith('class')),
    ['class.test.ts', 'class.ts'],
  );
  const compiled = await program([TSC, '-p', '.'], folder);
  t.equal(compiled.code, 0, compiled.output);
  await passes(t, folder, 'class.test.js');
});

await t.test('outside of a package of modules, files say themselves that they are modules', async (t) => {
  const folder = await userProject({});
  await cli(['new', 'node', join(folder, 'loudness')]);
  await passes(t, folder, 'loudness.test.mjs');
});

await t.test('nothing is overwritten, and nothing is written halfway', async (t) => {
  const folder = await userProject({ 'package.json': MODULES, 'a.test.js': 'mine', 'b.yaml': 'mine' });
  t.match(await cli(['new', 'node', join(folder, 'a')]), {
    code: 1,
    stdout: '',
    stderr: `${join(folder, 'a.test.js')} is already there [SLUICE_FILE_WRITE]`,
  });
  t.match(await cli(['new', 'pipeline', join(folder, 'b')]), { code: 1, stderr: 'SLUICE_FILE_WRITE' });
  t.same((await readdir(folder)).sort(), ['a.test.js', 'b.yaml', 'node_modules', 'package.json']);
  t.equal(await readFile(join(folder, 'a.test.js'), 'utf8'), 'mine');
  t.equal(await readFile(join(folder, 'b.yaml'), 'utf8'), 'mine');
  t.match(await cli(['new', 'pipeline', join(folder, 'b.yaml', 'c')]), { code: 1, stderr: 'cannot write' });
});

await t.test('kinds and names that are none', async (t) => {
  for (const [args, message] of [
    [['new'], 'new needs <pipeline|node>'],
    [['new', 'node'], 'new needs <name>'],
    [['new', 'graph', 'x'], 'there is no "graph" to begin; there are pipeline, node'],
    [['new', 'node', 'Loud Ness'], '"Loud Ness" is no name; use small letters, digits and -'],
    [['new', 'node', 'gain'], 'there is a node of type "gain" already'],
    [['new', 'node', 'a', 'b'], '"b" is one argument too many'],
  ] as const) {
    t.match(await cli(args), { code: 2, stderr: message });
  }
});

async function passes(t: Test, folder: string, test: string): Promise<void> {
  const { code, output } = await program(['--test', test], folder);
  t.equal(code, 0, output);
  t.match(output, /pass 1\b/);
}

/** Runs node in a folder of the user, who has nothing to do with this test run. */
async function program(args: readonly string[], cwd: string): Promise<{ code: number | null; output: string }> {
  const env = { PATH: process.env['PATH'], HOME: cwd };
  const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}
