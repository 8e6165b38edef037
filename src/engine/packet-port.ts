import type { Clock } from '../media/clock.js';
import { PACER_PRIORITY, Pacer, type PacerPriority } from './rtp/pacer.js';
import type { PacketSink } from './outbound-stream.js';
import type { Ticker, TickTask } from './ticker.js';
import type { Transport } from './transport.js';

/** The way out of one transport: audio at once, everything else paced, since bursts are lost in the receiver's socket. */
export class PacketPort implements PacketSink, TickTask {
  readonly #clock: Clock;
  readonly #ticker: Ticker;
  readonly #pacer = new Pacer<Buffer>();
  #transport: Transport | undefined;
  readonly #send = (packet: Buffer): void => {
    this.#transport?.send(packet);
  };

  /** `ticker`: a beat of a few milliseconds. */
  constructor(clock: Clock, ticker: Ticker) {
    this.#clock = clock;
    this.#ticker = ticker;
  }

  /** Where packets go from now on; what waits goes there too. */
  attach(transport: Transport | undefined): void {
    this.#transport = transport;
  }

  /** Packets that were dropped because they waited too long or there was no room. */
  get dropped(): number {
    return this.#pacer.dropped.expired + this.#pacer.dropped.overflow;
  }

  enqueue(packet: Buffer, priority: PacerPriority): void {
    if (priority === PACER_PRIORITY.audio) {
      this.#transport?.send(packet);
      return;
    }
    const nowUs = this.#clock.nowUs();
    this.#pacer.enqueue(packet, priority, nowUs);
    this.#pacer.poll(nowUs, this.#send);
    if (this.#pacer.held > 0) this.#ticker.add(this);
  }

  /** RTCP is small and never waits. */
  sendControl(packet: Buffer): void {
    this.#transport?.send(packet);
  }

  tick(nowUs: number): void {
    this.#pacer.poll(nowUs, this.#send);
    if (this.#pacer.held === 0) this.#ticker.remove(this);
  }

  close(): void {
    this.#pacer.clear();
    this.#ticker.remove(this);
    this.#transport = undefined;
  }
}
