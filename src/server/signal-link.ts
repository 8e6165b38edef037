import type { Clock, ClockTimer } from '../media/clock.js';
import type { Request, Response, SignalSocket } from './signal-socket.js';

/** A client that has lost its socket has so long to come back. */
export const RETURN_TIMEOUT_MS = 15_000;
/** Whether it still may is looked at this often meanwhile. */
const CHECK_INTERVAL_MS = 500;
/** A client that would be told more than this when it comes back has to join anew. */
const MAX_WAITING = 500;

/** Messages that are made good by what a client is told, or asks for, when it comes back. */
const MADE_GOOD: ReadonlySet<Response['case']> = new Set([
  'update',
  'offer',
  'answer',
  'trickle',
  'mediaSectionsRequirement',
  'pong',
  'pongResp',
]);

export interface SignalLinkOptions {
  readonly clock: Clock;
  onRequest(request: Request): void;
  /** Asked when the socket is lost, and while it is away: whether the client may still come back. */
  mayReturn(awayUs: number): boolean;
  /** The client is not waited for (any more). Called once, and not after `close`. */
  onGone(reason: string): void;
}

/** The signalling of one participant over all of its sockets, one at a time. While there is none, messages wait. */
export class SignalLink {
  readonly #options: SignalLinkOptions;
  #socket: SignalSocket;
  #waiting: Response[] = [];
  #overflowed = false;
  #awayUs: number | undefined;
  #timer: ClockTimer | undefined;
  #closed = false;

  constructor(socket: SignalSocket, options: SignalLinkOptions) {
    this.#options = options;
    this.#socket = socket;
    this.#listen(socket);
  }

  /** The client has no socket. */
  get away(): boolean {
    return this.#awayUs !== undefined;
  }

  /** When the client was last heard of, on the server's clock. */
  get heardUs(): number {
    return this.#socket.heardUs;
  }

  /** Everything that the client has missed can be told. */
  get complete(): boolean {
    return !this.#overflowed && !this.#closed;
  }

  send(message: Response): void {
    if (!this.away && !this.#socket.closed) {
      this.#socket.send(message);
      return;
    }
    if (MADE_GOOD.has(message.case) || this.#closed) return;
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push(message);
    else this.#overflowed = true;
  }

  /** Goes on with another socket, on which `first` is said before what waited. */
  resume(socket: SignalSocket, first: readonly Response[]): void {
    const old = this.#socket;
    this.#timer?.cancel();
    this.#awayUs = undefined;
    this.#socket = socket;
    old.terminate('the client came back on another socket');
    this.#listen(socket);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const message of [...first, ...waiting]) socket.send(message);
  }

  /** Cuts the connection as a network would: the client may come back. */
  drop(): void {
    this.#socket.terminate('dropped');
  }

  close(reason: string): void {
    this.#closed = true;
    this.#waiting = [];
    this.#timer?.cancel();
    this.#socket.close(reason);
  }

  #listen(socket: SignalSocket): void {
    socket.listen({
      onRequest: (request) => {
        if (socket === this.#socket) this.#options.onRequest(request);
      },
      onClose: (reason) => {
        if (socket === this.#socket && !this.#closed) this.#onLost(reason);
      },
    });
  }

  #onLost(reason: string): void {
    if (this.#socket.endedByClient) {
      this.#options.onGone(reason);
      return;
    }
    this.#awayUs = this.#options.clock.nowUs();
    this.#await(reason);
  }

  #await(reason: string): void {
    const awayUs = this.#options.clock.nowUs() - (this.#awayUs ?? 0);
    if (awayUs >= RETURN_TIMEOUT_MS * 1000 || !this.#options.mayReturn(awayUs)) {
      this.#options.onGone(reason);
      return;
    }
    this.#timer = this.#options.clock.after(CHECK_INTERVAL_MS, () => {
      this.#await(reason);
    });
  }
}
