import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import {
  DisconnectReason,
  JoinResponse,
  LeaveRequest,
  ParticipantInfo,
  Pong,
  Room,
  SessionDescription,
  SignalRequest,
  SignalResponse,
  SignalTarget,
  TrickleRequest,
} from '@livekit/protocol';
import t, { type Test } from 'tap';
import { type WebSocket, WebSocketServer } from 'ws';
import { LiveKitSignal, type SignalHandlers, type SignalOptions } from '../../src/engine/signalling/livekit.js';
import { type Clock, VirtualClock, systemClock } from '../../src/media/clock.js';

type Message = SignalResponse['message'];
/** The servers here answer everyone as if it joined for the first time. */
const NOT_TAKEN_BACK = ', and did not take the participant back: it did not know the participant';
const wire = (message: Message): Uint8Array => new SignalResponse({ message }).toBinary();
const JOIN: Message = {
  case: 'join',
  value: new JoinResponse({
    room: new Room({ name: 'demo' }),
    participant: new ParticipantInfo({ sid: 'PA_me', identity: 'me' }),
    pingInterval: 5,
    pingTimeout: 15,
  }),
};
const offer = (sdp: string): Message => ({
  case: 'offer',
  value: new SessionDescription({ type: 'offer', sdp, id: 1 }),
});

/** A signalling server that does what the test says when somebody comes. */
async function serve(t: Test, onSocket: (socket: WebSocket, request: IncomingMessage) => void): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  server.on('connection', onSocket);
  t.teardown(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An HTTP server, or anything else that listens. */
async function listen(t: Test, server: Server | ReturnType<typeof createTcpServer>): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function client(url: string, more: { timeoutMs?: number; token?: string; clock?: Clock; onEnd?: () => void } = {}) {
  const told: string[] = [];
  const handlers: SignalHandlers = {
    onOffer: (sdp, id) => told.push(`offer ${sdp} ${id}`),
    onAnswer: (sdp, id) => told.push(`answer ${sdp} ${id}`),
    onCandidate: (target, candidate) => told.push(`${target} ${candidate}`),
    onParticipants: (participants) => told.push(`participants ${participants.map(({ sid }) => sid).join()}`),
    onTrackPublished: ({ cid }) => told.push(`published ${cid}`),
    onTrackUnpublished: (sid) => told.push(`unpublished ${sid}`),
    onTrackMuted: (sid) => told.push(`muted ${sid}`),
    onResumed: () => told.push('resumed'),
    onSpeakers: (speakers) => told.push(`speakers ${speakers.length}`),
    onSubscribedQuality: ({ trackSid }) => told.push(`quality ${trackSid}`),
    onRequestResponse: ({ requestId, reason }) => told.push(`answer ${requestId} ${reason}`),
    onEnd: ({ remedy, reason }) => {
      told.push(`end ${remedy}: ${reason}`);
      more.onEnd?.();
    },
  };
  const options: SignalOptions = {
    url,
    token: more.token ?? 'token',
    timeoutMs: more.timeoutMs ?? 20_000,
    clock: more.clock ?? systemClock,
    mayMove: false,
    mediaFlows: () => false,
    handlers,
  };
  return { told, join: () => LiveKitSignal.connect(options) };
}

/** A client that also says when it was told of its end. */
function endingClient(url: string, clock?: Clock) {
  let over = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    over = resolve;
  });
  return {
    ...client(url, {
      onEnd: () => {
        over();
      },
      ...(clock && { clock }),
    }),
    ended,
  };
}

