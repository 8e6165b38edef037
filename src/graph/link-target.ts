import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../media/clock.js';
import type { FormatPattern } from '../media/format.js';
import { isKeyFrameSource } from '../media/key-frame-source.js';
import { MediaQueue } from '../media/media-queue.js';
import type { PipelineValue } from '../media/media-value.js';
import type { Flow } from '../media/node.js';
import type { LinkCount, LinkReader } from './link-count.js';
import { LinkInput } from './link-input.js';
import { LinkMeter } from './link-meter.js';
import type { QueueConfig } from './schema.js';

export interface LinkTargetOptions {
  readonly count: LinkCount;
  readonly clock: Clock;
  /** Pushed media does not wait for a reader that is being made anew, but in a queue. */
  readonly flow: Flow;
  /** What waits for the reader; without one it holds its writer back. */
  readonly queue?: QueueConfig | undefined;
  /** Name of the link. */
  readonly name: string;
  /** What can flow, as planned. */
  readonly formats: readonly FormatPattern[];
  /** Called with every value before the reader has it. */
  readonly onValue?: ((value: PipelineValue) => void) | undefined;
}

/** What a link without a queue keeps for a reader that is not there: the few values that come before its writer waits. */
const REST: QueueConfig = { maxMs: 1, overflow: 'block' };

/**
 * One reader of an output, with what waits for it. The stream that reads may be replaced by another: what comes in between waits
 * as far as the link lets it.
 */
export class LinkTarget implements LinkReader {
  readonly name: string;
  readonly #count: LinkCount;
  readonly #clock: Clock;
  readonly #isPushed: boolean;
  readonly #isQueued: boolean;
  readonly #onValue: ((value: PipelineValue) => void) | undefined;
  readonly #meter: LinkMeter;
  #queue: MediaQueue | undefined;
  #input: LinkInput | undefined;
  #output: Readable | undefined;
  #onChange: (() => void) | undefined;
  /** What former inputs have taken. */
  #takenBefore = 0;
  #wasConnected = false;
  #blocking = false;
  #ending = false;
  #gone = false;

  constructor({ count, clock, flow, queue, name, formats, onValue }: LinkTargetOptions) {
    this.name = name;
    this.#count = count;
    this.#meter = new LinkMeter(count, formats);
    this.#clock = clock;
    this.#isPushed = flow === 'push';
    this.#isQueued = queue !== undefined;
    this.#onValue = onValue;
    if (queue) this.#queue = new MediaQueue(queue, count, this.#wantKeyFrame);
    count.open(this);
  }

