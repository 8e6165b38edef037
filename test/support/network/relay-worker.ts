import { type RemoteInfo, type Socket, createSocket } from 'node:dgram';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import { DeliveryQueue } from './delivery-queue.js';
import { Link } from './link.js';
import { LinkStatistics } from './link-statistics.js';
import type { RelayReply, RelayRequest, RelayStart, UdpAddress } from './relay-port.js';

const LOOPBACK = '127.0.0.1';
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
/** What is due within this time is sent now: timers are no finer than a millisecond. */
const EARLY_US = 500;

/** A datagram on its way out of a socket of the relay. */
interface Delivery {
  readonly socket: Socket;
  readonly to: UdpAddress;
  readonly data: Buffer;
}

const nowUs = (): number => performance.now() * 1000;

/** One direction: decides, counts, waits and sends. All waiting hangs on one timer. */
class Direction {
  readonly link: Link;
  readonly statistics = new LinkStatistics();
  readonly #queue = new DeliveryQueue<Delivery>();
  #timer: NodeJS.Timeout | undefined;
  #timerUs = Infinity;

  constructor(link: Link) {
    this.link = link;
  }

  forward(socket: Socket, to: UdpAddress, data: Buffer): void {
    const now = nowUs();
    const verdict = this.link.send(data.length, now);
    this.statistics.add(verdict, data.length, now);
    for (const atUs of verdict.deliveriesUs) this.#queue.push(atUs, { socket, to, data });
    this.#deliver();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #deliver(): void {
    for (;;) {
      const delivery = this.#queue.take(nowUs() + EARLY_US);
      if (!delivery) break;
      const { socket, to, data } = delivery;
      // Nobody listening any more is as on any network: the datagram is gone.
      socket.send(data, to.port, to.address, () => undefined);
    }
    const { nextUs } = this.#queue;
    if (nextUs === undefined || nextUs >= this.#timerUs) return;
    clearTimeout(this.#timer);
    this.#timerUs = nextUs;
    this.#timer = setTimeout(
      () => {
        this.#timerUs = Infinity;
        this.#deliver();
      },
      Math.max(0, (nextUs - nowUs()) / 1000),
    );
  }
}

const start = workerData as RelayStart;
const up = new Direction(new Link(start.seed, start.up, nowUs()));
// The same seed must not lose the same numbers both ways.
const down = new Direction(new Link(~start.seed, start.down, nowUs()));
/** The relay's own addresses by what they stand for. */
const opened = new Map<string, Promise<UdpAddress>>();
const sockets: Socket[] = [];
let flows = 0;

/** Listens for clients of one server address. */
async function open(target: UdpAddress): Promise<UdpAddress> {
  const listener = await bound();
  const upstreams = new Map<string, Promise<Socket>>();
  listener.on('message', (data: Buffer, from: RemoteInfo) => {
    const key = `${from.address}:${from.port}`;
    let upstream = upstreams.get(key);
    if (!upstream) {
      upstream = openUpstream(listener, from);
      upstreams.set(key, upstream);
    }
    void upstream.then((socket) => {
      up.forward(socket, target, data);
    });
  });
  return { address: LOOPBACK, port: listener.address().port };
}

/** A socket that stands for one client at the server, as a NAT has. */
async function openUpstream(listener: Socket, client: RemoteInfo): Promise<Socket> {
  flows++;
  const socket = await bound();
  const to = { address: client.address, port: client.port };
  socket.on('message', (data: Buffer) => {
    down.forward(listener, to, data);
  });
  return socket;
}

async function bound(): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER_BYTES });
  sockets.push(socket);
  // An ICMP answer of a port that is gone is told as an error.
  socket.on('error', () => undefined);
  socket.bind(0, LOOPBACK);
  await once(socket, 'listening');
  return socket;
}

async function answer(request: RelayRequest): Promise<RelayReply> {
  const { id } = request;
  switch (request.type) {
    case 'open': {
      const key = `${request.target.address}:${request.target.port}`;
      const address = opened.get(key) ?? open(request.target);
      opened.set(key, address);
      return { id, value: await address };
    }
    case 'set':
      if (request.change.up) up.link.set(request.change.up, nowUs());
      if (request.change.down) down.link.set(request.change.down, nowUs());
      return { id, value: undefined };
    case 'stats': {
      const now = nowUs();
      const { windowMs } = request;
      return { id, value: { up: up.statistics.read(now, windowMs), down: down.statistics.read(now, windowMs), flows } };
    }
    case 'close':
      up.close();
      down.close();
      for (const socket of sockets) socket.close();
      return { id, value: undefined };
  }
}

parentPort?.on('message', (request: RelayRequest) => {
  void answer(request)
    .catch((error: unknown): RelayReply => ({ id: request.id, error: String(error) }))
    .then((reply) => {
      parentPort?.postMessage(reply);
      if (request.type === 'close') parentPort?.close();
    });
});
