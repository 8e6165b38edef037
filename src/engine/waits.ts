import type { Clock } from '../media/clock.js';
import { type ErrorCode, SluiceError } from '../media/errors.js';

/** What is waited for from the server: each time for so long, and all of it ended at once when the session is left. */
export class Waits {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #code: ErrorCode;
  readonly #pending = new Set<() => void>();
  #closed = false;

  /** `code`: of the error after the time limit. */
  constructor(clock: Clock, timeoutMs: number, code: ErrorCode = 'SLUICE_PUBLISH_FAILED') {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#code = code;
  }

  /**
   * Calls `start` and waits until the function that it was given is called; `end` is called when the waiting is over.
   * Errors: that with `message` after the time limit, SLUICE_SESSION_CLOSED.
   */
  wait<T>(message: string, start: (resolve: (value: T) => void) => void, end: () => void): Promise<T> {
    if (this.#closed) return Promise.reject(sessionLeft());
    return new Promise<T>((resolve, reject) => {
      const over = (): void => {
        timer.cancel();
        this.#pending.delete(leave);
        end();
      };
      const leave = (): void => {
        over();
        reject(sessionLeft());
      };
      const timer = this.#clock.after(this.#timeoutMs, () => {
        over();
        reject(new SluiceError(this.#code, message));
      });
      this.#pending.add(leave);
      start((value) => {
        over();
        resolve(value);
      });
    });
  }

  /** Ends all waiting, and what is asked later. */
  close(): void {
    this.#closed = true;
    for (const leave of [...this.#pending]) leave();
  }
}

/** The error of whatever was going on when the session was left. */
export function sessionLeft(): SluiceError {
  return new SluiceError('SLUICE_SESSION_CLOSED', 'the session was left');
}
