import { DEFAULT_QUEUE_MS, DEFAULT_REORDER_MS, type LinkConditions, checkConditions } from './conditions.js';

/** What happens to a datagram: when it is delivered, or why it is not. */
export interface Verdict {
  readonly dropped: DropReason | undefined;
  /** In µs on the caller's clock; empty for one that is dropped, two for one that is doubled. */
  readonly deliveriesUs: readonly number[];
  /** How long it waited for the rate limit, in µs. */
  readonly queuedUs: number;
  readonly reordered: boolean;
}

export type DropReason = 'loss' | 'burst' | 'queue';

/** IPv4 and UDP. */
const HEADER_BYTES = 28;
/** A doubled datagram comes right behind the first. */
const DUPLICATE_US = 500;

/**
 * One direction of a network, without the network: says for every datagram when it arrives. What happens by chance to the
 * datagram of a number depends on the seed and the number only, whatever the conditions or times were before.
 */
export class Link {
  readonly #seed: number;
  #conditions: LinkConditions = {};
  #burstUntilUs = -Infinity;
  #number = 0;
  /** When the rate limit has let through all that waits. */
  #freeUs = -Infinity;
  /** The last delivery that others may not overtake. */
  #lastUs = -Infinity;

  /** `seed`: any integer. */
  constructor(seed: number, conditions: LinkConditions = {}, nowUs = 0) {
    this.#seed = seed;
    this.set(conditions, nowUs);
  }

  get conditions(): LinkConditions {
    return this.#conditions;
  }

  /** Changes the conditions that are given; `undefined` takes one away. Errors: RangeError. */
  set(change: LinkConditions, nowUs: number): void {
    checkConditions(change);
    this.#conditions = { ...this.#conditions, ...change };
    if ('burst' in change) this.#burstUntilUs = change.burst ? nowUs + change.burst.durationMs * 1000 : -Infinity;
  }

  /** The next datagram, of so many bytes without headers. Time must not go back. */
  send(bytes: number, nowUs: number): Verdict {
    const number = this.#number++;
    const reason = this.#isLost(number, nowUs);
    if (reason) return dropped(reason);
    const { delayMs = 0, jitterMs = 0, reorder = 0, reorderMs = DEFAULT_REORDER_MS, duplicate = 0 } = this.#conditions;
    const queuedUs = this.#queue(bytes, nowUs);
    if (queuedUs === undefined) return dropped('queue');
    const jitterUs = jitterMs * 1000 * this.#chance(number, 1);
    const reordered = this.#chance(number, 2) < reorder;
    const ownUs = nowUs + queuedUs + delayMs * 1000 + jitterUs;
    const atUs = reordered ? ownUs + reorderMs * 1000 : Math.max(ownUs, this.#lastUs);
    if (!reordered) this.#lastUs = atUs;
    const deliveriesUs = this.#chance(number, 3) < duplicate ? [atUs, atUs + DUPLICATE_US] : [atUs];
    return { dropped: undefined, deliveriesUs, queuedUs, reordered };
  }

  #isLost(number: number, nowUs: number): DropReason | undefined {
    const { loss = 0, burst } = this.#conditions;
    const inBurst = burst !== undefined && nowUs < this.#burstUntilUs;
    if (this.#chance(number, 0) >= (inBurst ? burst.loss : loss)) return undefined;
    return inBurst ? 'burst' : 'loss';
  }

  /** Waiting and passing the rate limit, in µs, or nothing where the queue is full. */
  #queue(bytes: number, nowUs: number): number | undefined {
    const { rateBps, queueMs = DEFAULT_QUEUE_MS } = this.#conditions;
    if (rateBps === undefined) return 0;
    const startUs = Math.max(nowUs, this.#freeUs);
    if (startUs - nowUs > queueMs * 1000) return undefined;
    this.#freeUs = startUs + ((bytes + HEADER_BYTES) * 8e6) / rateBps;
    return this.#freeUs - nowUs;
  }

  /** Evenly spread over 0 to 1; `purpose` keeps the questions about one datagram apart. */
  #chance(number: number, purpose: number): number {
    return mix(mix(mix(this.#seed) ^ number) + purpose) / 2 ** 32;
  }
}

function dropped(reason: DropReason): Verdict {
  return { dropped: reason, deliveriesUs: [], queuedUs: 0, reordered: false };
}

/** Scatters 32 bits: two rounds of multiply and shift. */
function mix(value: number): number {
  let x = (value + 0x9e3779b9) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
