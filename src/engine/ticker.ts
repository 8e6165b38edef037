import type { Clock, ClockTimer } from '../media/clock.js';

/** Something that does a little work at every beat. */
export interface TickTask {
  tick(nowUs: number): void;
}

/** Beats that were missed by more than this are not made up for: the machine slept. In periods. */
const MAX_CATCH_UP = 10;

/** Calls its tasks every `periodMs`, in the order they were added, without drifting. Runs only while it has tasks. */
export class Ticker {
  readonly #clock: Clock;
  readonly #periodUs: number;
  readonly #onFault: (error: unknown) => void;
  #tasks: TickTask[] = [];
  #timer: ClockTimer | undefined;
  #nextUs = 0;
  #running = false;
  readonly #beat = (): void => {
    this.#run();
  };

  constructor(clock: Clock, periodMs: number, onFault: (error: unknown) => void) {
    this.#clock = clock;
    this.#periodUs = periodMs * 1000;
    this.#onFault = onFault;
  }

  add(task: TickTask): void {
    if (this.#tasks.includes(task)) return;
    this.#tasks = [...this.#tasks, task];
    // During a beat the next one is set at its end.
    if (!this.#timer && !this.#running) {
      this.#nextUs = this.#clock.nowUs() + this.#periodUs;
      this.#schedule();
    }
  }

  remove(task: TickTask): void {
    this.#tasks = this.#tasks.filter((other) => other !== task);
    if (this.#tasks.length === 0) {
      this.#timer?.cancel();
      this.#timer = undefined;
    }
  }

  #schedule(): void {
    this.#timer = this.#clock.after(Math.max(0, (this.#nextUs - this.#clock.nowUs()) / 1000), this.#beat);
  }

  #run(): void {
    const nowUs = this.#clock.nowUs();
    this.#running = true;
    this.#timer = undefined;
    if (nowUs - this.#nextUs > MAX_CATCH_UP * this.#periodUs) this.#nextUs = nowUs;
    // A timer may fire a little early: half a millisecond is as good as due. Beats that are made up for come one by
    // one, so that packets get in between: a receiver that plays two at once finds the second one missing.
    if (this.#nextUs <= nowUs + 500) {
      for (const task of this.#tasks) {
        try {
          task.tick(this.#nextUs);
        } catch (error) {
          this.#onFault(error);
        }
      }
      this.#nextUs += this.#periodUs;
    }
    this.#running = false;
    if (this.#tasks.length > 0) this.#schedule();
  }
}
