import { FlowQueues } from './flow-queues.js';

/** Order of leaving: the lower number first. */
export const PACER_PRIORITY = { audio: 0, retransmission: 1, video: 2, padding: 3 } as const;
export type PacerPriority = (typeof PACER_PRIORITY)[keyof typeof PACER_PRIORITY];

export interface PacerOptions {
  /** Packets that may leave in one interval. Default 10: longer bursts are lost in the receiver's socket. Audio of many flows may be more. */
  readonly packetsPerInterval?: number;
  /** Default 5. */
  readonly intervalMs?: number;
  /** Bits per second for all but audio; undefined is no limit. */
  readonly bitrateBps?: number;
  /** A packet that waited longer is dropped. Default 2000. */
  readonly maxWaitMs?: number;
  /** Bytes held. Default 4 MiB. */
  readonly maxBytes?: number;
}

/** What was dropped: `overflow` had no room, `expired` waited too long, `cleared` was let go by `clear()`. */
export interface PacerDrops {
  overflow: number;
  expired: number;
  cleared: number;
}

const MAX_LATE_INTERVALS = 8;
/** Audio that waits leaves within about this time, however much it is: many speak at the same beat of 20 ms. */
const AUDIO_SPREAD_US = 10_000;

/**
 * Spreads what is sent over time, pure: the caller polls it every few milliseconds. The most important priority goes first;
 * within one, flows (tracks) take turns packet by packet, and packets of one flow keep their order.
 * Every packet is counted: `enqueued = sent + dropped.overflow + dropped.expired + dropped.cleared + held`.
 * `Item` is anything with a size: a Uint8Array, or an object that carries one.
 */
export class Pacer<Item extends { readonly byteLength: number } = Uint8Array> {
  enqueued = 0;
  sent = 0;
  readonly dropped: PacerDrops = { overflow: 0, expired: 0, cleared: 0 };

