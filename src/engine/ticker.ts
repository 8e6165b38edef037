import type { Clock, ClockTimer } from '../media/clock.js';
import { GivingWay } from './giving-way.js';

/** Something that does a little work at every beat. */
export interface TickTask {
  tick(nowUs: number): void;
}

/** Beats that were missed by more than this are not made up for: the machine slept. In periods. */
const MAX_CATCH_UP = 10;
/** Timers count whole milliseconds, from one that has begun: what fires so much early is as good as due. In µs. */
const EARLY_US = 1000;

/** Calls its tasks every `periodMs`, in the order they were added, without drifting. Runs only while it has tasks. */
export class Ticker {
  readonly #clock: Clock;
  readonly #periodUs: number;
  readonly #onFault: (error: unknown) => void;
  #tasks: TickTask[] = [];
  #timer: ClockTimer | undefined;
  #nextUs = 0;
  #running = false;
  readonly #way = new GivingWay();
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
    if (this.#timer) return;
    const nowUs = this.#clock.nowUs();
    // During a beat the next one is known.
    if (!this.#running) this.#nextUs = nowUs + this.#periodUs;
    this.#schedule(nowUs);
  }

  remove(task: TickTask): void {
    this.#tasks = this.#tasks.filter((other) => other !== task);
    if (this.#tasks.length === 0) {
      this.#timer?.cancel();
      this.#timer = undefined;
    }
  }

  /** Moves the next beat and all that follow by so much, later or earlier. */
  shift(byUs: number): void {
    this.#nextUs += byUs;
  }

  #schedule(nowUs: number): void {
    // Rounded down it would fire early, and again for the rest: each time wakes the thread.
    this.#timer = this.#clock.after(Math.max(0, Math.ceil((this.#nextUs - nowUs) / 1000)), this.#beat);
  }

  #run(): void {
    const nowUs = this.#clock.nowUs();
    this.#timer = undefined;
    if (this.#way.givesWay(nowUs - this.#nextUs > this.#periodUs)) {
      this.#timer = this.#clock.after(0, this.#beat);
      return;
    }
    if (nowUs - this.#nextUs > MAX_CATCH_UP * this.#periodUs) this.#nextUs = nowUs;
    const beatUs = this.#nextUs;
    const isDue = beatUs <= nowUs + EARLY_US;
    // Beats that are made up for come one by one, so that packets get in between: a receiver that plays two at once
    // finds the second one missing.
    if (isDue) this.#nextUs += this.#periodUs;
    // Before the tasks: a timer counts from the moment at which this turn of the event loop began.
    this.#schedule(nowUs);
    if (isDue) this.#tick(beatUs);
  }

  #tick(beatUs: number): void {
    this.#running = true;
    for (const task of this.#tasks) {
      try {
        task.tick(beatUs);
      } catch (error) {
        this.#onFault(error);
      }
    }
    this.#running = false;
  }
}
