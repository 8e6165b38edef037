import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { DisconnectReason, LeaveRequest, LeaveRequest_Action } from '@livekit/protocol';
import { type WebSocket, WebSocketServer } from 'ws';
import { toErrorData } from '../media/errors.js';
import type { ServerContext } from './context.js';
import { grantsOfRequest, pathOf } from './credentials.js';
import { httpStatus } from './http.js';
import { type ClientJoin, JOIN_PATH, SINGLE_JOIN_PATH, readClientJoin } from './join-request.js';
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

/** Who may come in, and how. */
interface Entry {
  readonly grants: Grants;
  readonly join: ClientJoin;
}

/** Takes WebSocket upgrades at `/rtc` and `/rtc/v1` and lets their participants into rooms. */
export class Signalling {
  readonly #rooms: Rooms;
  readonly #keys: Keys;
  readonly #context: ServerContext;
  readonly #onLetIn: (socket: Duplex) => void;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_SIGNAL_BYTES,
    perMessageDeflate: false,
    // SignalSocket does, within bounds.
    autoPong: false,
    clientTracking: true,
  });
  #state: 'open' | 'draining' | 'closed' = 'open';

  /** `onLetIn` is told of each connection that has shown a token. */
  constructor(rooms: Rooms, keys: Keys, context: ServerContext, onLetIn: (socket: Duplex) => void) {
    this.#onLetIn = onLetIn;
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
    void this.#authorize(request, socket).then((entry) => {
      if (!entry) return;
      socket.off('error', ignore);
      this.#onLetIn(socket);
      this.#sockets.handleUpgrade(request, socket, head, (ws) => {
        this.#onSocket(ws, entry);
      });
    });
  };

  /** New participants are let in. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** No one is let in any more: who comes is asked to join elsewhere. */
  drain(): void {
    if (this.#state === 'open') this.#state = 'draining';
  }

  /** No one is let in any more. */
  stop(): void {
    this.#state = 'closed';
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

  async #authorize(request: IncomingMessage, socket: Duplex): Promise<Entry | undefined> {
    try {
      const path = pathOf(request);
      if (path !== JOIN_PATH && path !== SINGLE_JOIN_PATH) refuse(socket, 404, 'clients join at /rtc and /rtc/v1');
      else if (!this.isOpen) refuse(socket, 503, 'the server lets nobody in any more');
      else {
        const grants = await grantsOfRequest(request, this.#keys);
        return { grants, join: readClientJoin(request, grants) };
      }
    } catch (error) {
      const { code, message } = toErrorData(error);
      this.#context.counters.joins.refused++;
      this.#context.log.info({ code, message }, 'a join was refused');
      refuse(socket, httpStatus(code), message);
    }
    return undefined;
  }

  #onSocket(ws: WebSocket, { grants, join }: Entry): void {
    const context = this.#context;
    const socket = new SignalSocket(ws, context.clock, context.counters.signalling);
    if (this.#state !== 'open') {
      const { RECONNECT, DISCONNECT } = LeaveRequest_Action;
      sendAway(socket, DisconnectReason.SERVER_SHUTDOWN, this.#state === 'draining' ? RECONNECT : DISCONNECT);
      return;
    }
    const present = this.#rooms.get(grants.sessionId)?.byIdentity(grants.identity);
    if (join.resumes !== undefined) {
      if (present?.sid === join.resumes && present.resume(socket, join)) return;
      sendAway(socket, DisconnectReason.STATE_MISMATCH, LeaveRequest_Action.RECONNECT);
      return;
    }
    if (this.#rooms.get(grants.sessionId)?.hasPlaceFor(grants.identity, grants.kind) === false) {
      context.counters.joins.full++;
      sendAway(socket, DisconnectReason.JOIN_FAILURE, LeaveRequest_Action.DISCONNECT);
      return;
    }
    context.counters.joins.accepted++;
    present?.leave(DisconnectReason.DUPLICATE_IDENTITY);
    const room = this.#rooms.enter(grants.sessionId);
    new Participant({ room, grants, socket, context, join, onRequest: handleRequest }).join();
  }
}

function sendAway(socket: SignalSocket, reason: DisconnectReason, action: LeaveRequest_Action): void {
  const canReconnect = action !== LeaveRequest_Action.DISCONNECT;
  socket.send({ case: 'leave', value: new LeaveRequest({ reason, action, canReconnect }) });
  socket.close('join anew');
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