  readonly #packetsPerUs: number;
  readonly #maxTokens: number;
  /** Audio may take half of the next interval's packets: a key frame that has just left does not hold it. */
  readonly #audioDebt: number;
  readonly #maxWaitUs: number;
  readonly #maxBytes: number;
  readonly #queues: readonly FlowQueues<Item>[] = [
    new FlowQueues(),
    new FlowQueues(),
    new FlowQueues(),
    new FlowQueues(),
  ];
  #bitrateBps: number | undefined;
  #tokens: number;
  #byteTokens = 1500;
  #lastUs: number | undefined;
  #heldBytes = 0;
  /** The last poll left something behind. */
  #backlog = false;

  constructor(options: PacerOptions = {}) {
    this.#maxTokens = options.packetsPerInterval ?? 10;
    this.#audioDebt = Math.floor(this.#maxTokens / 2);
    this.#packetsPerUs = this.#maxTokens / ((options.intervalMs ?? 5) * 1000);
    this.#tokens = this.#maxTokens;
    this.#bitrateBps = options.bitrateBps;
    this.#maxWaitUs = (options.maxWaitMs ?? 2000) * 1000;
    this.#maxBytes = options.maxBytes ?? 4 * 1024 * 1024;
  }

  /** Packets waiting. */
  get held(): number {
    let held = 0;
    for (const queue of this.#queues) held += queue.length;
    return held;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Bytes that could leave at the moment of the last `poll` and that nothing waits to fill; 0 without a bitrate. */
  get spareBytes(): number {
    if (this.#bitrateBps === undefined || this.#tokens < 1 || this.held > 0) return 0;
    return Math.max(0, Math.floor(this.#byteTokens));
  }

  /** How long the packet that waits longest has been here, in milliseconds. */
  waitMs(nowUs: number): number {
    let oldestUs = nowUs;
    for (const queue of this.#queues) oldestUs = Math.min(oldestUs, queue.oldestUs());
    return (nowUs - oldestUs) / 1000;
  }

  /** undefined takes the limit away. */
  setBitrate(bitrateBps: number | undefined): void {
    // What left without a limit is no debt.
    if (this.#bitrateBps === undefined) this.#byteTokens = Math.max(0, this.#byteTokens);
    this.#bitrateBps = bitrateBps;
  }

  /**
   * Takes a packet. Where there is no room, the oldest of the least important make it, but never one more important than this:
   * then this one is dropped and false returned. `flow`: any number that tells tracks apart, such as the SSRC.
   */
  enqueue(item: Item, priority: PacerPriority, nowUs: number, flow = 0): boolean {
    this.enqueued++;
    const size = item.byteLength;
    for (let least = 3; least >= priority && this.#heldBytes + size > this.#maxBytes;) {
      const queue = this.#queues[least]!;
      if (queue.length === 0) least--;
      else this.#drop(queue.takeOldest(), 'overflow');
    }
    if (this.#heldBytes + size > this.#maxBytes) {
      this.dropped.overflow++;
      return false;
    }
    this.#queues[priority]!.push(flow, item, nowUs);
    this.#heldBytes += size;
    return true;
  }

  /** Hands what may leave now to `send`, most important first; returns how many. Packets past their time are dropped first. */
  poll(nowUs: number, send: (item: Item) => void): number {
    this.#refill(nowUs);
    let count = 0;
    for (let priority = 0; priority < this.#queues.length; priority++) {
      const queue = this.#queues[priority]!;
      if (queue.length === 0) continue;
      while (nowUs - queue.oldestUs() > this.#maxWaitUs) this.#drop(queue.takeOldest(), 'expired');
      const audio = priority === PACER_PRIORITY.audio;
      const least = audio ? 1 - this.#audioDebt : 1;
      while (queue.length > 0 && this.#tokens >= least) {
        if (!audio && this.#bitrateBps !== undefined && this.#byteTokens <= 0) break;
        const item = queue.takeNext();
        this.#heldBytes -= item.byteLength;
        this.#tokens--;
        // May go below zero: a packet is never cut, the next one waits for it.
        this.#byteTokens -= item.byteLength;
        this.sent++;
        count++;
        send(item);
      }
      // What many flows of audio were allowed is theirs alone.
      if (audio) this.#tokens = Math.min(this.#tokens, this.#maxTokens);
    }
    this.#backlog = this.held > 0;
    return count;
  }

  /** Lets go of everything that waits, or of one priority. */
  clear(priority?: PacerPriority): void {
    for (let at = 0; at < this.#queues.length; at++) {
      if (priority !== undefined && at !== priority) continue;
      const queue = this.#queues[at]!;
      while (queue.length > 0) this.#drop(queue.takeNext(), 'cleared');
    }
  }

  #drop(item: Item, reason: keyof PacerDrops): void {
    this.#heldBytes -= item.byteLength;
    this.dropped[reason]++;
  }

  #refill(nowUs: number): void {
    const elapsedUs = this.#lastUs === undefined ? 0 : Math.max(0, nowUs - this.#lastUs);
    this.#lastUs = Math.max(this.#lastUs ?? nowUs, nowUs);
    const audio = this.#queues[PACER_PRIORITY.audio]!.length;
    const packetsPerUs = Math.max(this.#packetsPerUs, audio / AUDIO_SPREAD_US);
    this.#tokens = Math.min(Math.max(this.#maxTokens, audio), this.#tokens + elapsedUs * packetsPerUs);
    if (this.#bitrateBps === undefined) {
      this.#byteTokens = 0;
      return;
    }
    const bytesPerUs = this.#bitrateBps / 8e6;
    // What was not used is no right to a burst: one interval's worth, and at least a packet. A beat that came late is made up for.
    const intervals = this.#backlog ? MAX_LATE_INTERVALS : 1;
    const most = Math.max(1500, (intervals * bytesPerUs * this.#maxTokens) / this.#packetsPerUs);
    this.#byteTokens = Math.min(most, this.#byteTokens + elapsedUs * bytesPerUs);
  }
}
