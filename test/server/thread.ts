import { fork } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import { createToken } from '../../src/server/token.js';
import { RawClient } from './raw-client.js';

t.test(
  'the server runs in the media thread: it answers while the main thread does not, and the process ends after it',
  { timeout: 60_000 },
  async (t) => {
    const child = fork(new URL('./thread-child.js', import.meta.url), { execArgv: [] });
    t.teardown(() => child.kill('SIGKILL'));
    const [started] = (await once(child, 'message')) as [{ url: string; httpUrl: string; taken: string }];
    t.equal(started.taken, 'SLUICE_ADDRESS_IN_USE', 'errors keep their code across the thread');
    child.send('block');
    const health = (await (await fetch(`${started.httpUrl}/healthz`)).json()) as { status: string };
    t.equal(health.status, 'ok');
    const token = await createToken({ apiKey: 'devkey', apiSecret: 'secret', identity: 'ann', sessionId: 'demo' });
    const ann = await RawClient.join(started.url, token);
    child.send('stats');
    const [stats] = (await once(child, 'message')) as [unknown];
    t.match(stats, { rooms: 1, participants: 1, joins: { accepted: 1 } });
    child.send('close');
    t.match(await ann.next('leave'), { reason: 3 });
    await ann.close();
    const [code] = (await once(child, 'exit')) as [number];
    t.equal(code, 0);
  },
);
