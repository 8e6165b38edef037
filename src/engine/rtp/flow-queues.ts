/** Emptied queues that are kept for the next flow. */
const MAX_SPARE = 4;

/**
 * Queues of one priority, one for each flow. `takeNext` goes round the flows, so that none waits for all of another's packets.
 * A flow that ran dry is forgotten and its memory used for the next one.
 */
export class FlowQueues<Item> {
  /** Items of all flows. */
  length = 0;
  /** Queues with something in them. Few at a time: most packets leave at once. */
  readonly #ring: PacketQueue<Item>[] = [];
  readonly #spare: PacketQueue<Item>[] = [];
  #next = 0;

  push(flow: number, item: Item, nowUs: number): void {
    this.#queueOf(flow).push(item, nowUs);
    this.length++;
  }

  /** Only when `length` is not 0. */
  takeNext(): Item {
    if (this.#next >= this.#ring.length) this.#next = 0;
    const at = this.#next;
    const before = this.#ring.length;
    const item = this.#takeFrom(at);
    // A queue that left the ring has made the next one take its place.
    if (this.#ring.length === before) this.#next = at + 1;
    return item;
  }

  /** Only when `length` is not 0. */
  takeOldest(): Item {
    let oldest = 0;
    for (let at = 1; at < this.#ring.length; at++) {
      if (this.#ring[at]!.headUs() < this.#ring[oldest]!.headUs()) oldest = at;
    }
    return this.#takeFrom(oldest);
  }

  /** When the item that waits longest came; Infinity when there is none. */
  oldestUs(): number {
    let oldestUs = Infinity;
    for (const queue of this.#ring) oldestUs = Math.min(oldestUs, queue.headUs());
    return oldestUs;
  }

  #queueOf(flow: number): PacketQueue<Item> {
    for (const queue of this.#ring) if (queue.flow === flow) return queue;
    const queue = this.#spare.pop() ?? new PacketQueue<Item>();
    queue.flow = flow;
    this.#ring.push(queue);
    return queue;
  }

  #takeFrom(at: number): Item {
    const queue = this.#ring[at]!;
    const item = queue.shift();
    this.length--;
    if (queue.length === 0) {
      this.#ring.splice(at, 1);
      if (at < this.#next) this.#next--;
      if (this.#spare.length < MAX_SPARE) this.#spare.push(queue);
    }
    return item;
  }
}

/** First in, first out, with the time of entry; a ring that grows. */
class PacketQueue<Item> {
  flow = 0;
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
