import type { Clock, ClockTimer } from '../../media/clock.js';
import { SCRIPT_FORMAT } from '../script/script-format.js';

type Beat = (index: number) => void;

/**
 * The beat of the sound in a room: every 20 ms of its clock, while anybody is in it. Sources come before mixes, so that what is said
 * in a beat is in the mix of that beat.
 */
export class Ticker {
  readonly #clock: Clock;
  readonly #sources = new Set<Beat>();
  readonly #mixes = new Set<Beat>();
  #timer: ClockTimer | undefined;
  #next = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `beat` with the number of each beat from now on; the time is its number times 20 ms. Returns what ends that. */
  add(role: 'source' | 'mix', beat: Beat): () => void {
    const beats = role === 'source' ? this.#sources : this.#mixes;
    beats.add(beat);
    if (!this.#timer) {
      this.#next = Math.ceil(this.#clock.nowUs() / (SCRIPT_FORMAT.chunkMs * 1000) - 1e-6);
      this.#schedule();
    }
    return () => {
      beats.delete(beat);
      if (this.#sources.size + this.#mixes.size > 0) return;
      this.#timer?.cancel();
      this.#timer = undefined;
    };
  }

  #schedule(): void {
    const waitMs = this.#next * SCRIPT_FORMAT.chunkMs - this.#clock.nowUs() / 1000;
    this.#timer = this.#clock.after(waitMs, this.#beat);
  }

  readonly #beat = (): void => {
    const index = this.#next++;
    this.#schedule();
    for (const beat of this.#sources) beat(index);
    for (const beat of this.#mixes) beat(index);
  };
}
