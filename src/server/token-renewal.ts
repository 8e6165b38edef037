import type { Clock, ClockTimer } from '../media/clock.js';

/** A renewed token lets its holder join for so long. */
export const RENEWED_TTL_SECONDS = 600;
/** Tokens are renewed at least this often, and at most. */
const MAX_INTERVAL_MS = 300_000;
const MIN_INTERVAL_MS = 1_000;

export interface TokenRenewalOptions {
  readonly clock: Clock;
  /** How long the token that the client has is good for, from now, in ms. */
  readonly remainingMs: number;
  readonly sign: () => Promise<string>;
  readonly onToken: (token: string) => void;
  readonly onError: (error: unknown) => void;
}

/** Gives a client that stays a new token before its old one ends: it needs one to come back. */
export class TokenRenewal {
  readonly #options: TokenRenewalOptions;
  #timer: ClockTimer | undefined;
  #closed = false;

  constructor(options: TokenRenewalOptions) {
    this.#options = options;
    this.#schedule(options.remainingMs);
  }

  /** Renews at once: what the token says has changed. */
  renew(): void {
    this.#timer?.cancel();
    const { sign, onToken, onError } = this.#options;
    sign().then((token) => {
      if (this.#closed) return;
      onToken(token);
      this.#schedule(RENEWED_TTL_SECONDS * 1000);
    }, onError);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  /** When half of what remains is over there is still time for a client that is away just then. */
  #schedule(remainingMs: number): void {
    const waitMs = Math.min(MAX_INTERVAL_MS, Math.max(MIN_INTERVAL_MS, remainingMs / 2));
    // Two that were asked for at one time are two that have been signed.
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(waitMs, () => {
      this.renew();
    });
  }
}
