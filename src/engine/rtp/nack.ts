export interface NackOptions {
  /** A missing packet is asked for once this many later ones have arrived. Default 2. */
  readonly reorderTolerance?: number;
  /** ... or once it has been missing for so long. Default 10. */
  readonly firstDelayMs?: number;
  /** Least time between two requests for one packet; the round trip where that is longer. Default 20. */
  readonly retryMs?: number;
  /** Most time between two requests. Default 50: with a long way the answer of an earlier request may be lost too. */
  readonly maxRetryMs?: number;
  /** Requests for one packet. Default 10. */
  readonly maxTries?: number;
  /** A packet missing for longer is given up. Default 1000. */
  readonly giveUpMs?: number;
  /** A packet further behind the newest is given up, and a larger gap is not asked for at all. Default 1000. */
  readonly maxBehind?: number;
}

interface Missing {
  readonly sinceUs: number;
  requestedUs: number;
  tries: number;
}

/** Most numbers of one request: it has to fit one datagram. */
const MAX_PER_REQUEST = 200;

/**
 * The receiver's half of retransmission: told what arrives, says what to ask for now. Works on unwrapped sequence numbers.
 * Every missing packet is counted once: `missing = recovered + givenUp + pending`.
 */
export class NackGenerator {
  missing = 0;
  recovered = 0;
  givenUp = 0;
  /** Requests made, repetitions included. */
  requested = 0;

  readonly #options: Required<NackOptions>;
  readonly #missing = new Map<number, Missing>();
  #highest: number | undefined;
  #wantsKeyFrame = false;
  #lost: number[] = [];

  constructor(options: NackOptions = {}) {
    this.#options = {
      reorderTolerance: 2,
      firstDelayMs: 10,
      retryMs: 20,
      maxRetryMs: 50,
      maxTries: 10,
      giveUpMs: 1000,
      maxBehind: 1000,
      ...options,
    };
  }

  /** Packets that are missing and not given up. */
  get pending(): number {
    return this.#missing.size;
  }

  /** Notes a packet, whichever way it came: as sent, retransmitted, or only padding. */
  receive(sequence: number, nowUs: number): void {
    if (this.#highest === undefined) {
      this.#highest = sequence;
      return;
    }
    if (sequence <= this.#highest) {
      if (this.#missing.delete(sequence)) this.recovered++;
      return;
    }
    const gap = sequence - this.#highest - 1;
    if (gap > this.#options.maxBehind) {
      this.missing += gap;
      this.givenUp += gap;
      this.#giveUpAll();
    } else {
      this.missing += gap;
      for (let at = this.#highest + 1; at < sequence; at++)
        this.#missing.set(at, { sinceUs: nowUs, requestedUs: 0, tries: 0 });
    }
    this.#highest = sequence;
    this.#giveUpBehind(sequence - this.#options.maxBehind);
  }

  /** The unwrapped numbers to ask for now, ascending, at most 200. Call it every 5 to 20 ms, or on every packet. */
  poll(nowUs: number, roundTripUs = 0): number[] {
    const { reorderTolerance, firstDelayMs, retryMs, maxRetryMs, maxTries, giveUpMs } = this.#options;
    const request: number[] = [];
    const retryUs = Math.min(maxRetryMs * 1000, Math.max(retryMs * 1000, roundTripUs));
    for (const [sequence, entry] of this.#missing) {
      const ageUs = nowUs - entry.sinceUs;
      const due =
        entry.tries === 0
          ? this.#highest! - sequence >= reorderTolerance || ageUs >= firstDelayMs * 1000
          : nowUs - entry.requestedUs >= retryUs;
      if (ageUs >= giveUpMs * 1000 || (due && entry.tries >= maxTries)) this.#giveUp(sequence);
      else if (due && request.length < MAX_PER_REQUEST) {
        entry.tries++;
        entry.requestedUs = nowUs;
        request.push(sequence);
      }
    }
    this.requested += request.length;
    return request;
  }

  /** True once after packets were given up. A decoder that needs them wants a key frame. */
  takeKeyFrameRequest(): boolean {
    const wanted = this.#wantsKeyFrame;
    this.#wantsKeyFrame = false;
    return wanted;
  }

  /** The single packets given up since the last call, so that a FrameAssembler need not wait for them. A huge gap is not listed. */
  takeGivenUp(): readonly number[] {
    const lost = this.#lost;
    if (lost.length > 0) this.#lost = [];
    return lost;
  }

  /** Forgets everything, for a source that starts anew. What was pending counts as given up. */
  reset(): void {
    this.#giveUpAll();
    this.#highest = undefined;
    this.#wantsKeyFrame = false;
  }

  #giveUp(sequence: number): void {
    this.#missing.delete(sequence);
    this.givenUp++;
    this.#wantsKeyFrame = true;
    if (this.#lost.length < this.#options.maxBehind) this.#lost.push(sequence);
  }

  #giveUpAll(): void {
    this.givenUp += this.#missing.size;
    this.#missing.clear();
    this.#wantsKeyFrame = true;
    this.#lost = [];
  }

  #giveUpBehind(limit: number): void {
    // The map is in ascending order: numbers enter it as the newest grows.
    for (const sequence of this.#missing.keys()) {
      if (sequence >= limit) break;
      this.#giveUp(sequence);
    }
  }
}
