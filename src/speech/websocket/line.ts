import { WebSocket, type RawData } from 'ws';
import type { Clock, ClockTimer } from '../../media/clock.js';

/** No message is longer, in bytes: two seconds of sound at 16 kHz. */
export const MAX_MESSAGE_BYTES = 64 * 1024;

/** A peer that does not answer to a ping within that time is gone, in ms. */
const HEARTBEAT_MS = 10_000;

/** How long a peer has to agree to the end, in ms. */
const CLOSE_MS = 1000;

/** The close codes of RFC 6455 that are used. */
export const CLOSED = { normally: 1000, leaving: 1001, unsupported: 1003, noStatus: 1005, busy: 1013 } as const;

/** Told of what comes over a line. */
export interface LineListener {
  /** `bytes` is the listener's. */
  message(bytes: Buffer, isBinary: boolean): void;
  /** The peer is gone; `code` as in RFC 6455, 1006 where the connection broke. */
  closed(code: number): void;
}

/** One connection at a time to a peer, for those that read it and those that write to it. */
export class Line {
  readonly listeners = new Set<LineListener>();
  readonly #clock: Clock;
  #socket: WebSocket | undefined;
  /** Comes when the one that is closing has closed. */
  #next: WebSocket | undefined;
  #heartbeat: ClockTimer | undefined;
  #isAlive = true;
  #isHeld = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Whether a peer is there, or about to be: another one is one too many. */
  get isTaken(): boolean {
    return this.isOpen || this.#next !== undefined;
  }

  /** Bytes that wait for the peer. */
  get waiting(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** Takes a connection that is open, and holds it until it is closed; one that is still closing is over first. */
  take(socket: WebSocket): void {
    // What breaks it closes it.
    socket.on('error', () => undefined);
    if (!this.#socket) {
      this.#begin(socket);
      return;
    }
    socket.pause();
    this.#next = socket;
    this.#socket.terminate();
  }

  /** Leaves what the peer sends in the network until `resume`: nobody is there yet to read it. */
  hold(): void {
    this.#isHeld = true;
    this.#socket?.pause();
  }

  resume(): void {
    this.#isHeld = false;
    this.#socket?.resume();
  }

  /** To the peer, if there is one. The bytes must not be changed any more. */
  send(message: Uint8Array | string): void {
    this.#socket?.send(message);
  }

  /** Ends the connection, at once or after what waits for the peer. */
  async close(code: number, reason = ''): Promise<void> {
    const socket = this.#socket;
    if (!socket) return;
    await new Promise<void>((resolve) => {
      const timer = this.#clock.after(CLOSE_MS, () => {
        socket.terminate();
      });
      socket.once('close', () => {
        timer.cancel();
        resolve();
      });
      socket.close(code, reason);
    });
  }

  #begin(socket: WebSocket): void {
    this.#socket = socket;
    this.#isAlive = true;
    socket.on('message', (data: RawData, isBinary) => {
      // Who is turned away is not listened to while it goes.
      if (socket.readyState !== WebSocket.OPEN) return;
      for (const listener of this.listeners) listener.message(data as Buffer, isBinary);
    });
    socket.on('pong', () => {
      this.#isAlive = true;
    });
    socket.once('close', (code) => {
      this.#heartbeat?.cancel();
      const next = this.#next;
      this.#socket = this.#next = undefined;
      for (const listener of this.listeners) listener.closed(code);
      if (next?.readyState === WebSocket.OPEN) this.#begin(next);
    });
    if (this.#isHeld) socket.pause();
    else socket.resume();
    this.#beat(socket);
  }

  #beat(socket: WebSocket): void {
    this.#heartbeat = this.#clock.after(HEARTBEAT_MS, () => {
      if (!this.#isAlive) {
        socket.terminate();
        return;
      }
      this.#isAlive = false;
      socket.ping();
      this.#beat(socket);
    });
  }
}
