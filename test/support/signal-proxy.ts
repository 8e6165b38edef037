import { type Server, type Socket, connect, createServer } from 'node:net';

/** A network between clients and a server's TCP port, which can break. Media does not go through it. */
export class SignalProxy {
  readonly url: string;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #target: number;
  #blocked = false;

  private constructor(server: Server, port: number, target: number) {
    this.#server = server;
    this.#target = target;
    this.url = `ws://127.0.0.1:${port}`;
  }

  static async start(serverUrl: string): Promise<SignalProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const proxy = new SignalProxy(server, port, portOf(serverUrl));
    server.on('connection', (client) => {
      proxy.#join(client);
    });
    return proxy;
  }

  /** Breaks every connection; new ones get through. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) reset(socket);
  }

  /** New connections go to another server from now on. */
  redirect(serverUrl: string): void {
    this.#target = portOf(serverUrl);
  }

  /** While true, connections are refused. */
  set blocked(blocked: boolean) {
    this.#blocked = blocked;
  }

  /** Lets nothing through on the connections that are there, without a word to either side. */
  stall(): void {
    for (const [client, server] of this.#pairs) {
      client.unpipe();
      server.unpipe();
    }
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket): void {
    client.on('error', () => undefined);
    if (this.#blocked) {
      reset(client);
      return;
    }
    const server = connect(this.#target, '127.0.0.1');
    server.on('error', () => undefined);
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    client.pipe(server);
    server.pipe(client);
    for (const socket of pair) {
      socket.on('close', () => {
        this.#pairs.delete(pair);
        for (const one of pair) one.destroy();
      });
    }
  }
}

/** Node.js 20 loses a socket that is reset while it shuts down, and its process does not end any more. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
