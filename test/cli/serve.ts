import t from 'tap';
import { connect } from '../../src/index.js';
import { cli, startCli } from './cli-lab.js';

/** `sluice serve` on a free port, when it can be joined. */
async function serve(...args: string[]): Promise<{ running: ReturnType<typeof startCli>; url: string }> {
  const running = startCli(['serve', '--port', '0', '--json', ...args]);
  const url = /"url":"([^"]+)"/.exec(await running.printed('"url"'))?.[1] ?? '';
  return { running, url };
}

await t.test('serve ends when all have gone, whom it asked to', async (t) => {
  const [first, second] = [await serve(), await serve()];
  const session = await connect({
    url: [first.url, second.url],
    sessionId: 'demo',
    settings: { enableMigration: true },
  });
  const migrated = new Promise<void>((resolve) => session.once('migrated', resolve));
  first.running.interrupt();
  t.match(await first.running.result, { code: 0, stderr: /Asking everyone to go elsewhere/ });
  await migrated;
  await session.disconnect();
  second.running.interrupt();
  t.match(await second.running.result, { code: 0 });
});

await t.test(
  'serve waits for those who stay no longer than it is told, and not at all when it is told twice',
  async (t) => {
    for (const [args, signals] of [
      [['--drain-timeout', '0.05'], 1],
      [['--drain-timeout', '3600'], 2],
    ] as const) {
      const { running, url } = await serve(...args);
      const { WebSocket } = await import('ws');
      const { createToken } = await import('../../src/server/index.js');
      const token = await createToken({ apiKey: 'devkey', apiSecret: 'secret', sessionId: 'demo', identity: 'stays' });
      const socket = new WebSocket(`${url}/rtc?access_token=${token}&protocol=15`);
      await new Promise((resolve) => socket.once('message', resolve));
      for (let i = 0; i < signals; i++) running.interrupt();
      t.match(await running.result, { code: 0 });
      socket.terminate();
    }
  },
);

await t.test('serve refuses a time that is none', async (t) => {
  t.match(await cli(['serve', '--drain-timeout', 'soon']), { code: 2, stderr: /"soon" is no time/ });
});
