/** Interleaved samples waiting to be cut into chunks; long silence takes no memory. */
export class SampleQueue {
  readonly #segments: (Int16Array | number)[] = [];
  #length = 0;

  /** Samples that wait. */
  get length(): number {
    return this.#length;
  }

  push(samples: Int16Array): void {
    if (samples.length === 0) return;
    this.#segments.push(samples);
    this.#length += samples.length;
  }

  pushSilence(samples: number): void {
    if (samples <= 0) return;
    this.#segments.push(samples);
    this.#length += samples;
  }

  /** At most `samples` samples; an array that was pushed is given as it is where it has so many. */
  shift(samples: number): Int16Array {
    const [first] = this.#segments;
    if (first instanceof Int16Array && first.length === samples) {
      this.#segments.shift();
      this.#length -= samples;
      return first;
    }
    const out = new Int16Array(Math.min(samples, this.#length));
    let filled = 0;
    while (filled < out.length) {
      const segment = this.#segments[0] ?? 0;
      const size = typeof segment === 'number' ? segment : segment.length;
      const count = Math.min(size, out.length - filled);
      if (typeof segment !== 'number') out.set(segment.subarray(0, count), filled);
      filled += count;
      if (count === size) this.#segments.shift();
      else this.#segments[0] = typeof segment === 'number' ? segment - count : segment.subarray(count);
    }
    this.#length -= out.length;
    return out;
  }
}
