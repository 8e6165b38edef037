import { Duplex } from 'node:stream';
import type { Clock } from './clock.js';
import { ANY_MEDIA } from './format.js';
import { keyFrameRequester } from './key-frame-source.js';
import { MediaQueue, type QueueDropReason, type QueueLimits } from './media-queue.js';
import type { StreamValue } from './media-value.js';
import type { PortDef } from './node.js';
import { StepMeter } from './step-meter.js';

type Done = (error?: Error | null) => void;

/** What a node takes that keeps media in queues. */
export function queueInput({ maxMs, overflow }: QueueLimits): PortDef<'in'> {
  return {
    name: 'in',
    formats: [...ANY_MEDIA, { kind: 'captions' }],
    flow: 'push',
    bufferMs: overflow === 'block' ? maxMs : Infinity,
  };
}

export interface QueueStreamOptions {
  readonly limits: QueueLimits;
  readonly clock: Clock;
  readonly dropped: (reason: QueueDropReason, values: number) => void;
  /** Asks the source for a key frame. Default: whoever is piped in. */
  readonly requestKeyFrame?: () => void;
}

/**
 * A queue as a stream: takes media at once, as its overflow policy says, and gives it as it is read. What waits at the end
 * still goes out. Errors: SLUICE_QUEUE_OVERFLOW.
 */
export class QueueStream extends Duplex {
  /** Asks whoever gives encoded pictures for one that can be decoded on its own. */
  readonly requestKeyFrame: () => void;
  readonly #queue: MediaQueue;
  readonly #clock: Clock;
  readonly #step = new StepMeter();
  #hungry = false;
  #ending = false;
  #waiting: Done | undefined;

  constructor({ limits, clock, dropped, requestKeyFrame }: QueueStreamOptions) {
    super({ objectMode: true, readableHighWaterMark: 1, writableHighWaterMark: 2 });
    this.requestKeyFrame = requestKeyFrame ?? keyFrameRequester(this);
    this.#clock = clock;
    const account = {
      drop: (reason: QueueDropReason, values = 1) => {
        if (values > 0) dropped(reason, values);
      },
      left: () => undefined,
    };
    this.#queue = new MediaQueue(limits, account, this.requestKeyFrame);
  }

  override _write(value: StreamValue, _encoding: BufferEncoding, done: Done): void {
    this.#step.measure(value);
    if (this.#hungry && this.#queue.length === 0) {
      if (this.#queue.lets(value)) this.#hungry = this.push(value);
      done();
      return;
    }
    try {
      this.#queue.push(value, this.#step.stepUs, this.#clock.nowUs());
    } catch (error) {
      done(error as Error);
      return;
    }
    if (this.#queue.isBlocking) this.#waiting = done;
    else done();
  }

  override _final(done: Done): void {
    this.#ending = true;
    this.#give();
    done();
  }

  override _read(): void {
    this.#hungry = true;
    this.#give();
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#queue.clear();
    done(error);
  }

  #give(): void {
    while (this.#hungry) {
      const value = this.#queue.shift(this.#clock.nowUs());
      if (!value) break;
      this.#hungry = this.push(value);
    }
    if (this.#waiting && !this.#queue.isBlocking) this.#release();
    if (this.#ending && this.#queue.length === 0) this.push(null);
  }

  #release(): void {
    const done = this.#waiting;
    this.#waiting = undefined;
    done?.();
  }
}
