/** How far `a` is ahead of `b` on the circle of 16-bit sequence numbers: -32768 to 32767. */
export function sequenceDifference(a: number, b: number): number {
  return ((a - b) << 16) >> 16;
}

/** True when `a` comes after `b`, across the wrap. */
export function isNewerSequence(a: number, b: number): boolean {
  return sequenceDifference(a, b) > 0;
}

/** How far `a` is ahead of `b` on the circle of 32-bit timestamps: -2147483648 to 2147483647. */
export function timestampDifference(a: number, b: number): number {
  return (a - b) | 0;
}

/**
 * Turns 16-bit sequence numbers into numbers that go on growing past the wrap. The first one stays as it is, so that `value & 0xffff`
 * is the sequence number always; one older than the first may become negative.
 */
export class SequenceUnwrapper {
  #last: number | undefined;

  unwrap(sequenceNumber: number): number {
    this.#last =
      this.#last === undefined ? sequenceNumber : this.#last + sequenceDifference(sequenceNumber, this.#last);
    return this.#last;
  }

  /** What a number would be unwrapped to, without going on from it; undefined before the first. */
  peek(sequenceNumber: number): number | undefined {
    return this.#last === undefined ? undefined : this.#last + sequenceDifference(sequenceNumber, this.#last);
  }

  reset(): void {
    this.#last = undefined;
  }
}

/** The same for 32-bit timestamps: `value >>> 0` is the timestamp always. */
export class TimestampUnwrapper {
  #last: number | undefined;

  unwrap(timestamp: number): number {
    this.#last = this.#last === undefined ? timestamp : this.#last + timestampDifference(timestamp, this.#last);
    return this.#last;
  }

  reset(): void {
    this.#last = undefined;
  }
}
