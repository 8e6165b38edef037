import { VirtualClock, type ClockTimer } from '../../src/media/clock.js';

/** Counts the timers that are set, and those that fired. */
export class CountingClock extends VirtualClock {
  waiting = 0;
  fired = 0;

  override after(delayMs: number, task: () => void): ClockTimer {
    this.waiting++;
    let over = false;
    const timer = super.after(delayMs, () => {
      over = true;
      this.waiting--;
      this.fired++;
      task();
    });
    return {
      cancel: () => {
        if (!over) this.waiting--;
        over = true;
        timer.cancel();
      },
    };
  }
}
