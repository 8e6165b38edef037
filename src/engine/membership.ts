import type { Clock } from '../media/clock.js';
import { SluiceError } from '../media/errors.js';
import { Rejoining } from './rejoining.js';
import { type LinkHandlers, type LinkOptions, ServerLink } from './server-link.js';
import type { SignalEnd } from './signalling/signal-end.js';

export interface MembershipHandlers extends Omit<LinkHandlers, 'onEnd'> {
  /** The stay at the server has ended, and another one is looked for. */
  onAway(): void;
  /** There is a server again. Resolves when all that was published is published there. */
  onBack(link: ServerLink): Promise<void>;
  /** All is again as it was. */
  onSettled(): void;
  /** The session has ended. Called once, and not after `leave()`. */
  onOver(error: SluiceError): void;
}

export interface MembershipOptions extends Omit<LinkOptions, 'url' | 'timeoutMs'> {
  /** Where the session can be had; the first is tried first. */
  readonly urls: readonly string[];
  /** Longest time that joining may take, all addresses together, in ms. */
  readonly timeoutMs: number;
  /** 0 to 1. */
  readonly random: () => number;
}

/** For so long another server is looked for, and for so long the same one is joined anew. */
const MOVE_TIMEOUT_MS = 30_000;
const ANEW_TIMEOUT_MS = 10_000;
/** Who were sent away together come within so long. */
const SPREAD_MS = 200;
/** A stay that ends sooner counts as one try of those before it, in µs. */
const STABLE_US = 10_000_000;
/** Waits before each stay that follows one which broke that soon, in ms; the last goes on. */
const UNSTABLE_PAUSES_MS = [0, 200, 500, 1000, 2000] as const;

/**
 * Keeps a participant in its session: at the server where it joined while that is there, and anew where the stay there has ended. A
 * server that asks for it, or cannot go on with a connection, is joined anew always; another server is gone to only with `mayMove`.
 */
export class Membership {
  readonly #options: MembershipOptions;
  readonly #clock: Clock;
  #link: ServerLink | undefined;
  /** Where the last stay was or is. */
  #url: string;
  #token: string;
  /** How long joining took, in ms. */
  readonly #usualMs: number;
  #rejoining: Rejoining | undefined;
  /** When what is being mended broke, and when it was whole last, in µs. */
  #brokenUs: number | undefined;
  #settledUs: number;
  /** How often it has broken since then. */
  #moves = 0;
  #left = false;

  private constructor(options: MembershipOptions, link: ServerLink, url: string, startedUs: number) {
    this.#options = options;
    this.#clock = options.clock;
    this.#link = link;
    this.#url = url;
    this.#token = options.token;
    this.#settledUs = options.clock.nowUs();
    this.#usualMs = (this.#settledUs - startedUs) / 1000;
  }

