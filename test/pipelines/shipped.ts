import { readdirSync } from 'node:fs';
import t from 'tap';
import { shippedPipelines, startCli } from './process-lab.js';

await t.test('every shipped pipeline is valid', async (t) => {
  const folder = shippedPipelines();
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml') && !name.endsWith('.test.yaml'));
  t.ok(['compose.yaml', 'demo.yaml', 'echo.yaml', 'play.yaml', 'record.yaml'].every((name) => files.includes(name)));
  for (const file of files) {
    const { code, stderr } = await startCli(t, ['validate', file], { cwd: folder }).ended;
    t.equal(code, 0, `${file} ${stderr}`);
  }
});
