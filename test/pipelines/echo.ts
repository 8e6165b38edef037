import t from 'tap';
import { copyPipelines, startCli } from './process-lab.js';

await t.test('echo.yaml says where to join it, and stops when it is told to', { timeout: 60_000 }, async (t) => {
  const folder = t.testdir();
  copyPipelines(folder);
  const echo = startCli(t, ['run', 'pipelines/echo.yaml'], { cwd: folder });
  const address = await echo.wrote(/Open (http:\/\/127\.0\.0\.1:\d+)\/\?session=demo to join session "demo"\./);
  t.equal((await fetch(`${address}/healthz`)).status, 200);
  echo.kill('SIGTERM');
  const { code, stderr } = await echo.ended;
  t.equal(code, 0, stderr);
  t.match(stderr, /stopped after/);
  await t.rejects(fetch(`${address}/healthz`), 'nobody listens there any more');
});
