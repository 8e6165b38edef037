import type { Readable, Writable } from 'node:stream';
import { durationUs, type MediaValue, type StreamValue } from '../media/media-value.js';

/** What passed over one link of the plan, in all branches together. */
export class LinkCount {
  chunks = 0;
  mediaUs = 0;
  /** Values that could not be given to their reader because it had gone. */
  dropped = 0;
  /** The most that waited at once in one reader, in values. */
  mostHeld = 0;
  readonly #targets = new Set<LinkTarget>();

  open(target: LinkTarget): void {
    this.#targets.add(target);
  }

  close(target: LinkTarget): void {
    this.#targets.delete(target);
  }

  /** Media that waits for the reader now, in ms: values in its buffer times how long one lasts. */
  get heldMs(): number {
    let held = 0;
    for (const target of this.#targets) held += (target.writable.writableLength * target.stepUs) / 1000;
    return held;
  }
}

/** One reader of an output. */
export class LinkTarget {
  readonly writable: Writable;
  readonly count: LinkCount;
  /** Media time of one value in µs; of pictures, the distance of the last two. */
  stepUs = 0;
  blocked = false;
  #lastUs: number | undefined;

  constructor(writable: Writable, count: LinkCount) {
    this.writable = writable;
    this.count = count;
    count.open(this);
    writable.once('close', () => {
      count.close(this);
    });
  }

  /** Hands a value over; false when the reader wants no more for now. */
  write(value: StreamValue): boolean {
    const { writable, count } = this;
    if (writable.destroyed || writable.writableEnded) {
      count.dropped++;
      return true;
    }
    if (value.kind !== 'captions') this.#measure(value);
    count.chunks++;
    count.mediaUs += this.stepUs;
    const more = writable.write(value);
    if (writable.writableLength > count.mostHeld) count.mostHeld = writable.writableLength;
    return more;
  }

  #measure(value: MediaValue): void {
    const lengthUs = durationUs(value);
    if (lengthUs > 0) this.stepUs = lengthUs;
    else if (this.#lastUs !== undefined) this.stepUs = value.timestamp - this.#lastUs;
    this.#lastUs = value.timestamp;
  }
}

/**
 * Carries what one output gives to all that read it: each value is shared, never copied, and the slowest
 * reader holds the output back. Ends its readers when the output ends; errors are the business of whoever
 * watches the streams.
 */
export class Pump {
  readonly #output: Readable;
  readonly #targets: readonly LinkTarget[];
  #blocked = 0;
  /** Values still to carry once the pump is stopping; undefined while it is not. */
  #remaining: number | undefined;
  #over = false;

  constructor(output: Readable, targets: readonly LinkTarget[]) {
    this.#output = output;
    this.#targets = targets;
  }

  start(): void {
    for (const target of this.#targets) {
      target.writable.on('drain', () => {
        this.#unblock(target);
      });
      target.writable.once('close', () => {
        this.#unblock(target);
      });
    }
    // As `pipe` does: who takes media may ask who gives it (for a key frame).
    for (const { writable } of this.#targets) writable.emit('pipe', this.#output);
    this.#output.once('end', this.#finish);
    this.#output.on('data', this.#carry);
  }

  /** Takes no more than what the output has ready, ends the readers and destroys the output. */
  stop(): void {
    if (this.#over || this.#remaining !== undefined) return;
    this.#remaining = this.#output.readableLength;
    if (this.#remaining === 0) this.#finish();
  }

  readonly #carry = (value: StreamValue): void => {
    for (const target of this.#targets) {
      if (target.write(value) || target.blocked) continue;
      target.blocked = true;
      this.#blocked++;
    }
    if (this.#remaining !== undefined && --this.#remaining <= 0) this.#finish();
    else if (this.#blocked > 0) this.#output.pause();
  };

  #unblock(target: LinkTarget): void {
    if (!target.blocked) return;
    target.blocked = false;
    if (--this.#blocked === 0 && !this.#over) this.#output.resume();
  }

  readonly #finish = (): void => {
    if (this.#over) return;
    this.#over = true;
    this.#output.off('data', this.#carry);
    for (const { writable } of this.#targets) {
      writable.emit('unpipe', this.#output);
      if (!writable.destroyed && !writable.writableEnded) writable.end();
    }
    if (this.#remaining !== undefined) this.#output.destroy();
  };
}
