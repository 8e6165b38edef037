import { once } from 'node:events';
import {
  MuteTrackRequest,
  ParticipantUpdate,
  Ping,
  ReconnectResponse,
  SignalRequest,
  SignalResponse,
} from '@livekit/protocol';
import t, { type Test } from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { VirtualClock } from '../../src/media/clock.js';
import { RETURN_TIMEOUT_MS, SignalLink } from '../../src/server/signal-link.js';
import { type Request, type Response, SignalSocket } from '../../src/server/signal-socket.js';

interface Ends {
  readonly client: WebSocket;
  readonly socket: SignalSocket;
  /** What the client was told. */
  readonly told: Response['case'][];
}

/** Two ends of a true connection, with the server's end on a clock of its own. */
class Line {
  readonly clock = new VirtualClock();
  readonly #server = new WebSocketServer({ host: '127.0.0.1', port: 0 });

  async open(): Promise<Ends> {
    const address = this.#server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const accepted = once(this.#server, 'connection') as Promise<[WebSocket]>;
    const client = new WebSocket(`ws://127.0.0.1:${port}`);
    const told: Response['case'][] = [];
    client.on('message', (data: Buffer) => {
      const { message } = SignalResponse.fromBinary(data);
      if (message.case) told.push(message.case);
    });
    const [ws] = await accepted;
    await once(client, 'open');
    return { client, socket: new SignalSocket(ws, this.clock), told };
  }

  async listen(): Promise<void> {
    await once(this.#server, 'listening');
  }

  close(): void {
    for (const ws of this.#server.clients) ws.terminate();
    this.#server.close();
  }
}

async function makeLine(t: Test): Promise<Line> {
  const line = new Line();
  t.teardown(() => {
    line.close();
  });
  await line.listen();
  return line;
}

const mute = (sid: string): Response => ({ case: 'mute', value: new MuteTrackRequest({ sid, muted: true }) });

t.test('a client that answers pings is kept; one that is silent is cut off', async (t) => {
  const line = await makeLine(t);
  const { client, socket } = await line.open();
  let reason = '';
  socket.listen({
    onRequest: () => undefined,
    onClose: (why) => {
      reason = why;
    },
  });
  for (let i = 0; i < 8; i++) {
    const pinged = once(client, 'ping');
    line.clock.advance(2_500);
    await pinged;
    // The pong has come when what was sent after it has.
    const heardUs = line.clock.nowUs();
    client.send(new SignalRequest({ message: { case: 'pingReq', value: new Ping() } }).toBinary());
    while (socket.heardUs < heardUs) await new Promise((resolve) => setImmediate(resolve));
  }
  t.equal(reason, '', 'after 20 s');
  client.pause();
  line.clock.advance(8_000);
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(reason, '', 'not yet');
  line.clock.advance(4_000);
  while (reason === '') await new Promise((resolve) => setImmediate(resolve));
  t.match(reason, /nothing was heard/);
});

interface Linked {
  readonly link: SignalLink;
  readonly requests: Request['case'][];
  readonly gone: string[];
  alive: boolean;
}

function makeLink(line: Line, socket: SignalSocket): Linked {
  const linked: { -readonly [K in keyof Linked]?: Linked[K] } = { requests: [], gone: [], alive: true };
  linked.link = new SignalLink(socket, {
    clock: line.clock,
    onRequest: (request) => linked.requests?.push(request.case),
    mayReturn: () => linked.alive === true,
    onGone: (reason) => linked.gone?.push(reason),
  });
  return linked as Linked;
}

/** Breaks the connection, and lets the server see it. */
async function lose({ client }: Ends, { link }: Linked): Promise<void> {
  client.terminate();
  while (!link.away) await new Promise((resolve) => setImmediate(resolve));
}

t.test('what is said while a client is away waits for it, and comes after what it is told first', async (t) => {
  const line = await makeLine(t);
  const first = await line.open();
  const linked = makeLink(line, first.socket);
  linked.link.send(mute('a'));
  await once(first.client, 'message');
  await lose(first, linked);
  linked.link.send(mute('b'));
  linked.link.send({ case: 'update', value: new ParticipantUpdate() });
  linked.link.send({ case: 'refreshToken', value: 'token' });
  line.clock.advance(RETURN_TIMEOUT_MS - 1_000);
  const second = await line.open();
  linked.link.resume(second.socket, [{ case: 'reconnect', value: new ReconnectResponse() }]);
  linked.link.send(mute('c'));
  while (second.told.length < 4) await once(second.client, 'message');
  t.same(second.told, ['reconnect', 'mute', 'refreshToken', 'mute'], 'an update is made good by a full one');
  second.client.send(new SignalRequest({ message: { case: 'ping', value: 1n } }).toBinary());
  while (linked.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
  t.same(linked.requests, ['ping']);
  line.clock.advance(RETURN_TIMEOUT_MS * 2);
  t.same(linked.gone.length, 0, 'the old wait is over');
});

t.test('a client that does not come back is gone after a while, or as soon as it cannot come back', async (t) => {
  const line = await makeLine(t);
  const first = await line.open();
  const slow = makeLink(line, first.socket);
  await lose(first, slow);
  line.clock.advance(RETURN_TIMEOUT_MS - 1_000);
  t.same(slow.gone.length, 0);
  line.clock.advance(1_500);
  t.same(slow.gone.length, 1);
  const second = await line.open();
  const dead = makeLink(line, second.socket);
  await lose(second, dead);
  dead.alive = false;
  line.clock.advance(600);
  t.same(dead.gone.length, 1);
});

t.test('a client that leaves its page, or breaks the protocol, is not waited for', async (t) => {
  const line = await makeLine(t);
  for (const end of [
    (client: WebSocket): void => {
      client.close(1001);
    },
    (client: WebSocket): void => {
      client.send('text');
    },
  ]) {
    const ends = await line.open();
    const linked = makeLink(line, ends.socket);
    end(ends.client);
    while (linked.gone.length === 0) await new Promise((resolve) => setImmediate(resolve));
    t.notOk(linked.link.away);
  }
});

t.test('a client that missed too much cannot go on', async (t) => {
  const line = await makeLine(t);
  const ends = await line.open();
  const linked = makeLink(line, ends.socket);
  await lose(ends, linked);
  for (let i = 0; i < 500; i++) linked.link.send(mute(String(i)));
  t.ok(linked.link.complete);
  linked.link.send(mute('one more'));
  t.notOk(linked.link.complete);
});
