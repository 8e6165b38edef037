export interface EndpointingOptions {
  /** `fixed`: the same silence ends every turn. `habit`: as long as it takes by how long this speaker pauses inside of turns. */
  readonly mode: 'fixed' | 'habit';
  /** No shorter silence ends a turn, in ms. */
  readonly minSilenceMs: number;
  /** A longer silence ends it whatever was said, in ms. */
  readonly maxSilenceMs: number;
}

/** What the mean keeps of itself at each pause. */
const KEPT = 0.8;
/** Pauses that are longer than the mean by so many mean deviations are rare; as TCP's retransmission timer has it (RFC 6298). */
const DEVIATIONS = 2;
/** A turn is taken to be over where it is as likely as that. */
const LIKELY = 0.5;

/** How long a speaker has to be silent until their turn is over. Pure. */
export class Endpointing {
  readonly #options: EndpointingOptions;
  #meanUs: number | undefined;
  #deviationUs = 0;

  constructor(options: EndpointingOptions) {
    this.#options = options;
  }

  /** The speaker has paused for so long, in µs, and then went on with the same turn. */
  paused(us: number): void {
    const mean = this.#meanUs;
    this.#deviationUs = mean === undefined ? us / 4 : KEPT * this.#deviationUs + (1 - KEPT) * Math.abs(us - mean);
    this.#meanUs = mean === undefined ? us : KEPT * mean + (1 - KEPT) * us;
  }

  /** The silence that ends any turn, in µs. */
  get longestUs(): number {
    const { minSilenceMs, maxSilenceMs } = this.#options;
    return Math.max(minSilenceMs, maxSilenceMs) * 1000;
  }

  /** The silence that ends a turn which is over with this likelihood, 0 to 1; undefined where nobody judges it. In µs. */
  silenceUs(likelihood: number | undefined): number {
    const { mode, minSilenceMs } = this.#options;
    const [minUs, maxUs] = [minSilenceMs * 1000, this.longestUs];
    if (likelihood !== undefined && likelihood < LIKELY) return maxUs;
    if (mode === 'fixed' || this.#meanUs === undefined) return minUs;
    return Math.min(maxUs, Math.max(minUs, this.#meanUs + DEVIATIONS * this.#deviationUs));
  }
}
