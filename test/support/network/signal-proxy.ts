import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { type Open, rewriteJoinPath, rewriteRequest, rewriteResponse } from './signal-rewriting.js';

/** Headers that belong to one connection, or that the library sets by itself. */
const OWN_HEADERS = /^(connection|upgrade|content-length|transfer-encoding|sec-websocket-.*)$/;
const CLOSE_NORMAL = 1000;

/**
 * Stands before a server that speaks the LiveKit protocol: HTTP passes through, and so does signalling, but for candidates. Those of
 * the server become the relay's; those of clients never reach the server.
 */
export class SignalProxy {
  readonly url: string;
  readonly #server: Server;
  readonly #upstream: URL;
  readonly #open: Open;
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly #pairs = new Set<readonly [WebSocket, WebSocket]>();

  private constructor(server: Server, upstream: URL, open: Open) {
    this.#server = server;
    this.#upstream = upstream;
    this.#open = open;
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (incoming: IncomingMessage, response: ServerResponse) => {
      this.#pass(incoming, response);
    });
    server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#upgrade(incoming, socket, head);
    });
  }

  /** `serverUrl`: ws: or http:, on this machine. */
  static async start(serverUrl: string, open: Open): Promise<SignalProxy> {
    const upstream = new URL(serverUrl);
    upstream.protocol = 'ws:';
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new SignalProxy(server, upstream, open);
  }

  /** Cuts every signalling connection that is open, as a lost network does; new ones are let through. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.terminate();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #pass(incoming: IncomingMessage, response: ServerResponse): void {
    const { hostname, port } = this.#upstream;
    const outgoing = request({
      hostname,
      port,
      path: incoming.url,
      method: incoming.method,
      headers: incoming.headers,
    });
    outgoing.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.on('error', (error) => {
      if (!response.headersSent) response.writeHead(502);
      response.end(error.message);
    });
    incoming.pipe(outgoing);
  }

  #upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    const headers = Object.entries(incoming.headers).filter(([name]) => !OWN_HEADERS.test(name));
    const path = rewriteJoinPath(incoming.url ?? '/');
    const upstream = new WebSocket(`ws://${this.#upstream.host}${path}`, {
      headers: Object.fromEntries(headers) as Record<string, string>,
      perMessageDeflate: false,
    });
    socket.on('error', () => {
      upstream.terminate();
    });
    // What the server says at once comes before the client's side is open.
    const downward = new Ordered();
    let client: WebSocket | undefined;
    upstream.on('message', (data: Buffer, isBinary: boolean) => {
      downward.add(async () => {
        const out = isBinary ? await rewriteResponse(data, this.#open) : data;
        if (out && client?.readyState === WebSocket.OPEN) client.send(out, { binary: isBinary });
      });
    });
    upstream.on('unexpected-response', (_request, answer) => {
      refuse(socket, answer);
    });
    upstream.on('error', () => {
      if (!client) socket.destroy();
    });
    downward.add(() => once(upstream, 'open'));
    upstream.on('open', () => {
      this.#sockets.handleUpgrade(incoming, socket, head, (accepted) => {
        client = accepted;
        this.#join(accepted, upstream, downward);
      });
    });
  }

  #join(client: WebSocket, upstream: WebSocket, downward: Ordered): void {
    const pair = [client, upstream] as const;
    this.#pairs.add(pair);
    client.on('message', (data: Buffer, isBinary: boolean) => {
      const out = isBinary ? rewriteRequest(data) : data;
      if (out && upstream.readyState === WebSocket.OPEN) upstream.send(out, { binary: isBinary });
    });
    client.on('error', () => undefined);
    client.on('close', (code, reason) => {
      end(upstream, code, reason);
    });
    upstream.on('close', (code, reason) => {
      this.#pairs.delete(pair);
      downward.add(() => {
        end(client, code, reason);
        return Promise.resolve();
      });
    });
  }
}

/** Tasks one after the other. */
class Ordered {
  #last: Promise<unknown> = Promise.resolve();

  add(task: () => Promise<unknown>): void {
    this.#last = this.#last.then(task).catch(() => undefined);
  }
}

/** Codes that only say that there was none (RFC 6455, 7.4.1) cannot be sent on. */
function end(socket: WebSocket, code: number, reason: Buffer): void {
  if (code === 1006) socket.terminate();
  else socket.close(code === 1005 ? CLOSE_NORMAL : code, reason);
}

/** The server's own refusal. */
function refuse(socket: Duplex, answer: IncomingMessage): void {
  const chunks: Buffer[] = [];
  answer.on('data', (chunk: Buffer) => chunks.push(chunk));
  answer.on('end', () => {
    const body = Buffer.concat(chunks);
    const { rawHeaders, statusCode = 502, statusMessage = 'Refused' } = answer;
    const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`];
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
      const name = rawHeaders[i] ?? '';
      if (!OWN_HEADERS.test(name.toLowerCase())) lines.push(`${name}: ${rawHeaders[i + 1] ?? ''}`);
    }
    lines.push('Connection: close', `Content-Length: ${body.length}`, '', '');
    socket.end(Buffer.concat([Buffer.from(lines.join('\r\n')), body]));
  });
}
