import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../media/clock.js';
import { describeFormat } from '../media/format.js';
import { isKeyFrameSource } from '../media/key-frame-source.js';
import { MediaQueue } from '../media/media-queue.js';
import { durationUs, isMedia, type PipelineValue } from '../media/media-value.js';
import { StepMeter } from '../media/step-meter.js';
import { formatOf } from '../media/stream-format.js';
import { type LinkCount, type LinkReader, SeenFormat } from './link-count.js';
import type { QueueConfig } from './schema.js';

export interface LinkTargetOptions {
  readonly writable: Writable;
  readonly count: LinkCount;
  readonly clock: Clock;
  /** What waits for the reader; without one it holds its writer back. */
  readonly queue?: QueueConfig | undefined;
  /** Called with every value before the reader has it. */
  readonly onValue?: ((value: PipelineValue) => void) | undefined;
}

/** One reader of an output, with what waits for it. */
export class LinkTarget implements LinkReader {
  readonly writable: Writable;
  readonly #count: LinkCount;
  readonly #clock: Clock;
  readonly #queue: MediaQueue | undefined;
  readonly #onValue: ((value: PipelineValue) => void) | undefined;
  readonly #step = new StepMeter();
  readonly #format = new SeenFormat();
  #output: Readable | undefined;
  #onReady: (() => void) | undefined;
  /** Values that were given to the reader and not taken yet. */
  #given = 0;
  /** The reader wants no more for now. */
  #full = false;
  /** The pump was told to wait. */
  #blocking = false;
  #ending = false;
  #seen = false;

  constructor({ writable, count, clock, queue, onValue }: LinkTargetOptions) {
    this.writable = writable;
    this.#count = count;
    this.#clock = clock;
    this.#onValue = onValue;
    if (queue) this.#queue = new MediaQueue(queue, count, this.#wantKeyFrame);
    count.open(this);
    writable.once('close', this.#closed);
  }

  /** Media before the reader now, in µs. */
  get heldUs(): number {
    return (this.#queue?.heldUs ?? 0) + this.#given * this.#step.stepUs;
  }

  /** Values before the reader now. */
  get held(): number {
    return (this.#queue?.length ?? 0) + this.#given;
  }

  /** It wants no more for now. */
  get isBlocking(): boolean {
    return this.#blocking;
  }

  /** `onReady` is called when a target that wanted no more does again, or will never. */
  begin(output: Readable, onReady: () => void): void {
    this.#output = output;
    this.#onReady = onReady;
    this.writable.on('drain', this.#drained);
    // As `pipe` does: who takes media may ask who gives it (for a key frame).
    this.writable.emit('pipe', output);
  }

  /** Hands a value over; false when no more is wanted for now. */
  write(value: PipelineValue): boolean {
    const count = this.#count;
    this.#onValue?.(value);
    this.#measure(value);
    count.chunks++;
    count.mediaUs += this.#step.stepUs;
    if (this.#isGone()) {
      count.drop('reader gone');
      return true;
    }
    if (this.#queue) this.#enqueue(this.#queue, value);
    else this.#give(value);
    const { held } = this;
    if (held > count.mostHeld) count.mostHeld = held;
    this.#blocking = this.#queue ? this.#queue.isBlocking : this.#full;
    return !this.#blocking;
  }

  /** No more comes; what waits still goes out. */
  end(): void {
    this.#ending = true;
    if (this.#output) this.writable.emit('unpipe', this.#output);
    if (!this.#queue || this.#queue.length === 0) this.#endWritable();
  }

  #enqueue(queue: MediaQueue, value: PipelineValue): void {
    if (!this.#full && queue.length === 0) {
      if (!queue.lets(value)) return;
      this.#count.left(0);
      this.#give(value);
      return;
    }
    try {
      queue.push(value, this.#step.stepUs, this.#clock.nowUs());
    } catch (error) {
      this.#count.drop('queue full, newest');
      this.writable.destroy(error as Error);
    }
  }

  /** False when the reader wants no more for now. */
  #give(value: PipelineValue): boolean {
    this.#given++;
    if (!this.writable.write(value, this.#taken)) this.#full = true;
    return !this.#full;
  }

  /** One for all values, in the order in which they were given. */
  readonly #taken = (error?: Error | null): void => {
    this.#given--;
    if (error) this.#count.drop('reader gone');
    else this.#count.taken++;
  };

  readonly #drained = (): void => {
    this.#full = false;
    const queue = this.#queue;
    if (queue) {
      let value: PipelineValue | undefined;
      while (!this.#isGone() && (value = queue.shift(this.#clock.nowUs()))) if (!this.#give(value)) break;
      if (queue.length === 0 && this.#ending) this.#endWritable();
    }
    if (this.#blocking && !(queue ? queue.isBlocking : this.#full)) this.#unblock();
  };

  readonly #closed = (): void => {
    this.#queue?.clear();
    this.#count.close(this);
    this.writable.off('drain', this.#drained);
    if (this.#blocking) this.#unblock();
  };

  readonly #wantKeyFrame = (): void => {
    if (this.#output && isKeyFrameSource(this.#output)) this.#output.requestKeyFrame();
  };

  #unblock(): void {
    this.#blocking = false;
    this.#onReady?.();
  }

  #endWritable(): void {
    if (!this.#isGone()) this.writable.end();
  }

  #isGone(): boolean {
    return this.writable.destroyed || this.writable.writableEnded;
  }

  #measure(value: PipelineValue): void {
    if (isMedia(value)) this.#step.measure(value, durationUs(value));
    if (!this.#format.differs(value)) return;
    const format = isMedia(value) ? formatOf(value) : undefined;
    this.#count.sawFormat(format ? describeFormat(format) : value.kind, this.#seen);
    this.#seen = true;
  }
}
