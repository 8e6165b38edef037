import t from 'tap';
import { isLoopback } from '../../src/media/loopback.js';

await t.test('hosts that only this machine reaches are told from all others', async (t) => {
  for (const host of ['localhost', '127.0.0.1', '127.1.2.3', '::1', '[::1]', '::ffff:127.0.0.1'])
    t.ok(isLoopback(host), host);
  for (const host of [
    '',
    '0.0.0.0',
    '10.0.0.1',
    '::',
    '[::]',
    '::ffff:10.0.0.1',
    '127.evil.example',
    'localhost.example',
  ])
    t.notOk(isLoopback(host), host);
});
