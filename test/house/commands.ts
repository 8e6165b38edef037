import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { cli } from '../cli/cli-lab.js';
import { PACKAGE_ROOT } from '../support/package-root.js';

t.test('README has a line for each command, and for no other', async (t) => {
  const readme = readFileSync(join(PACKAGE_ROOT, 'README.md'), 'utf8');
  const section = readme.slice(readme.indexOf('### Commands\n')).split(/\n(?=##|<!--)/)[0] ?? '';
  const told = [...section.matchAll(/^\| `sluice ([a-z]+)[^|]*` +\|/gm)].map((match) => match[1]);
  const { stdout } = await cli(['help', '--json']);
  const { commands } = JSON.parse(stdout) as { commands: { name: string }[] };
  t.same(told.sort(), commands.map(({ name }) => name).sort());
});
