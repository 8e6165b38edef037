import { spawnSync } from 'node:child_process';
import t from 'tap';
import { PACKAGE_ROOT } from '../support/package-root.js';

t.test('generated files are as fresh as what they were made from', async (t) => {
  const run = spawnSync(process.execPath, ['scripts/gen.mjs', '--check'], { cwd: PACKAGE_ROOT, encoding: 'utf8' });
  t.equal(run.status, 0, `npm run gen would change nothing\n${run.stdout}${run.stderr}`);
});
