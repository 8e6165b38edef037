import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { DisconnectReason, LeaveRequest, LeaveRequest_Action } from '@livekit/protocol';
import { type WebSocket, WebSocketServer } from 'ws';
import { toErrorData } from '../media/errors.js';
import type { ServerContext } from './context.js';
import { grantsOfRequest, pathOf, queryOf } from './credentials.js';
import { httpStatus } from './http.js';
import { Participant } from './participant.js';
import { handleRequest } from './requests.js';
import type { Rooms } from './rooms.js';
import { MAX_SIGNAL_BYTES, SignalSocket } from './signal-socket.js';
import type { Grants, Keys } from './token.js';

/** How long clients have to close their side when the server ends. */
const CLOSE_TIMEOUT_MS = 500;

const STATUS_TEXT: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  503: 'Service Unavailable',
};

/** Takes WebSocket upgrades at `/rtc` and lets their participants into rooms. */
export class Signalling {
  readonly #rooms: Rooms;
  readonly #keys: Keys;
  readonly #context: ServerContext;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_SIGNAL_BYTES,
    perMessageDeflate: false,
    clientTracking: true,
  });
  #closed = false;

  constructor(rooms: Rooms, keys: Keys, context: ServerContext) {
    this.#rooms = rooms;
    this.#keys = keys;
    this.#context = context;
  }

  /** Handles the `upgrade` event of the HTTP server. */
  readonly onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    // Until the handshake is done nobody else listens: an error would end the process.
    const ignore = (): void => {
      socket.destroy();
    };
    socket.on('error', ignore);
    void this.#authorize(request, socket).then((grants) => {
      if (!grants) return;
      socket.off('error', ignore);
      this.#sockets.handleUpgrade(request, socket, head, (ws) => {
        this.#onSocket(ws, request, grants);
      });
    });
  };

  /** No one is let in any more. */
  stop(): void {
    this.#closed = true;
  }

  /** Ends when every socket is closed; those that do not close by themselves are cut. */
  async close(): Promise<void> {
    this.stop();
    const { clients } = this.#sockets;
    const cut = this.#context.clock.after(CLOSE_TIMEOUT_MS, () => {
      for (const ws of clients) ws.terminate();
    });
    await Promise.all([...clients].map((ws) => new Promise((resolve) => ws.once('close', resolve))));
    cut.cancel();
    this.#sockets.close();
  }

  async #authorize(request: IncomingMessage, socket: Duplex): Promise<Grants | undefined> {
    try {
      // Clients try `/rtc/v1` first and come here when that is not there.
      if (pathOf(request) !== '/rtc') refuse(socket, 404, 'this server speaks the protocol of /rtc');
      else if (this.#closed) refuse(socket, 503, 'the server is closing');
      else return await grantsOfRequest(request, this.#keys);
    } catch (error) {
      const { code, message } = toErrorData(error);
      this.#context.log.info({ code, message }, 'a join was refused');
      refuse(socket, httpStatus(code), message);
    }
    return undefined;
  }

  #onSocket(ws: WebSocket, request: IncomingMessage, grants: Grants): void {
    const query = queryOf(request);
    const context = this.#context;
    const socket = new SignalSocket(ws, context.clock);
    if (this.#closed || isReconnect(query)) {
      // Sessions are not resumed yet: the client joins anew, which keeps its tracks.
      const action = this.#closed ? LeaveRequest_Action.DISCONNECT : LeaveRequest_Action.RECONNECT;
      const reason = this.#closed ? DisconnectReason.SERVER_SHUTDOWN : DisconnectReason.STATE_MISMATCH;
      socket.send({ case: 'leave', value: new LeaveRequest({ reason, action, canReconnect: !this.#closed }) });
      socket.close('join anew');
      return;
    }
    this.#rooms.get(grants.sessionId)?.byIdentity(grants.identity)?.leave(DisconnectReason.DUPLICATE_IDENTITY);
    const room = this.#rooms.enter(grants.sessionId);
    const autoSubscribe = query.get('auto_subscribe') !== '0' && query.get('auto_subscribe') !== 'false';
    new Participant({ room, grants, socket, context, autoSubscribe, onRequest: handleRequest }).join();
  }
}

function isReconnect(query: URLSearchParams): boolean {
  const value = query.get('reconnect');
  return value === '1' || value === 'true';
}

function refuse(socket: Duplex, status: number, message: string): void {
  const body = Buffer.from(message);
  socket.once('finish', () => {
    socket.destroy();
  });
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_TEXT[status] ?? 'Error'}\r\nConnection: close\r\nContent-Type: text/plain\r\n` +
      `Access-Control-Allow-Origin: *\r\nContent-Length: ${body.length}\r\n\r\n${message}`,
  );
}
