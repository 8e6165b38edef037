import { Limiter } from './limiter.js';
import { mixInto } from './pcm.js';

/**
 * Adds up audio, a period at a time, and gives it whole or without some of its parts ("mix-minus": everybody but oneself). N parts
 * cost one sum and N subtractions; who adds nothing gets the very same samples as the others who do not. What is
 * too loud in sum is turned down, in each of the mixes by itself.
 */
export class MixMinus {
  readonly #sum: Int32Array;
  readonly #rest: Int32Array;
  readonly #limiter: Limiter;
  /** The limiter as it was before this period. */
  readonly #before: Limiter;
  #whole: Int16Array;

  /** `length`: samples of a period, of all channels. */
  constructor(sampleRate: number, numberOfChannels: number, length: number) {
    this.#sum = new Int32Array(length);
    this.#rest = new Int32Array(length);
    this.#limiter = new Limiter(sampleRate, numberOfChannels);
    this.#before = new Limiter(sampleRate, numberOfChannels);
    this.#whole = new Int16Array(length);
  }

  /** Begins a period; what was given before stays as it is. */
  begin(): void {
    this.#sum.fill(0);
  }

  /** Adds a part of this period, which is as long. */
  add(part: Int16Array): void {
    mixInto(this.#sum, part);
  }

  /** All parts have been added. */
  finish(): void {
    this.#before.follow(this.#limiter);
    this.#whole = new Int16Array(this.#sum.length);
    this.#limiter.process(this.#sum, this.#whole);
  }

  /** All parts together, in memory that is not written to again. */
  get whole(): Int16Array {
    return this.#whole;
  }

  /** The sum without these parts of it. `limiter` belongs to who hears that, from one period to the next. */
  without(parts: readonly Int16Array[], limiter: Limiter): Int16Array {
    const [part] = parts;
    if (!part && limiter.isLike(this.#before)) {
      limiter.follow(this.#limiter);
      return this.#whole;
    }
    const out = new Int16Array(this.#sum.length);
    if (!part) limiter.process(this.#sum, out);
    else if (parts.length === 1) limiter.processWithout(this.#sum, part, out);
    else limiter.process(this.#subtract(parts), out);
    return out;
  }

  #subtract(parts: readonly Int16Array[]): Int32Array {
    const rest = this.#rest;
    rest.set(this.#sum);
    for (const part of parts) for (let i = 0; i < rest.length; i++) rest[i] = rest[i]! - part[i]!;
    return rest;
  }
}
