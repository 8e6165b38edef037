import { SignalRequest, SignalResponse } from '@livekit/protocol';
import type { RawData, WebSocket } from 'ws';
import type { Clock, ClockTimer } from '../media/clock.js';
import { type ServerCounters, createCounters } from './counters.js';
import { RateLimit } from './rate-limit.js';

/** What a client is told in the join response: how often to ping, and after how long without an answer to give up. */
export const PING_INTERVAL_SECONDS = 5;
export const PING_TIMEOUT_SECONDS = 15;

/** The server looks this often whether it hears of the client, and pings one that it has not heard of since. */
const BEAT_MS = 2_500;
/** A socket on which nothing is heard for so long, pings unanswered, is dead. */
const SILENCE_TIMEOUT_US = 9_000_000;

/** Larger messages close the socket: an offer with a hundred tracks stays far below. */
export const MAX_SIGNAL_BYTES = 512 * 1024;
/** A client that leaves this much unread is cut off. */
const MAX_UNSENT_BYTES = 4 * 1024 * 1024;

/**
 * What a client may ask for per second, and at once: each message counts one, and one more for each KiB of it. A page of many
 * tiles says a few hundred things at once.
 */
const REQUESTS_PER_SECOND = 100;
const REQUESTS_AT_ONCE = 2_000;
const BYTES_PER_REQUEST = 1024;

/** Close codes of RFC 6455, 7.4.1. */
const CLOSE_NORMAL = 1000;
const CLOSE_GOING_AWAY = 1001;
const CLOSE_UNSUPPORTED = 1003;
const CLOSE_INVALID = 1007;
const CLOSE_POLICY = 1008;
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
  readonly #counters: ServerCounters['signalling'];
  readonly #rate = new RateLimit(REQUESTS_PER_SECOND, REQUESTS_AT_ONCE);
  #events: SignalSocketEvents | undefined;
  #heartbeat: ClockTimer | undefined;
  #heardUs: number;
  #reason = 'the connection was lost';
  #closed = false;
  #refused = false;
  #endedByClient = false;

  /** The socket library must not answer pings by itself. */
  constructor(ws: WebSocket, clock: Clock, counters = createCounters().signalling) {
    this.#ws = ws;
    this.#clock = clock;
    this.#counters = counters;
    this.#heardUs = clock.nowUs();
    ws.on('message', (data, isBinary) => {
      this.#onMessage(data, isBinary);
    });
    ws.on('pong', () => {
      this.#heardUs = clock.nowUs();
    });
    ws.on('ping', (data: Buffer) => {
      this.#heardUs = clock.nowUs();
      // Who does not read the answers gets none.
      if (this.#mayAsk(data.length) && ws.bufferedAmount <= MAX_UNSENT_BYTES) ws.pong(data);
    });
    // The library answers garbage with the right close code by itself; 'close' follows.
    ws.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code?.startsWith('WS_ERR')) this.#refused = true;
      this.#reason = error.message;
    });
    ws.on('close', (code) => {
      this.#endedByClient = code === CLOSE_GOING_AWAY || this.#refused;
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

  /** When something was last heard of the client, on the clock. */
  get heardUs(): number {
    return this.#heardUs;
  }

  /** The client does not come back: its page was left, or it broke the protocol. Known when the socket is closed. */
  get endedByClient(): boolean {
    return this.#endedByClient;
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
      this.#refuse('text messages are not understood, protobuf is', CLOSE_UNSUPPORTED);
      return;
    }
    const bytes = Array.isArray(data) ? Buffer.concat(data) : new Uint8Array(data);
    this.#counters.messages++;
    if (!this.#mayAsk(bytes.length)) return;
    let request: SignalRequest;
    try {
      request = SignalRequest.fromBinary(bytes);
    } catch {
      this.#counters.undecodable++;
      this.#refuse('a message could not be decoded', CLOSE_INVALID);
      return;
    }
    // A kind of message from a newer protocol than ours decodes to none.
    if (request.message.case !== undefined) this.#events?.onRequest(request.message);
  }

  /** Who asks too much is sent away. */
  #mayAsk(byteLength: number): boolean {
    if (this.closed) return false;
    if (this.#rate.take(this.#clock.nowUs(), 1 + byteLength / BYTES_PER_REQUEST)) return true;
    this.#counters.overRate++;
    this.#refuse('too many messages', CLOSE_POLICY);
    return false;
  }

  #refuse(reason: string, code: number): void {
    this.#refused = true;
    this.close(reason, code);
  }

  #beat(): void {
    this.#heartbeat = this.#clock.after(BEAT_MS, () => {
      if (this.closed) return;
      const silentUs = this.#clock.nowUs() - this.#heardUs;
      if (silentUs > SILENCE_TIMEOUT_US) {
        this.terminate('nothing was heard from the client');
        return;
      }
      if (silentUs > (BEAT_MS * 1000) / 2) this.#ws.ping();
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
