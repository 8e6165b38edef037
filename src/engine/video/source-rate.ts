/** A picture that comes later than this says nothing about the rate: the source has paused. In µs. */
const MAX_DISTANCE_US = 250_000;
/** One picture's part in the mean. */
const WEIGHT = 1 / 8;

/** How many pictures a second come from a source that was announced with a rate, which is the most there can be. Pure. */
export class SourceRate {
  readonly #announced: number;
  #distanceUs: number;
  #lastUs: number | undefined;

  /** `announced`: in 1/s. */
  constructor(announced: number) {
    this.#announced = announced;
    this.#distanceUs = 1_000_000 / announced;
  }

  /** Notes a picture that is due at `dueUs`. */
  add(dueUs: number): void {
    const distanceUs = dueUs - (this.#lastUs ?? dueUs);
    this.#lastUs = dueUs;
    if (distanceUs > 0) this.#distanceUs += (Math.min(distanceUs, MAX_DISTANCE_US) - this.#distanceUs) * WEIGHT;
  }

  /** In 1/s, never above what was announced. */
  get perSecond(): number {
    return Math.min(this.#announced, 1_000_000 / this.#distanceUs);
  }
}
