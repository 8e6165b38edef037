/** A timer that was set on a Clock. */
export interface ClockTimer {
  cancel(): void;
}

/** Time as everything in sluice sees it: monotonic, in microseconds, with no relation to the calendar. */
export interface Clock {
  /** Microseconds since some fixed moment; never goes back. */
  nowUs(): number;
  /** Calls `task` once, `delayMs` milliseconds from now. */
  after(delayMs: number, task: () => void): ClockTimer;
}

/** The machine's own monotonic clock, the same in all threads. Its timers keep the process alive until they fire or are cancelled. */
export const systemClock: Clock = {
  nowUs: () => Number(process.hrtime.bigint()) / 1000,
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return {
      cancel: () => {
        clearTimeout(timer);
      },
    };
  },
};

/** Waits for a promise, but no longer than `deadlineMs`: false when that came first. Errors: those of the promise. */
export async function settlesWithin(clock: Clock, promise: Promise<unknown>, deadlineMs: number): Promise<boolean> {
  let timer: ClockTimer | undefined;
  const tooLate = new Promise<boolean>((resolve) => {
    timer = clock.after(deadlineMs, () => {
      resolve(false);
    });
  });
  try {
    return await Promise.race([promise.then(() => true), tooLate]);
  } finally {
    timer?.cancel();
  }
}

interface Pending {
  readonly dueUs: number;
  readonly order: number;
  readonly task: () => void;
}

/** A clock that stands still until it is told to advance; timers fire in order of their time, then of their setting. */
export class VirtualClock implements Clock {
  #nowUs = 0;
  #order = 0;
  #pending: Pending[] = [];

  nowUs(): number {
    return this.#nowUs;
  }

  after(delayMs: number, task: () => void): ClockTimer {
    const entry: Pending = { dueUs: this.#nowUs + Math.max(0, delayMs) * 1000, order: this.#order++, task };
    this.#pending.push(entry);
    return {
      cancel: () => {
        this.#pending = this.#pending.filter((other) => other !== entry);
      },
    };
  }

  /** Moves time on by `ms` milliseconds and runs what falls due, also what those tasks set. */
  advance(ms: number): void {
    const endUs = this.#nowUs + ms * 1000;
    for (let next = this.#take(endUs); next; next = this.#take(endUs)) {
      this.#nowUs = next.dueUs;
      next.task();
    }
    this.#nowUs = endUs;
  }

  /** Moves time on to what is due next, and does that one thing; false where nothing is set. */
  advanceToNext(): boolean {
    const next = this.#take(Infinity);
    if (!next) return false;
    this.#nowUs = next.dueUs;
    next.task();
    return true;
  }

  #take(endUs: number): Pending | undefined {
    let first: Pending | undefined;
    for (const entry of this.#pending) {
      if (entry.dueUs > endUs) continue;
      if (!first || entry.dueUs < first.dueUs || (entry.dueUs === first.dueUs && entry.order < first.order))
        first = entry;
    }
    if (first) this.#pending = this.#pending.filter((other) => other !== first);
    return first;
  }
}
