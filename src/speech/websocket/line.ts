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
  #heartbeat: ClockTimer | undefined;
  #isAlive = true;
  #isHeld = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Bytes that wait for the peer. */
  get waiting(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** Takes a connection that is open, and holds it until it is closed. */
  take(socket: WebSocket): void {
    this.#socket = socket;
    this.#isAlive = true;
    if (this.#isHeld) socket.pause();
    socket.on('message', (data: RawData, isBinary) => {
      for (const listener of this.listeners) listener.message(data as Buffer, isBinary);
    });
    socket.on('pong', () => {
      this.#isAlive = true;
    });
    // What breaks it closes it.
    socket.on('error', () => undefined);
    socket.once('close', (code) => {
      this.#heartbeat?.cancel();
      this.#socket = undefined;
      for (const listener of this.listeners) listener.closed(code);
    });
    this.#beat(socket);
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
