export interface NackOptions {
  /** While nothing is known of the way, a missing packet is asked for once this many later ones have arrived. Default 2. */
  readonly reorderTolerance?: number;
  /** ... or once it has been missing for so long. Default 5. */
  readonly firstDelayMs?: number;
  /** Longest wait for packets that are merely reordered, as this way is seen to reorder them. Default 40. */
  readonly maxReorderMs?: number;
  /** Least time between two requests for one packet. Default 20. */
  readonly retryMs?: number;
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

/** An answer may come so much later than after a round trip, in µs. */
const ANSWER_SLACK_US = 3000;
/** Most numbers of one request: it has to fit one datagram. */
const MAX_PER_REQUEST = 200;

/**
 * The receiver's half of retransmission: told what arrives, says what to ask for now. Works on unwrapped sequence numbers. It learns
 * how late packets come that are merely out of order, and waits so long, and not at all where none do, before it takes one for lost.
 * Every missing packet is counted once: `missing = recovered + givenUp + pending`.
 */
export class NackGenerator {
  missing = 0;
  recovered = 0;
  /** Of those recovered, the ones that nobody had sent again. */
  reordered = 0;
  givenUp = 0;
  /** Requests made, repetitions included. */
  requested = 0;

  readonly #options: Required<NackOptions>;
  readonly #missing = new Map<number, Missing>();
  #highest: number | undefined;
  #wantsKeyFrame = false;
  #lost: number[] = [];
  /** How long answers take; 0 before the first. */
  #answerUs = 0;
  /** How late reordered packets come, by the later ones of them. */
  #reorderUs: number;

  constructor(options: NackOptions = {}) {
    this.#options = {
      reorderTolerance: 2,
      firstDelayMs: 5,
      maxReorderMs: 40,
      retryMs: 20,
      maxTries: 10,
      giveUpMs: 1000,
      maxBehind: 1000,
      ...options,
    };
    this.#reorderUs = this.#options.firstDelayMs * 1000;
  }

  /** Packets that are missing and not given up. */
  get pending(): number {
    return this.#missing.size;
  }

  /** Packets that came because they were asked for. */
  get repaired(): number {
    return this.recovered - this.reordered;
  }

  /** The round trip as answers show it, in µs; 0 before the first. */
  get answerUs(): number {
    return this.#answerUs;
  }

  /** Whether a packet is missing and not given up. */
  isMissing(sequence: number): boolean {
    return this.#missing.has(sequence);
  }

  /** Whether a packet is missing and was asked for: where retransmissions look like all others, it is one. */
  wasRequested(sequence: number): boolean {
    return (this.#missing.get(sequence)?.tries ?? 0) > 0;
  }

  /** How long a packet may be missing before it is taken for lost, in µs. */
  get reorderUs(): number {
    return this.#reorderUs;
  }

  /**
   * Notes a packet, whichever way it came: as sent, retransmitted, or only padding. `resent`: whether it is a
   * retransmission; undefined where the two look alike. False when it came behind a gap too large to be filled.
   */
  receive(sequence: number, nowUs: number, resent?: boolean): boolean {
    if (this.#highest === undefined) {
      this.#highest = sequence;
      return true;
    }
    if (sequence <= this.#highest) {
      const entry = this.#missing.get(sequence);
      if (entry) this.#found(sequence, entry, nowUs, resent);
      return true;
    }
    const gap = sequence - this.#highest - 1;
    const fillable = gap <= this.#options.maxBehind;
    this.missing += gap;
    if (!fillable) {
      this.givenUp += gap;
      this.#giveUpAll();
    } else {
      for (let at = this.#highest + 1; at < sequence; at++)
        this.#missing.set(at, { sinceUs: nowUs, requestedUs: 0, tries: 0 });
    }
    this.#highest = sequence;
    this.#giveUpBehind(sequence - this.#options.maxBehind);
    return fillable;
  }

  /** The unwrapped numbers to ask for now, ascending, at most 200. Call it when `nextUs` says, and on every packet while some are pending. */
  poll(nowUs: number, roundTripUs = 0): number[] {
    const { maxTries, giveUpMs } = this.#options;
    const request: number[] = [];
    for (const [sequence, entry] of this.#missing) {
      const due = this.#dueUs(sequence, entry, roundTripUs) <= nowUs;
      if (nowUs - entry.sinceUs >= giveUpMs * 1000 || (due && entry.tries >= maxTries)) this.#giveUp(sequence);
      else if (due && request.length < MAX_PER_REQUEST) {
        entry.tries++;
        entry.requestedUs = nowUs;
        request.push(sequence);
      }
    }
    this.requested += request.length;
    return request;
  }

  /** When `poll` has something to do next if nothing arrives before; Infinity while nothing is missing. */
  nextUs(roundTripUs = 0): number {
    let next = Infinity;
    for (const [sequence, entry] of this.#missing) {
      next = Math.min(next, this.#dueUs(sequence, entry, roundTripUs), entry.sinceUs + this.#options.giveUpMs * 1000);
    }
    return next;
  }

  /** Nobody waits for what is older than `sequence` any more: it counts as given up, but does no harm. */
  forgetBefore(sequence: number): void {
    for (const missing of this.#missing.keys()) {
      if (missing >= sequence) break;
      this.#missing.delete(missing);
      this.givenUp++;
    }
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

  #found(sequence: number, entry: Missing, nowUs: number, resent: boolean | undefined): void {
    this.#missing.delete(sequence);
    this.recovered++;
    // One that was asked for may be the answer: only its own stream can tell that it is not.
    if (resent === true || (resent === undefined && entry.tries > 0)) {
      // Of one that was asked for more often nobody knows which request was answered.
      if (entry.tries === 1) this.#noteAnswer(nowUs - entry.requestedUs);
      this.#reorderUs -= this.#reorderUs / 16;
      return;
    }
    this.reordered++;
    const lateUs = nowUs - entry.sinceUs;
    // Not worth waiting for; a forwarder may have had to wait for it itself.
    if (lateUs > this.#options.maxReorderMs * 1000) return;
    // Up quickly and down slowly: nearly all that is merely late is to be waited for.
    this.#reorderUs += (lateUs - this.#reorderUs) / (lateUs > this.#reorderUs ? 2 : 256);
  }

  #noteAnswer(tookUs: number): void {
    this.#answerUs += (tookUs - this.#answerUs) / (this.#answerUs === 0 ? 1 : 4);
  }

  #dueUs(sequence: number, { sinceUs, requestedUs, tries }: Missing, roundTripUs: number): number {
    const { reorderTolerance, retryMs } = this.#options;
    // Twice in a round trip: the second time for a request that got lost, the third for an answer that did.
    if (tries > 0) return requestedUs + Math.max(retryMs * 1000, roundTripUs / 2 + ANSWER_SLACK_US);
    const overtaken = this.reordered === 0 && this.#highest! - sequence >= reorderTolerance;
    return overtaken ? sinceUs : sinceUs + this.#reorderUs;
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
