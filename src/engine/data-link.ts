import { SluiceError } from '../media/errors.js';
import type { TransportDataChannel } from './transport.js';
import { sessionLeft } from './waits.js';

/** The reliable data channel, as servers and clients call it. */
export const RELIABLE_CHANNEL = '_reliable';

/** Bytes that may wait in the channel before what is sent has to wait for room. */
const MAX_BUFFERED = 64 * 1024;

interface Waiting {
  resolve(): void;
  reject(error: SluiceError): void;
}

/** What is sent over the reliable data channel of a participant: in order, and no faster than it leaves. */
export class DataLink {
  #channel: TransportDataChannel | undefined;
  /** The channel was there and is not any more. */
  #lost = false;
  #last: Promise<void> = Promise.resolve();
  #waiting: Waiting | undefined;
  #closed = false;

  /** The channel to send over from now on. */
  attach(channel: TransportDataChannel): void {
    this.#channel = channel;
    this.#lost = false;
    channel.onOpen = channel.onRoom = () => {
      this.#wake();
    };
    channel.onClosed = () => {
      if (this.#channel !== channel) return;
      this.#channel = undefined;
      this.#lost = true;
      this.#waiting?.reject(channelClosed());
    };
    this.#wake();
  }

  /** Resolves when there is a channel to send over. Errors: SLUICE_PUBLISH_FAILED (it is closed), SLUICE_SESSION_CLOSED. */
  ready(): Promise<void> {
    return this.#next(() => this.#room());
  }

  /** Resolves when the packets have been given to the channel. Errors: SLUICE_PUBLISH_FAILED, SLUICE_SESSION_CLOSED. */
  send(packets: readonly Buffer[]): Promise<void> {
    return this.#next(() => this.#sendNow(packets));
  }

  /** Refuses what waits and what comes. */
  close(): void {
    this.#closed = true;
    this.#waiting?.reject(sessionLeft());
  }

  #next(task: () => Promise<void>): Promise<void> {
    const done = this.#last.then(task);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #sendNow(packets: readonly Buffer[]): Promise<void> {
    for (const packet of packets) {
      await this.#room();
      if (this.#channel?.send(packet) !== true) throw channelClosed();
    }
  }

  async #room(): Promise<void> {
    for (;;) {
      if (this.#closed) throw sessionLeft();
      if (this.#lost) throw channelClosed();
      if (this.#hasRoom) return;
      await new Promise<void>((resolve, reject) => {
        this.#waiting = { resolve, reject };
      }).finally(() => {
        this.#waiting = undefined;
      });
    }
  }

  get #hasRoom(): boolean {
    return this.#channel?.open === true && this.#channel.bufferedAmount <= MAX_BUFFERED;
  }

  #wake(): void {
    if (this.#hasRoom) this.#waiting?.resolve();
  }
}

function channelClosed(): SluiceError {
  return new SluiceError('SLUICE_PUBLISH_FAILED', 'the data channel to the server is closed');
}
