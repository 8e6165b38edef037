import { setTimeout as wait } from 'node:timers/promises';
import { hearsOthersOnly } from './bridge-tones.js';

/** Packets that are kept of each, for the check: two seconds. */
const KEPT = 100;

/** What the participants of one process hear. */
export class Ears {
  readonly #heard: Uint8Array[][] = [];
  #received = 0;

  /** Takes a packet of the mix of participant `index`. */
  take(index: number, packet: Uint8Array): void {
    this.#received++;
    const kept = (this.#heard[index] ??= []);
    kept.push(packet);
    if (kept.length > KEPT) kept.shift();
  }

  /** Packets that come to all of them over the next `ms`. */
  async count(ms: number): Promise<number> {
    const before = this.#received;
    await wait(ms);
    return this.#received - before;
  }

  /** How many of `participants` hear all others, and not themselves. */
  async check(participants: number): Promise<number> {
    let right = 0;
    for (const [index, packets] of this.#heard.entries())
      if (await hearsOthersOnly(packets, index, participants)) right++;
    return right;
  }
}