  /** Media before the reader now, in µs. */
  get heldUs(): number {
    return (this.#queue?.heldUs ?? 0) + (this.#input?.given ?? 0) * this.#meter.stepUs;
  }

  /** Values before the reader now. */
  get held(): number {
    return (this.#queue?.length ?? 0) + (this.#input?.given ?? 0);
  }

  /** Values that the reader is done with. */
  get taken(): number {
    return this.#takenBefore + (this.#input?.taken ?? 0);
  }

  /** There is a stream that reads. */
  get isConnected(): boolean {
    return this.#input !== undefined;
  }

  /** It wants no more for now. */
  get isBlocking(): boolean {
    return this.#blocking;
  }

  /** Nobody reads any more, nor will. */
  get isGone(): boolean {
    return this.#gone;
  }

  /** Nothing waits, and nothing more will come. */
  get isDone(): boolean {
    return this.#gone || (this.#ending && (this.#queue?.length ?? 0) === 0);
  }

  /** `onChange` is called when it wants no more, wants more again, or is gone, but not for what `write` says. */
  begin(onChange: () => void): void {
    this.#onChange = onChange;
  }

  /** What gives the media from now on; undefined while that is being made anew. */
  from(output: Readable | undefined): void {
    if (this.#output) this.#input?.writable.emit('unpipe', this.#output);
    this.#output = output;
    // As `pipe` does: who takes media may ask who gives it (for a key frame).
    if (output) this.#input?.writable.emit('pipe', output);
  }

  /** The stream that reads from now on, first of all what waits. */
  connect(writable: Writable): void {
    if (this.#gone) return;
    this.#input = new LinkInput(writable, this.#count, this.#drained);
    if (this.#output) writable.emit('pipe', this.#output);
    if (this.#wasConnected) this.#queue?.beginAnew();
    this.#wasConnected = true;
    this.#drained();
  }

  /** The stream that reads has failed, and another one will come. */
  disconnect(): void {
    if (this.#gone) return;
    this.#letGo('reader failed');
    this.#queue ??= new MediaQueue(REST, this.#count, this.#wantKeyFrame);
    this.#update();
  }

  /** Nobody will read any more; what still waits is lost. */
  abandon(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#letGo('reader gone');
    this.#queue?.clear();
    this.#count.close(this);
    this.#blocking = false;
    this.#onChange?.();
  }

  /** Hands a value over; false when no more is wanted for now. */
  write(value: PipelineValue): boolean {
    const count = this.#count;
    this.#onValue?.(value);
    this.#meter.take(value);
    if (this.#gone) {
      count.drop('reader gone');
      return true;
    }
    if (this.#queue) this.#enqueue(this.#queue, value);
    else if (this.#input?.takes === true) this.#input.give(value);
    else this.#withoutReader(value);
    const { held } = this;
    if (held > count.mostHeld) count.mostHeld = held;
    this.#blocking = this.#mustBlock();
    return !this.#blocking;
  }

  /** No more comes; what waits still goes out. */
  end(): void {
    this.#ending = true;
    if (this.#output) this.#input?.writable.emit('unpipe', this.#output);
    if ((this.#queue?.length ?? 0) === 0) this.#input?.end();
  }

  #enqueue(queue: MediaQueue, value: PipelineValue): void {
    const input = this.#input;
    if (input?.takes === true && !input.isFull && queue.length === 0) {
      if (!queue.lets(value)) return;
      if (this.#isQueued) this.#count.left(0);
      input.give(value);
      return;
    }
    if (!this.#isQueued && input?.takes !== true) this.#withoutReader(value);
    else this.#wait(queue, value);
  }

  /** A value for which there is no queue and no reader now. */
  #withoutReader(value: PipelineValue): void {
    if (this.#isPushed) this.#count.drop(this.#input ? 'reader failed' : 'reader restarting');
    else this.#wait((this.#queue ??= new MediaQueue(REST, this.#count, this.#wantKeyFrame)), value);
  }

  #wait(queue: MediaQueue, value: PipelineValue): void {
    try {
      queue.push(value, this.#meter.stepUs, this.#clock.nowUs());
    } catch (error) {
      this.#count.drop('queue full, newest');
      this.#input?.writable.destroy(error as Error);
    }
  }

  #letGo(reason: 'reader failed' | 'reader gone'): void {
    const input = this.#input;
    if (!input) return;
    this.#input = undefined;
    this.#takenBefore += input.taken;
    input.detach(reason);
  }

  #mustBlock(): boolean {
    if (this.#isQueued) return this.#queue?.isBlocking === true;
    if (!this.#input) return !this.#isPushed;
    return this.#input.isFull || (this.#queue?.length ?? 0) > 0;
  }

  #update(): void {
    const blocking = this.#mustBlock();
    if (blocking === this.#blocking) return;
    this.#blocking = blocking;
    this.#onChange?.();
  }

  /** Gives what waits, as much as is wanted. */
  readonly #drained = (): void => {
    const input = this.#input;
    const queue = this.#queue;
    if (!input) return;
    if (queue) {
      while (!input.isFull && queue.length > 0 && input.takes) {
        const value = queue.shift(this.#clock.nowUs());
        if (value) input.give(value);
      }
    }
    if (this.#ending && (queue?.length ?? 0) === 0) input.end();
    this.#update();
  };

  readonly #wantKeyFrame = (): void => {
    if (this.#output && isKeyFrameSource(this.#output)) this.#output.requestKeyFrame();
  };
}
