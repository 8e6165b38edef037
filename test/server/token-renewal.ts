import t from 'tap';
import { VirtualClock } from '../../src/media/clock.js';
import { TokenRenewal } from '../../src/server/token-renewal.js';
import { settle } from '../nodes/node-lab.js';

t.test('tokens that are renewed twice at one time are renewed once later, and never after the end', async (t) => {
  const clock = new VirtualClock();
  const given: string[] = [];
  let signed = 0;
  const renewal = new TokenRenewal({
    clock,
    remainingMs: 20_000,
    sign: async () => await Promise.resolve(`token ${++signed}`),
    onToken: (token) => given.push(token),
    onError: (error) => {
      throw error;
    },
  });
  renewal.renew();
  renewal.renew();
  await settle();
  t.same(given, ['token 1', 'token 2']);
  clock.advance(300_000);
  await settle();
  t.same(given.slice(2), ['token 3'], 'when half of what it is good for is over');
  renewal.renew();
  renewal.renew();
  await settle();
  renewal.close();
  clock.advance(1_000_000);
  await settle();
  t.equal(signed, 5, 'nothing is left that would keep a process');
});