  /** Joins at the first address that can be had. Errors: those of ServerLink.join, at the last address. */
  static async join(options: MembershipOptions): Promise<{ membership: Membership; link: ServerLink }> {
    const { clock, urls, timeoutMs } = options;
    const untilUs = clock.nowUs() + timeoutMs * 1000;
    let failure: unknown;
    for (const [index, url] of urls.entries()) {
      const startedUs = clock.nowUs();
      // What one does not use is left to those after it.
      const shareMs = Math.max(1, (untilUs - startedUs) / 1000 / (urls.length - index));
      try {
        const link = await ServerLink.join({ ...options, url, timeoutMs: Math.round(shareMs) });
        return { membership: new Membership(options, link, url, startedUs), link };
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  /** Undefined between two servers, and after the end. */
  get link(): ServerLink | undefined {
    return this.#link;
  }

  /** Tells what happens, also what has happened already. */
  listen(handlers: MembershipHandlers): void {
    if (this.#link) this.#follow(this.#link, handlers);
  }

  /** Leaves the session. */
  async leave(): Promise<void> {
    this.#left = true;
    this.#rejoining?.cancel();
    await this.#link?.close();
  }

  #follow(link: ServerLink, handlers: MembershipHandlers): void {
    link.listen({
      onParticipants: (participants, complete) => {
        handlers.onParticipants(participants, complete);
      },
      onTrackUnpublished: (trackSid) => {
        handlers.onTrackUnpublished(trackSid);
      },
      onTrackMuted: (trackSid) => {
        handlers.onTrackMuted(trackSid);
      },
      onSpeakers: (speakers) => {
        handlers.onSpeakers(speakers);
      },
      onRequestResponse: (response) => {
        handlers.onRequestResponse(response);
      },
      onData: (packet) => {
        handlers.onData(packet);
      },
      onResumed: () => {
        handlers.onResumed();
      },
      onEnd: (end) => {
        this.#onEnd(link, end, handlers);
      },
    });
  }

  #onEnd(link: ServerLink, end: SignalEnd, handlers: MembershipHandlers): void {
    if (this.#left || link !== this.#link) return;
    this.#link = undefined;
    this.#token = link.signal.token;
    const goesOn = end.remedy === 'anew' || (end.remedy === 'elsewhere' && this.#options.mayMove);
    if (goesOn) {
      handlers.onAway();
      this.#moveOn(end, handlers).catch(this.#options.onFault);
    } else handlers.onOver(new SluiceError('SLUICE_SESSION_LOST', end.reason));
    link.abandon().catch(this.#options.onFault);
  }

  async #moveOn(end: SignalEnd, handlers: MembershipHandlers): Promise<void> {
    const rejoining = (this.#rejoining = this.#search(end));
    let link: ServerLink;
    try {
      link = await rejoining.run();
    } catch (error) {
      if (this.#left) return;
      const why = error instanceof Error ? error.message : String(error);
      handlers.onOver(
        new SluiceError('SLUICE_SESSION_LOST', `${end.reason}, and the session was not joined anew: ${why}`),
      );
      return;
    }
    this.#link = link;
    const back = handlers.onBack(link);
    this.#follow(link, handlers);
    await back;
    if (link !== this.#link || this.#left) return;
    this.#settledUs = this.#clock.nowUs();
    handlers.onSettled();
  }

  #search({ remedy, announced = false }: SignalEnd): Rejoining {
    const { mayMove, random } = this.#options;
    const nowUs = this.#clock.nowUs();
    if (this.#brokenUs === undefined || nowUs - this.#settledUs > STABLE_US) {
      this.#brokenUs = nowUs;
      this.#moves = 0;
    }
    const pauseMs = UNSTABLE_PAUSES_MS[this.#moves] ?? UNSTABLE_PAUSES_MS.at(-1) ?? 0;
    const isExpected = remedy === 'elsewhere' && announced;
    if (!isExpected) this.#moves++;
    return new Rejoining({
      clock: this.#clock,
      urls: this.#inOrder(remedy === 'anew'),
      join: (url, timeoutMs) => this.#join(url, timeoutMs),
      usualMs: this.#usualMs,
      firstPauseMs: (isExpected ? 0 : pauseMs) + (remedy === 'elsewhere' ? random() * SPREAD_MS : 0),
      untilUs: this.#brokenUs + (mayMove ? MOVE_TIMEOUT_MS : ANEW_TIMEOUT_MS) * 1000,
      random,
    });
  }

  async #join(url: string, timeoutMs: number): Promise<ServerLink> {
    const link = await ServerLink.join({ ...this.#options, url, timeoutMs, token: this.#token });
    this.#url = url;
    return link;
  }

  /** The addresses after the present one first, and that last, unless it is `preferred`. */
  #inOrder(preferred: boolean): string[] {
    const { urls, mayMove } = this.#options;
    if (!mayMove) return [this.#url];
    const at = urls.indexOf(this.#url);
    const others = [...urls.slice(at + 1), ...urls.slice(0, at)];
    return preferred ? [this.#url, ...others] : [...others, this.#url];
  }
}
