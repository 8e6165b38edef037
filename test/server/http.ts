import { type Socket, connect, createServer as createTcpServer } from 'node:net';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { request } from 'node:http';
import t from 'tap';
import { createService } from '../../src/server/service.js';
import { verifyToken } from '../../src/server/token.js';
import { RawClient } from './raw-client.js';
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
  const probes = { '/rtc': 426, '/rtc/v1': 426, '/rtc/v1/validate?access_token=x': 401, '/rtc/validate': 401 };
  for (const [path, status] of Object.entries(probes)) {
    const response = await fetch(`${httpUrl}${path}`);
    t.equal(response.status, status, path);
    t.equal(response.headers.get('access-control-allow-origin'), '*', 'readable for a page of another origin');
  }
  const valid = await fetch(`${httpUrl}/rtc/validate?access_token=${await token('ann')}`);
  t.same([valid.status, await valid.text()], [200, 'success']);
  const invalid = await fetch(`${httpUrl}/rtc/validate?access_token=forged`);
  t.same([invalid.status, await invalid.text()], [401, 'the token is malformed']);
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

/** A connection on which this was said and no more comes. */
async function halfOpen(port: number, text: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

t.test('whoever holds many connections open takes the place of nobody else', async (t) => {
  const { url, token, service } = await runServer(t);
  const { port } = service.info;
  const ann = await RawClient.join(url, await token('ann'));
  t.teardown(() => ann.close());
  const beginnings = [
    '',
    'GET /rtc?access_token=',
    'GET /rtc HTTP/1.1\r\nUpgrade: websocket\r\nX: ',
    'POST /twirp/x HTTP/1.1\r\n',
  ];
  const sockets: Socket[] = [];
  for (let i = 0; i < 600; i++) sockets.push(await halfOpen(port, beginnings[i % beginnings.length] ?? ''));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });
  const first = sockets[0];
  if (first && !first.closed) await once(first, 'close');
  t.notOk(sockets[599]?.closed, 'the oldest go first');
  const bob = await RawClient.join(url, await token('bob'));
  t.teardown(() => bob.close());
  await ann.update((one) => one.identity === 'bob');
  t.equal(ann.socket.readyState, ann.socket.OPEN);
  // The last of those who came is not looked at before the others are.
  t.match(service.stats(), { participants: 2, http: { crowdedOut: 101 } });
});

t.test('headers and addresses that are too long are refused', async (t) => {
  const { httpUrl, service } = await runServer(t);
  t.equal((await get(`${httpUrl}/healthz`, { x: 'x'.repeat(65 * 1024) })).status, 431);
  t.equal((await get(`${httpUrl}/rtc/v1/validate?join_request=${'A'.repeat(70 * 1024)}`, {})).status, 431);
  const upgrade = await halfOpen(
    service.info.port,
    'GET /rtc HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
  );
  t.match(
    String((await once(upgrade, 'data'))[0]),
    /^HTTP\/1.1 401 /,
    'who shows no token is told so, and the connection closed',
  );
  if (!upgrade.closed) await once(upgrade, 'close');
});

t.test('a client that asks for more than it can mean, or reads nothing, is sent away alone', async (t) => {
  const { url, token, service } = await runServer(t);
  const [ann, eve] = [await RawClient.join(url, await token('ann')), await RawClient.join(url, await token('eve'))];
  t.teardown(() => Promise.all([ann.close(), eve.close()]));
  for (let i = 0; i < 2_500; i++) eve.send('ping', 1n);
  t.match(await eve.closed, { code: 1008 });
  t.equal(service.stats().signalling.overRate, 1);
  const pinger = await RawClient.join(url, await token('pinger'));
  t.teardown(() => pinger.close());
  for (let i = 0; i < 2_500; i++) pinger.socket.ping(Buffer.alloc(125));
  t.match(await pinger.closed, { code: 1008 });
  ann.send('ping', 1n);
  await ann.next('pong');
});