t.test('what was said right behind the join is not lost, and the order is kept', async (t) => {
  const url = await serve(t, (socket, request) => {
    t.equal(request.headers.authorization, 'Bearer token');
    t.match(request.url, /^\/base\/rtc\?/);
    const query = new URL(request.url ?? '', 'ws://x').searchParams;
    t.same([query.get('protocol'), query.get('auto_subscribe')], ['15', '0']);
    socket.send(wire(JOIN));
    for (const sdp of ['a', 'b', 'c']) socket.send(wire(offer(sdp)));
    const candidate = (target: SignalTarget, candidateInit: string): Message => ({
      case: 'trickle',
      value: new TrickleRequest({ target, candidateInit }),
    });
    socket.send(wire(candidate(SignalTarget.PUBLISHER, '{"candidate":"a=candidate:1"}')));
    socket.send(wire(candidate(SignalTarget.SUBSCRIBER, '{"candidate":"candidate:2","sdpMid":"0"}')));
    for (const broken of ['{', 'null', '{"candidate":7}', '{"candidate":""}'])
      socket.send(wire(candidate(SignalTarget.PUBLISHER, broken)));
    socket.send(wire({ case: 'answer', value: new SessionDescription({ type: 'answer', sdp: 'd', id: 9 }) }));
    socket.close();
  });
  const { told, join, ended } = endingClient(`${url.replace('ws:', 'http:')}/base/`);
  const signal = await join();
  t.equal(signal.join.room?.name, 'demo');
  await ended;
  t.same(told, [
    'offer a 1',
    'offer b 1',
    'offer c 1',
    'publisher candidate:1',
    'subscriber candidate:2',
    'answer d 9',
    `end anew: the server closed the signalling connection${NOT_TAKEN_BACK}`,
  ]);
});

t.test('garbage is as if it had not been said', async (t) => {
  const url = await serve(t, (socket) => {
    const garbage = (): void => {
      for (let i = 0; i < 50; i++)
        socket.send(
          Uint8Array.from({ length: i * 7 }, (_, j) => (i * 37 + j * 101 + j * j) & 0xff).fill(0xff, 0, i % 3),
        );
      socket.send('text');
      socket.send('{"join":{}}');
    };
    garbage();
    socket.send(wire(JOIN));
    garbage();
    socket.send(wire(offer('after')));
    socket.send(wire({ case: 'leave', value: new LeaveRequest({ reason: DisconnectReason.SERVER_SHUTDOWN }) }));
    socket.send(wire(offer('too late')));
  });
  const { told, join, ended } = endingClient(url);
  await join();
  await ended;
  const known = told.filter((text) => !/^(participants|speakers|published|publisher|subscriber|answer)/.test(text));
  t.same(known.slice(-2), ['offer after 1', 'end elsewhere: the server ended the session: it shuts down']);
});

t.test('a server that breaks the protocol of the socket ends the session, not the process', async (t) => {
  const url = await serve(t, (socket) => {
    socket.send(wire(JOIN), () => {
      (socket as unknown as { _socket: Socket })._socket.write(Buffer.of(0xff, 0xff, 0xff, 0xff));
    });
  });
  const { told, join, ended } = endingClient(url);
  await join();
  await ended;
  t.equal(told.length, 1);
  t.match(told[0], /^end anew/);
});

t.test('what is refused is refused by code', async (t) => {
  for (const [status, code] of [
    [401, 'SLUICE_TOKEN_INVALID'],
    [403, 'SLUICE_PERMISSION_DENIED'],
    [404, 'SLUICE_CONNECT_FAILED'],
    [500, 'SLUICE_CONNECT_FAILED'],
  ] as const) {
    const url = await listen(
      t,
      createServer((_request, response) => {
        response.writeHead(status).end('said why');
      }),
    );
    await t.rejects(client(url).join(), { code, message: /said why/ });
  }
  const refusing = await serve(t, (socket) => {
    socket.send(wire({ case: 'leave', value: new LeaveRequest({ reason: DisconnectReason.DUPLICATE_IDENTITY }) }));
  });
  await t.rejects(client(refusing).join(), { code: 'SLUICE_CONNECT_FAILED', message: /same identity/ });
  const closing = await serve(t, (socket) => {
    socket.close();
  });
  await t.rejects(client(closing).join(), { code: 'SLUICE_CONNECT_FAILED', message: /closed/ });
  const resetting = await listen(
    t,
    createTcpServer((socket) => {
      socket.once('data', () => socket.destroy());
    }),
  );
  await t.rejects(client(resetting).join(), { code: 'SLUICE_CONNECT_FAILED' });
  const other = await listen(
    t,
    createTcpServer((socket) => {
      socket.end('220 mail ready\r\n');
    }),
  );
  await t.rejects(client(other).join(), { code: 'SLUICE_CONNECT_FAILED' });
  const gone = createTcpServer();
  const nobody = await listen(t, gone);
  gone.close();
  await once(gone, 'close');
  await t.rejects(client(nobody).join(), { code: 'SLUICE_CONNECT_FAILED', message: /ECONNREFUSED/ });
});

