import { unansweredCount } from '../codecs/codec-pool.js';
import { systemClock, type VirtualClock } from '../media/clock.js';
import { SluiceError } from '../media/errors.js';
import { awaitedPrograms } from '../speech/program.js';

/** Resources of Node.js that are gone by themselves soon: calls to the file system, and immediates. */
const PASSING = /^(?:FSReq|CloseReq|Immediate)/;
/** Turns of the event loop that are spent waiting before time is given to other threads. */
const EAGER_TURNS = 400;
/** What has not come back after this never will, in ms. */
const PATIENCE_MS = 60_000;

/**
 * Moves a virtual clock on, one task at a time, and only when nothing is on its way inside the process: that is the rule which makes
 * a run on it give the same bytes every time. On its way are what `during` was told of, questions that codec threads have not
 * answered, programs whose output is waited for, calls to the file system, immediates, and whatever promises and ticks these set going.
 */
export class VirtualTime {
  readonly #clock: VirtualClock;
  #pending = 0;
  #waits = 0;
  #busySinceUs = 0;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  /** Time stands still until the work has settled. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.#pending++;
    try {
      return await work;
    } finally {
      this.#pending--;
    }
  }

  /**
   * Runs the clock until `goal` settles, and gives what it settles with. Errors: those of the goal; SLUICE_STATE_INVALID when
   * nothing is set on the clock any more, or when work does not come back.
   */
  async until<T>(goal: Promise<T>): Promise<T> {
    let isOver = false;
    const failed = new Promise<never>((_resolve, reject) => {
      const turn = (): void => {
        if (isOver) return;
        if (this.#isBusy()) {
          if (this.#isHopeful(turn)) return;
          reject(new SluiceError('SLUICE_STATE_INVALID', 'work that was begun does not come back'));
          return;
        }
        this.#waits = 0;
        if (this.#clock.advanceToNext()) setImmediate(turn);
        else reject(new SluiceError('SLUICE_STATE_INVALID', 'everything stands still'));
      };
      setImmediate(turn);
    });
    try {
      return await Promise.race([goal, failed]);
    } finally {
      isOver = true;
    }
  }

  #isBusy(): boolean {
    if (this.#pending > 0 || unansweredCount() > 0 || awaitedPrograms() > 0) return true;
    return process.getActiveResourcesInfo().some((resource) => PASSING.test(resource));
  }

  /** Looks again soon; false when it has been busy for too long. */
  #isHopeful(turn: () => void): boolean {
    const waits = this.#waits++;
    if (waits < EAGER_TURNS) {
      setImmediate(turn);
      return true;
    }
    const nowUs = systemClock.nowUs();
    if (waits === EAGER_TURNS) this.#busySinceUs = nowUs;
    setTimeout(turn, 1);
    return nowUs - this.#busySinceUs < PATIENCE_MS * 1000;
  }
}
