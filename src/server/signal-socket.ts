import { SignalRequest, SignalResponse } from '@livekit/protocol';
import type { RawData, WebSocket } from 'ws';
import type { Clock, ClockTimer } from '../media/clock.js';

/** What a client is told in the join response: how often to ping, and after how long without an answer to give up. */
export const PING_INTERVAL_SECONDS = 5;
export const PING_TIMEOUT_SECONDS = 15;

/** Larger messages close the socket: an offer with a hundred tracks stays far below. */
export const MAX_SIGNAL_BYTES = 512 * 1024;
/** A client that leaves this much unread is cut off. */
const MAX_UNSENT_BYTES = 4 * 1024 * 1024;

/** Close codes of RFC 6455, 7.4.1. */
const CLOSE_NORMAL = 1000;
const CLOSE_UNSUPPORTED = 1003;
const CLOSE_INVALID = 1007;
const CLOSE_OVERLOADED = 1013;

type Message<T extends { message: { case?: string | undefined; value?: unknown } }> = Exclude<
  T['message'],
  { case: undefined }
>;
export type Request = Message<SignalRequest>;
export type Response = Message<SignalResponse>;

export interface SignalSocketEvents {
  onRequest(request: Request): void;
  /** The socket is gone, whoever closed it. Called once, never during a call of a method of the socket. */
  onClose(reason: string): void;
}

/**
 * The signalling connection of one participant: protobuf messages, a heartbeat, and bounds on what a client can send or leave unread.
 * What cannot be decoded closes this socket and nothing else.
 */
export class SignalSocket {
  readonly #ws: WebSocket;
  readonly #clock: Clock;
  #events: SignalSocketEvents | undefined;
  #heartbeat: ClockTimer | undefined;
  #heardUs: number;
  #reason = 'the connection was lost';
  #closed = false;

  constructor(ws: WebSocket, clock: Clock) {
    this.#ws = ws;
    this.#clock = clock;
    this.#heardUs = clock.nowUs();
    ws.on('message', (data, isBinary) => {
      this.#onMessage(data, isBinary);
    });
    ws.on('pong', () => {
      this.#heardUs = clock.nowUs();
    });
    ws.on('ping', () => {
      this.#heardUs = clock.nowUs();
    });
    // The library answers garbage with the right close code by itself; 'close' follows.
    ws.on('error', (error) => {
      this.#reason = error.message;
    });
    ws.on('close', () => {
      this.#onClose();
    });
    this.#beat();
  }

  /** Starts the delivery of requests; before this they would be lost, so call it in the same turn as the constructor. */
  listen(events: SignalSocketEvents): void {
    this.#events = events;
  }

  get closed(): boolean {
    return this.#closed || this.#ws.readyState !== this.#ws.OPEN;
  }

  send(message: Response): void {
    if (this.closed) return;
    if (this.#ws.bufferedAmount > MAX_UNSENT_BYTES) {
      this.close('the client does not read', CLOSE_OVERLOADED);
      return;
    }
    this.#ws.send(new SignalResponse({ message }).toBinary());
  }

  /** Closes after what was sent before. A client that does not answer is cut off by the socket library. */
  close(reason: string, code: number = CLOSE_NORMAL): void {
    if (this.#closed) return;
    this.#reason = reason;
    this.#heartbeat?.cancel();
    this.#ws.close(code, reason.slice(0, 120));
  }

  /** Cuts the connection. */
  terminate(reason: string): void {
    this.#reason = reason;
    this.#ws.terminate();
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    if (this.closed) return;
    this.#heardUs = this.#clock.nowUs();
    if (!isBinary) {
      this.close('text messages are not understood, protobuf is', CLOSE_UNSUPPORTED);
      return;
    }
    let request: SignalRequest;
    try {
      request = SignalRequest.fromBinary(Array.isArray(data) ? Buffer.concat(data) : new Uint8Array(data));
    } catch {
      this.close('a message could not be decoded', CLOSE_INVALID);
      return;
    }
    // A kind of message from a newer protocol than ours decodes to none.
    if (request.message.case !== undefined) this.#events?.onRequest(request.message);
  }

  #beat(): void {
    this.#heartbeat = this.#clock.after(PING_INTERVAL_SECONDS * 1000, () => {
      if (this.closed) return;
      if (this.#clock.nowUs() - this.#heardUs > PING_TIMEOUT_SECONDS * 1e6) {
        this.terminate('nothing was heard from the client');
        return;
      }
      this.#ws.ping();
      this.#beat();
    });
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#heartbeat?.cancel();
    this.#events?.onClose(this.#reason);
  }
}
