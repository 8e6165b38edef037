import type { Clock, ClockTimer } from '../../media/clock.js';
import type { AssembledFrame } from '../rtp/frame-assembler.js';
import { VideoDelay } from './video-delay.js';

/** Timers may come a little early: this much counts as due, in µs. */
const DUE_SLACK_US = 500;

/** Holds whole pictures until their time, where the way asks for that. No more are held than come in the longest delay. */
export class HeldPictures {
  readonly #clock: Clock;
  readonly #handOn: (frame: AssembledFrame, nowUs: number) => void;
  readonly #delay = new VideoDelay();
  #held: { readonly frame: AssembledFrame; readonly dueUs: number }[] = [];
  #timer: ClockTimer | undefined;
  readonly #onTimer = (): void => {
    this.#timer = undefined;
    const nowUs = this.#clock.nowUs();
    this.#release(nowUs + DUE_SLACK_US);
    this.#schedule(nowUs);
  };

  /** `handOn` is called with each picture, in order. */
  constructor(clock: Clock, handOn: (frame: AssembledFrame, nowUs: number) => void) {
    this.#clock = clock;
    this.#handOn = handOn;
  }

  get holdsKeyFrame(): boolean {
    return this.#held.some(({ frame }) => frame.type === 'key');
  }

  /** A packet was lost and sent again; one that has to be asked for twice comes so late, in µs. */
  lost(recoveryUs: number, nowUs: number): void {
    this.#delay.lost(recoveryUs, nowUs);
  }

  /** Takes a picture that is later than the fastest by so much. */
  add(frame: AssembledFrame, latenessUs: number, nowUs: number): void {
    this.#delay.completed(latenessUs, nowUs);
    const waitUs = this.#delay.us - Math.max(0, latenessUs);
    if (waitUs <= DUE_SLACK_US && this.#held.length === 0) {
      this.#handOn(frame, nowUs);
      return;
    }
    this.#held.push({ frame, dueUs: Math.max(nowUs + waitUs, this.#held.at(-1)?.dueUs ?? 0) });
    this.#schedule(nowUs);
  }

  /** Hands on all that is held: what comes next is of another source. */
  flush(): void {
    this.#release(Infinity);
    this.clear();
    this.#delay.reset();
  }

  /** Lets go of what is held. */
  clear(): void {
    this.#held = [];
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #release(dueUs: number): void {
    for (let first = this.#held[0]; first && first.dueUs <= dueUs; first = this.#held[0]) {
      this.#held.shift();
      this.#handOn(first.frame, this.#clock.nowUs());
    }
  }

  #schedule(nowUs: number): void {
    const first = this.#held[0];
    if (first) this.#timer ??= this.#clock.after(Math.max(0, (first.dueUs - nowUs) / 1000), this.#onTimer);
  }
}
