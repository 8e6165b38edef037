import type { Clock } from '../media/clock.js';
import type { BandwidthEstimator } from './rtp/bandwidth/bandwidth-estimator.js';
import { PacedSender, type PacedSenderOptions, type SendExtensionIds } from './rtp/bandwidth/paced-sender.js';
import type { PacerPriority } from './rtp/pacer.js';
import type { PacketSink } from './outbound-stream.js';
import type { Ticker, TickTask } from './ticker.js';
import type { Transport } from './transport.js';

/** Without an estimator the port only keeps bursts apart. */
export type PacketPortOptions = Omit<PacedSenderOptions, 'send'>;

/** The way out of one transport: paced, since bursts are lost in the receiver's socket, audio first, and told to the estimator. */
export class PacketPort implements PacketSink, TickTask {
  readonly #clock: Clock;
  readonly #ticker: Ticker;
  readonly #sender: PacedSender;
  #transport: Transport | undefined;

  /** `ticker`: a beat of a few milliseconds. */
  constructor(clock: Clock, ticker: Ticker, options: PacketPortOptions = {}) {
    this.#clock = clock;
    this.#ticker = ticker;
    this.#sender = new PacedSender({ ...options, send: (packet) => this.#transport?.send(packet) });
  }

  /** To hand RTCP feedback to, and to read the target from. */
  get estimator(): BandwidthEstimator | undefined {
    return this.#sender.estimator;
  }

  /** Where packets go from now on; what waits goes there too. */
  attach(transport: Transport | undefined): void {
    this.#transport = transport;
  }

  /** The negotiated ids of what is filled in when packets leave. */
  setExtensions(ids: SendExtensionIds): void {
    this.#sender.setExtensions(ids);
  }

  /** What would be sent if the path bore it, in bit/s: above the target, probes go out. */
  setWanted(wantedBps: number): void {
    this.#sender.wantedBps = wantedBps;
  }

  /** Packets that were dropped because they waited too long or there was no room. */
  get dropped(): number {
    return this.#sender.dropped.expired + this.#sender.dropped.overflow;
  }

  /** Padding and retransmissions that only filled probes. */
  get paddingBytes(): number {
    return this.#sender.paddingBytes;
  }

  /** How long the packet that waits longest has been here, in milliseconds. */
  get waitMs(): number {
    return this.#sender.waitMs(this.#clock.nowUs());
  }

  enqueue(packet: Buffer, priority: PacerPriority): void {
    this.#sender.enqueue(packet, priority, this.#clock.nowUs());
    if (this.#sender.busy) this.#ticker.add(this);
  }

  /** What is asked for is late already: it does not wait. */
  resend(packet: Buffer): void {
    this.#transport?.send(packet);
  }

  /** RTCP is small and never waits. */
  sendControl(packet: Buffer): void {
    this.#transport?.send(packet);
  }

  tick(): void {
    // The moment the packets leave, not that of the beat, which may be made up for.
    this.#sender.poll(this.#clock.nowUs());
    if (!this.#sender.busy) this.#ticker.remove(this);
  }

  close(): void {
    this.#sender.clear();
    this.#ticker.remove(this);
    this.#transport = undefined;
  }
}
