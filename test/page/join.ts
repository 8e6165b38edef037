import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { fetchTicket, sessionOfToken, ticketFromToken } from '../../src/server/page/join.js';

const TOKEN = `x.${Buffer.from(JSON.stringify({ video: { room: 'Grüße', roomJoin: true } })).toString('base64url')}.y`;

t.test('a ticket is asked for with session and name, and taken as it comes', async (t) => {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.end(JSON.stringify({ url: 'ws://example.test:1', token: 'a.b.c', sessionId: 'demo' }));
  });
  const base = await listen(server);
  t.teardown(() => server.close());
  const ticket = await fetchTicket(base, 'stand up', 'Ada & Co');
  t.same(ticket, { url: 'ws://example.test:1', token: 'a.b.c', sessionId: 'demo' });
  t.same(asked, ['/join.json?session=stand+up&name=Ada+%26+Co']);
});

t.test('a refusal keeps its status and message', async (t) => {
  const answers = [
    { status: 403, body: '{"code":"SLUICE_PERMISSION_DENIED","message":"no"}' },
    { status: 404, body: '<h1>Not found</h1>' },
    { status: 200, body: '{}' },
  ];
  const server = createServer((_request, response) => {
    const { status, body } = answers.shift() ?? { status: 500, body: '' };
    response.writeHead(status).end(body);
  });
  const base = await listen(server);
  t.teardown(() => server.close());
  await t.rejects(fetchTicket(base, 's', 'n'), { name: 'TicketError', status: 403, message: 'no' });
  await t.rejects(fetchTicket(base, 's', 'n'), { name: 'TicketError', status: 404, message: '' });
  await t.rejects(fetchTicket(base, 's', 'n'), { name: 'TicketError', status: 502 }, 'an answer without a token');
});

t.test('a server that is gone is status 0', async (t) => {
  const server = createServer();
  const base = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  await t.rejects(fetchTicket(base, 's', 'n'), { name: 'TicketError', status: 0 });
});

t.test('a pasted token names its session and goes to the server of the page', (t) => {
  t.equal(sessionOfToken(TOKEN), 'Grüße');
  t.same(ticketFromToken('http://127.0.0.1:7880/', TOKEN, 'demo'), {
    url: 'ws://127.0.0.1:7880',
    token: TOKEN,
    sessionId: 'Grüße',
  });
  t.equal(ticketFromToken('https://media.example/talk/', TOKEN, 'demo').url, 'wss://media.example/talk');
  for (const broken of ['', 'abc', 'a.b.c', 'a.e30.c']) {
    t.equal(sessionOfToken(broken), '', `"${broken}" names none`);
    t.equal(ticketFromToken('http://h/', broken, 'demo').sessionId, 'demo');
  }
  t.end();
});

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port.toString()}/`;
}
