import type { Clock, ClockTimer } from '../../media/clock.js';
import { Ticker, type TickTask } from '../ticker.js';

/** The length of one packet, and the distance of beats. */
export const PERIOD_US = 20_000;
/** What is waited for is looked at so often: nobody is woken by its coming. */
const LOOK_MS = 3;
/** Beats come earlier by no more than this at a time, so that packets keep their distance. */
const EARLIER_US = 1000;
/** One of several who is slower than time must not slow down the others: for it, beats come later by no more than this. */
const LATER_LIMIT_US = 40_000;
/** And by so much each time, as clocks may be 50 ppm apart. */
const FORGOTTEN_US = 1;

/** Sends a period at each beat. */
export interface BeatTask {
  /** One period more is due. Whether it has to be waited for: `look` follows. */
  beat(beatUs: number): boolean;
  /** A moment after the beat. Whether to wait on. */
  look(): boolean;
  /** How much earlier its beats may come, in µs; less than 0 when they have to come later, undefined where it does not matter. */
  readonly excessUs: number | undefined;
  /** Beats come later by so much; earlier, when negative. */
  beatsMoved(byUs: number): void;
}

/**
 * The beat of 20 ms at which all audio of a process is sent: one, so that the thread is woken once for all. It follows those who write
 * live, a little behind the one that writes last: at once where something comes late, slowly where all wait longer than they need.
 */
export class SendBeat implements TickTask {
  readonly #clock: Clock;
  readonly #onFault: (error: unknown) => void;
  readonly #ticker: Ticker;
  readonly #tasks = new Set<BeatTask>();
  readonly #waiting = new Set<BeatTask>();
  #timer: ClockTimer | undefined;
  /** By how much beats have come later of late. */
  #laterUs = 0;
  readonly #look = (): void => {
    this.#lookAgain();
  };

  constructor(clock: Clock, onFault: (error: unknown) => void) {
    this.#clock = clock;
    this.#onFault = onFault;
    this.#ticker = new Ticker(clock, PERIOD_US / 1000, onFault);
  }

  add(task: BeatTask): void {
    this.#tasks.add(task);
    this.#ticker.add(this);
  }

  remove(task: BeatTask): void {
    this.#tasks.delete(task);
    this.#waiting.delete(task);
    if (this.#tasks.size > 0) return;
    this.#ticker.remove(this);
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  tick(beatUs: number): void {
    for (const task of this.#tasks) {
      try {
        if (task.beat(beatUs)) this.#waiting.add(task);
        else this.#waiting.delete(task);
      } catch (error) {
        this.#onFault(error);
      }
    }
    this.#laterUs = Math.max(0, this.#laterUs - FORGOTTEN_US);
    this.#follow(EARLIER_US);
    this.#wait();
  }

  #lookAgain(): void {
    this.#timer = undefined;
    for (const task of this.#waiting) {
      try {
        if (!task.look()) this.#waiting.delete(task);
      } catch (error) {
        this.#waiting.delete(task);
        this.#onFault(error);
      }
    }
    this.#follow(0);
    this.#wait();
  }

  #wait(): void {
    if (this.#waiting.size > 0) this.#timer ??= this.#clock.after(LOOK_MS, this.#look);
  }

  #follow(earlierUs: number): void {
    let excessUs = Infinity;
    for (const task of this.#tasks) excessUs = Math.min(excessUs, task.excessUs ?? Infinity);
    if (excessUs === Infinity) return;
    const mostUs = this.#tasks.size > 1 ? LATER_LIMIT_US - this.#laterUs : Infinity;
    const byUs = Math.min(mostUs, -Math.min(excessUs, earlierUs));
    if (byUs === 0) return;
    this.#laterUs = Math.max(0, this.#laterUs + byUs);
    this.#ticker.shift(byUs);
    for (const task of this.#tasks) task.beatsMoved(byUs);
  }
}
