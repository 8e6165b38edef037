import { createSocket } from 'node:dgram';
import t from 'tap';
import { createToken } from '../../src/server/token.js';
import { RawClient } from '../server/raw-client.js';
import { liveKitServer } from '../support/livekit-server.js';
import { impairedNetwork } from '../support/network/impaired-network.js';

t.test('a LiveKit server of our own, through a network of our own', { timeout: 240_000 }, async (t) => {
  const server = await liveKitServer(t);
  if (!server) return;
  const network = await impairedNetwork({ serverUrl: server.url, seed: 1 });
  t.teardown(() => network.close());
  const token = await createToken({ apiKey: 'devkey', apiSecret: 'secret', identity: 'ann', sessionId: 'room' });
  const ann = await RawClient.join(network.url, token);
  t.teardown(() => ann.close());
  t.match(ann.responses[0], { case: 'join', value: { serverInfo: { version: '1.13.4' }, room: { name: 'room' } } });
  const { candidateInit } = await ann.next('trickle', (trickle) => trickle.candidateInit.includes('candidate:'));
  const port = Number(/ udp \d+ 127\.0\.0\.1 (\d+) typ host/.exec(candidateInit)?.[1]);
  const probe = createSocket('udp4');
  t.teardown(() => probe.close());
  probe.send('is this the relay?', port, '127.0.0.1');
  while ((await network.stats()).up.forwarded === 0);
  t.pass('its candidates are those of the network');
  await server.close();
  t.match(await ann.closed, { code: 1006 });
});
