/** Order of leaving: the lower number first. */
export const PACER_PRIORITY = { audio: 0, retransmission: 1, video: 2, padding: 3 } as const;
export type PacerPriority = (typeof PACER_PRIORITY)[keyof typeof PACER_PRIORITY];

export interface PacerOptions {
  /** Packets that may leave in one interval. Default 10: longer bursts are lost in the receiver's socket. */
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

/**
 * Spreads what is sent over time, pure: the caller polls it every few milliseconds. Packets of one priority keep their order.
 * Every packet is counted: `enqueued = sent + dropped.overflow + dropped.expired + dropped.cleared + held`.
 * `Item` is anything with a size: a Uint8Array, or an object that carries one.
 */
export class Pacer<Item extends { readonly byteLength: number } = Uint8Array> {
  enqueued = 0;
  sent = 0;
  readonly dropped: PacerDrops = { overflow: 0, expired: 0, cleared: 0 };

  readonly #packetsPerUs: number;
  readonly #maxTokens: number;
  readonly #maxWaitUs: number;
  readonly #maxBytes: number;
  readonly #queues: readonly PacketQueue<Item>[] = [
    new PacketQueue(),
    new PacketQueue(),
    new PacketQueue(),
    new PacketQueue(),
  ];
  #bitrateBps: number | undefined;
  #tokens: number;
  #byteTokens = 1500;
  #lastUs: number | undefined;
  #heldBytes = 0;

  constructor(options: PacerOptions = {}) {
    this.#maxTokens = options.packetsPerInterval ?? 10;
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

  /** How long the packet that waits longest has been here, in milliseconds. */
  waitMs(nowUs: number): number {
    let oldestUs = nowUs;
    for (const queue of this.#queues) if (queue.length > 0) oldestUs = Math.min(oldestUs, queue.headUs());
    return (nowUs - oldestUs) / 1000;
  }

  /** undefined takes the limit away. */
  setBitrate(bitrateBps: number | undefined): void {
    this.#bitrateBps = bitrateBps;
  }

  /**
   * Takes a packet. Where there is no room, the oldest of the least important make it, but never one more important than this:
   * then this one is dropped and false returned.
   */
  enqueue(item: Item, priority: PacerPriority, nowUs: number): boolean {
    this.enqueued++;
    const size = item.byteLength;
    for (let least = 3; least >= priority && this.#heldBytes + size > this.#maxBytes;) {
      if (this.#queues[least]!.length === 0) least--;
      else this.#drop(this.#queues[least]!, 'overflow');
    }
    if (this.#heldBytes + size > this.#maxBytes) {
      this.dropped.overflow++;
      return false;
    }
    this.#queues[priority]!.push(item, nowUs);
    this.#heldBytes += size;
    return true;
  }

  /** Hands what may leave now to `send`, most important first; returns how many. Packets past their time are dropped first. */
  poll(nowUs: number, send: (item: Item) => void): number {
    this.#refill(nowUs);
    for (const queue of this.#queues) {
      while (queue.length > 0 && nowUs - queue.headUs() > this.#maxWaitUs) this.#drop(queue, 'expired');
    }
    let count = 0;
    for (let priority = 0; priority < this.#queues.length; priority++) {
      const queue = this.#queues[priority]!;
      while (queue.length > 0 && this.#tokens >= 1) {
        if (priority !== PACER_PRIORITY.audio && this.#bitrateBps !== undefined && this.#byteTokens <= 0) break;
        const item = queue.shift();
        this.#heldBytes -= item.byteLength;
        this.#tokens--;
        // May go below zero: a packet is never cut, the next one waits for it.
        this.#byteTokens -= item.byteLength;
        this.sent++;
        count++;
        send(item);
      }
    }
    return count;
  }

  /** Lets go of everything that waits, or of one priority. */
  clear(priority?: PacerPriority): void {
    for (let at = 0; at < this.#queues.length; at++) {
      if (priority !== undefined && at !== priority) continue;
      while (this.#queues[at]!.length > 0) this.#drop(this.#queues[at]!, 'cleared');
    }
  }

  #drop(queue: PacketQueue<Item>, reason: keyof PacerDrops): void {
    this.#heldBytes -= queue.shift().byteLength;
    this.dropped[reason]++;
  }

  #refill(nowUs: number): void {
    const elapsedUs = this.#lastUs === undefined ? 0 : Math.max(0, nowUs - this.#lastUs);
    this.#lastUs = nowUs;
    this.#tokens = Math.min(this.#maxTokens, this.#tokens + elapsedUs * this.#packetsPerUs);
    if (this.#bitrateBps === undefined) {
      this.#byteTokens = 0;
      return;
    }
    const bytesPerUs = this.#bitrateBps / 8e6;
    // What was not used for long is no right to a burst: one interval's worth, and at least a packet.
    const most = Math.max(1500, bytesPerUs * (this.#maxTokens / this.#packetsPerUs));
    this.#byteTokens = Math.min(most, this.#byteTokens + elapsedUs * bytesPerUs);
  }
}

/** First in, first out, with the time of entry; a ring that grows. */
class PacketQueue<Item> {
  length = 0;
  #items: (Item | undefined)[] = new Array<Item | undefined>(16).fill(undefined);
  #times = new Float64Array(16);
  #head = 0;

  push(item: Item, nowUs: number): void {
    if (this.length === this.#items.length) this.#grow();
    const at = (this.#head + this.length) & (this.#items.length - 1);
    this.#items[at] = item;
    this.#times[at] = nowUs;
    this.length++;
  }

  /** Only when `length` is not 0. */
  shift(): Item {
    const item = this.#items[this.#head]!;
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#items.length - 1);
    this.length--;
    return item;
  }

  headUs(): number {
    return this.#times[this.#head]!;
  }

  #grow(): void {
    const size = this.#items.length;
    const items = new Array<Item | undefined>(size * 2).fill(undefined);
    const times = new Float64Array(size * 2);
    for (let i = 0; i < this.length; i++) {
      const at = (this.#head + i) & (size - 1);
      items[i] = this.#items[at];
      times[i] = this.#times[at]!;
    }
    this.#items = items;
    this.#times = times;
    this.#head = 0;
  }
}
