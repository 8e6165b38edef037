import type { Clock } from '../media/clock.js';
import { type ErrorCode, SluiceError } from '../media/errors.js';
import type { ServerLink } from './server-link.js';
import { sessionLeft } from './waits.js';

export interface RejoiningOptions {
  readonly clock: Clock;
  /** Addresses, in the order in which they are tried, again and again. */
  readonly urls: readonly string[];
  /** Joins at an address. */
  readonly join: (url: string, timeoutMs: number) => Promise<ServerLink>;
  /** How long joining took when it went well, in ms: a server that takes much longer is not waited for. */
  readonly usualMs: number;
  /** Before the first try: who were sent away together do not come together. */
  readonly firstPauseMs: number;
  /** When it is given up, in µs on the clock. */
  readonly untilUs: number;
  /** 0 to 1. */
  readonly random: () => number;
}

/** Between one round of tries and the next, in ms, give or take a half; the last goes on. */
const PAUSES_MS = [100, 150, 200, 200, 200, 300, 300, 400, 500, 1000, 2000] as const;
/** A try may take that many times as long as it usually does, within these bounds; longer when many have failed. */
const PATIENCE = 4;
const MIN_ATTEMPT_MS = 600;
const MAX_ATTEMPT_MS = 3_000;
const IMPATIENT_ROUNDS = 8;

/** What is wrong with the request is wrong the next time too. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'SLUICE_CONFIG_INVALID',
  'SLUICE_PERMISSION_DENIED',
  'SLUICE_TOKEN_EXPIRED',
  'SLUICE_TOKEN_INVALID',
]);

/** Joins a session anew, at one of several servers, with tries that go on until a time limit. */
export class Rejoining {
  readonly #options: RejoiningOptions;
  #over = false;
  #wake: (() => void) | undefined;

  constructor(options: RejoiningOptions) {
    this.#options = options;
  }

  /** Tries until it has joined. Errors: why the last try failed; SLUICE_SESSION_CLOSED when it was cancelled. */
  async run(): Promise<ServerLink> {
    const { clock, untilUs, random, firstPauseMs } = this.#options;
    const urls = new Set(this.#options.urls);
    await this.#pause(firstPauseMs);
    for (let round = 0; ; round++) {
      let failure: unknown;
      for (const url of urls) {
        this.#check();
        try {
          return await this.#try(url, round);
        } catch (error) {
          failure = error;
          if (error instanceof SluiceError && FINAL.has(error.code)) urls.delete(url);
        }
      }
      const pauseMs = (PAUSES_MS[round] ?? PAUSES_MS.at(-1) ?? 0) * (0.5 + random());
      if (urls.size === 0 || clock.nowUs() + pauseMs * 1000 >= untilUs) throw failure;
      await this.#pause(pauseMs);
    }
  }

  /** Tries no more; what is joined all the same is left. */
  cancel(): void {
    this.#over = true;
    this.#wake?.();
  }

  async #try(url: string, round: number): Promise<ServerLink> {
    const { usualMs, join } = this.#options;
    const patientMs = Math.min(Math.max(usualMs * PATIENCE, MIN_ATTEMPT_MS), MAX_ATTEMPT_MS);
    const link = await join(url, round < IMPATIENT_ROUNDS ? patientMs : MAX_ATTEMPT_MS);
    if (!this.#isOver()) return link;
    await link.close();
    throw sessionLeft();
  }

  async #pause(ms: number): Promise<void> {
    this.#check();
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.after(ms, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
    this.#check();
  }

  #check(): void {
    if (this.#isOver()) throw sessionLeft();
  }

  #isOver(): boolean {
    return this.#over;
  }
}
