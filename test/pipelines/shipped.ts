import { readdirSync } from 'node:fs';
import t from 'tap';
import { shippedPipelines, startCli } from './process-lab.js';

await t.test('every shipped pipeline is valid', async (t) => {
  const folder = shippedPipelines();
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml') && !name.endsWith('.test.yaml'));
  const shipped = ['bridge', 'compose', 'demo', 'echo', 'mix', 'play', 'record'];
  t.ok(shipped.every((name) => files.includes(`${name}.yaml`)));
  for (const file of files) {
    const { code, stderr } = await startCli(t, ['validate', file], { cwd: folder }).ended;
    t.equal(code, 0, `${file} ${stderr}`);
  }
});

await t.test('every shipped pipeline has tests, and passes them', { timeout: 120_000 }, async (t) => {
  const folder = shippedPipelines();
  const names = readdirSync(folder);
  for (const file of names.filter((name) => name.endsWith('.yaml') && !name.endsWith('.test.yaml'))) {
    t.ok(names.includes(file.replace('.yaml', '.test.yaml')), file);
  }
  const { code, stdout } = await startCli(t, ['test', folder], { cwd: folder }).ended;
  t.equal(code, 0, stdout);
  t.comment(stdout);
});
