import { createServer as createTcpServer } from 'node:net';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { request } from 'node:http';
import t from 'tap';
import { createService } from '../../src/server/service.js';
import { verifyToken } from '../../src/server/token.js';
import { runServer } from './running-server.js';

/** A GET with headers that fetch would not let through. */
async function get(url: string, headers: Record<string, string>): Promise<{ status: number; body: string }> {
  const sent = request(url, { headers, agent: false });
  sent.end();
  const [response] = (await once(sent, 'response')) as [import('node:http').IncomingMessage];
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode ?? 0, body };
}

t.test('health, and what clients ask before they fall back', async (t) => {
  const { httpUrl, token } = await runServer(t);
  const health = await fetch(`${httpUrl}/healthz`);
  t.equal(health.status, 200);
  t.match(await health.json(), { status: 'ok', sessions: 0, participants: 0 });
  for (const path of ['/rtc/v1', '/rtc/v1/validate?access_token=x']) {
    const response = await fetch(`${httpUrl}${path}`);
    t.equal(response.status, 404, path);
    t.equal(response.headers.get('access-control-allow-origin'), '*', 'readable for a page of another origin');
  }
  const valid = await fetch(`${httpUrl}/rtc/validate?access_token=${await token('ann')}`);
  t.same([valid.status, await valid.text()], [200, 'success']);
  const invalid = await fetch(`${httpUrl}/rtc/validate?access_token=forged`);
  t.same([invalid.status, await invalid.text()], [401, 'the token is malformed']);
  t.equal((await fetch(`${httpUrl}/rtc`)).status, 426);
  t.equal((await fetch(`${httpUrl}/nothing/here`)).status, 404);
  t.equal((await fetch(`${httpUrl}/../../package.json`)).status, 404);
  t.equal((await fetch(`${httpUrl}/%2e%2e/%2e%2e/package.json`)).status, 404);
});

t.test('the development tokens are for the page of this server only', async (t) => {
  const { httpUrl, url, service } = await runServer(t);
  const response = await fetch(`${httpUrl}/join.json?session=room1&name=Ann`);
  const body = (await response.json()) as { url: string; token: string; sessionId: string };
  t.match(body, { url, sessionId: 'room1' });
  t.match(await verifyToken(body.token, { devkey: 'secret' }), { name: 'Ann', sessionId: 'room1' });
  const path = `${httpUrl}/join.json`;
  const host = `127.0.0.1:${service.info.port}`;
  t.equal((await get(path, { host, origin: `http://${host}` })).status, 200, 'the page itself');
  t.equal((await get(path, { host: `localhost:${service.info.port}` })).status, 200);
  t.equal((await get(path, { host, origin: 'http://evil.example' })).status, 403, 'another origin');
  t.equal(
    (await get(path, { host: `evil.example:${service.info.port}` })).status,
    403,
    'a name that was made to lead here',
  );
  t.equal((await get(path, { host, 'sec-fetch-site': 'cross-site' })).status, 403, 'a script tag elsewhere');
});

t.test('with keys of its own a server signs nothing for anyone', async (t) => {
  const { httpUrl, token } = await runServer(t, { keys: { key: 'something-secret' } });
  t.equal((await fetch(`${httpUrl}/join.json`)).status, 404);
  t.equal((await fetch(`${httpUrl}/rtc/validate?access_token=${await token('ann')}`)).status, 200);
});

t.test('a port that is taken, TCP or UDP, is an error that leaves nothing open', async (t) => {
  const tcp = createTcpServer().listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const udp = createSocket('udp4').bind(0, '127.0.0.1');
  await once(udp, 'listening');
  t.teardown(() => {
    tcp.close();
    udp.close();
  });
  const address = tcp.address();
  const tcpPort = typeof address === 'object' && address !== null ? address.port : 0;
  await t.rejects(createService({ port: tcpPort }), { code: 'SLUICE_ADDRESS_IN_USE' });
  const free = await runServer(t);
  const { port } = free.service.info;
  await free.service.close();
  await t.rejects(createService({ port, udpPort: udp.address().port }), { code: 'SLUICE_ADDRESS_IN_USE' });
  const again = await createService({ port });
  t.match(again.info, { port, udpPort: port }, 'TCP and UDP have the same number');
  await again.close();
  await again.close();
});

t.test('other addresses need keys, and options are checked', async (t) => {
  await t.rejects(createService({ host: '0.0.0.0', port: 0 }), { code: 'SLUICE_KEYS_REQUIRED' });
  await t.rejects(createService({ port: 70_000 }), { code: 'SLUICE_CONFIG_INVALID' });
  await t.rejects(createService({ port: 0, prot: 1 } as never), { code: 'SLUICE_CONFIG_INVALID' });
  await t.rejects(createService({ host: 'no.such.host.invalid', port: 0 }), { code: 'SLUICE_CONFIG_INVALID' });
  await t.rejects(createService({ host: '203.0.113.7', port: 0, keys: { a: 'b' } }), { code: 'SLUICE_CONFIG_INVALID' });
});
