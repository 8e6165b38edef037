import type { Clock, ClockTimer } from '../../media/clock.js';

export interface HeartbeatOptions {
  readonly clock: Clock;
  readonly intervalMs: number;
  /** A server that is not heard of for so long is gone. */
  readonly timeoutMs: number;
  /** Sends a ping with the present time, and the round trip of the last one, in ms. */
  readonly ping: (nowMs: number, rttMs: number) => void;
  /** Nothing was heard for too long. */
  readonly onSilent: () => void;
}

interface Question {
  readonly timer: ClockTimer;
  readonly tell: (answered: boolean) => void;
}

/** Pings a server, and tells when nothing is heard of it any more. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #heardUs: number;
  #timer: ClockTimer | undefined;
  #question: Question | undefined;
  #rttMs: number | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#heardUs = options.clock.nowUs();
  }

  /** Round trip of the last ping, in ms. */
  get rttMs(): number | undefined {
    return this.#rttMs;
  }

  /** Begins, or goes on with another connection. */
  start(): void {
    this.stop();
    this.heard();
    this.#beat();
  }

  /** What was asked is not told any more. */
  stop(): void {
    this.#timer?.cancel();
    this.#question?.timer.cancel();
    this.#question = undefined;
  }

  /** The server said something. */
  heard(): void {
    this.#heardUs = this.#options.clock.nowUs();
    const question = this.#question;
    this.#question = undefined;
    question?.timer.cancel();
    question?.tell(true);
  }

  /** The server answered a ping of that time. */
  answered(pingMs: number): void {
    this.#rttMs = this.#options.clock.nowUs() / 1000 - pingMs;
  }

  /** There is a doubt: pings, and tells whether anything is heard within `timeoutMs` from now. One question at a time. */
  ask(timeoutMs: number, tell: (answered: boolean) => void): void {
    if (this.#question) return;
    const timer = this.#options.clock.after(timeoutMs, () => {
      this.#question = undefined;
      tell(false);
    });
    this.#question = { timer, tell };
    this.#ping();
  }

  #ping(): void {
    this.#options.ping(this.#options.clock.nowUs() / 1000, this.#rttMs ?? 0);
  }

  #beat(): void {
    const { clock, intervalMs, timeoutMs, onSilent } = this.#options;
    this.#timer = clock.after(intervalMs, () => {
      if (clock.nowUs() - this.#heardUs > timeoutMs * 1000) {
        onSilent();
        return;
      }
      this.#ping();
      this.#beat();
    });
  }
}