t.test('what cannot be a URL or a token is refused before anything is sent', async (t) => {
  await t.rejects(client('not a url').join(), { code: 'SLUICE_CONFIG_INVALID' });
  await t.rejects(client('ftp://127.0.0.1').join(), { code: 'SLUICE_CONFIG_INVALID' });
  await t.rejects(client('ws://127.0.0.1:1', { token: 'two\nlines' }).join(), { code: 'SLUICE_TOKEN_INVALID' });
});

t.test('silence is given up on: of a port, of a handshake, of a join', async (t) => {
  const silent = await listen(
    t,
    createTcpServer(() => undefined),
  );
  const unfinished = await listen(
    t,
    createServer((_request, response) => {
      response.writeHead(404, { 'content-length': 1000 }).write('…');
    }),
  );
  const joinless = await serve(t, (socket) => {
    socket.send(wire(offer('before the join')));
  });
  for (const url of [silent, unfinished, joinless]) {
    const { told, join } = client(url, { timeoutMs: 200 });
    const error = (await join().catch((reason: unknown) => reason)) as { code: string };
    t.match(error.code, /^SLUICE_CONNECT_(TIMEOUT|FAILED)$/);
    t.same(told, []);
  }
});

t.test('the server is pinged as often as it asked for, and a silent one is given up', async (t) => {
  const clock = new VirtualClock();
  let socket: WebSocket | undefined;
  const url = await serve(t, (one) => {
    socket = one;
    one.send(wire(JOIN));
  });
  const { told, join, ended } = endingClient(url, clock);
  const signal = await join();
  const next = async (): Promise<SignalRequest> =>
    SignalRequest.fromBinary(new Uint8Array(((await once(socket!, 'message')) as [Buffer])[0]));
  clock.advance(4999);
  const ping = next();
  clock.advance(1);
  const { message } = await ping;
  t.match(message, { case: 'pingReq', value: { timestamp: 5000n } });
  clock.advance(30);
  t.equal(signal.rttMs, undefined);
  socket!.send(wire({ case: 'pongResp', value: new Pong({ lastPingTimestamp: 5000n }) }));
  while (signal.rttMs === undefined) await new Promise((resolve) => setImmediate(resolve));
  t.equal(signal.rttMs, 30);
  // Heard at 5.03 s; 15 s of silence are over at 25 s, the first ping after them.
  clock.advance(19_960);
  t.same(told, []);
  clock.advance(20);
  await ended;
  t.same(told, [`end anew: the server did not answer any more${NOT_TAKEN_BACK}`]);
});

t.test('a ping interval beyond all reason does not become a storm', async (t) => {
  const clock = new VirtualClock();
  const delays: number[] = [];
  const spy: Clock = {
    nowUs: () => clock.nowUs(),
    after: (delayMs, task) => {
      delays.push(delayMs);
      return clock.after(delayMs, task);
    },
  };
  const url = await serve(t, (socket) => {
    socket.send(wire({ case: 'join', value: new JoinResponse({ pingInterval: 2_147_483_647, pingTimeout: -5 }) }));
  });
  const signal = await client(url, { clock: spy }).join();
  t.ok(
    delays.every((delayMs) => delayMs < 2 ** 31),
    'timers of Node hold no more',
  );
  t.ok(delays.every((delayMs) => delayMs >= 1000));
  signal.close();
});

t.test('closing says goodbye once, and nothing is told after it', async (t) => {
  const requests: string[] = [];
  let closed: Promise<unknown> | undefined;
  const url = await serve(t, (socket) => {
    socket.on('message', (data: Buffer) =>
      requests.push(SignalRequest.fromBinary(new Uint8Array(data)).message.case ?? ''),
    );
    closed = once(socket, 'close');
    socket.send(wire(JOIN));
    socket.on('message', () => {
      socket.send(wire(offer('too late')));
    });
  });
  const { told, join } = client(url);
  const signal = await join();
  signal.updateSubscription(['TR_1'], true);
  signal.close();
  signal.close();
  signal.sendOffer('after the end', 1);
  await closed;
  t.same(requests, ['subscription', 'leave']);
  t.same(told, []);
});
