import type { Readable } from 'node:stream';
import type { PipelineValue } from '../media/media-value.js';
import type { LinkTarget } from './link-target.js';
import type { RestartTimeline } from './restart-timeline.js';

/**
 * Carries what one output gives to all that read it: each value is shared, never copied, and the slowest
 * reader without a queue holds the output back. Ends its readers when the output ends. The stream that gives may be replaced by
 * another: the readers get a gap. Errors are the business of whoever watches the streams.
 */
export class Pump {
  readonly targets: readonly LinkTarget[];
  readonly #onUnread: () => void;
  #output: Readable | undefined;
  #timeline: RestartTimeline | undefined;
  /** Values still to carry once the pump is stopping; undefined while it is not. */
  #remaining: number | undefined;
  #over = false;

  /** `onUnread` is called when nobody reads any more, though more could come. */
  constructor(targets: readonly LinkTarget[], onUnread: () => void) {
    this.targets = targets;
    this.#onUnread = onUnread;
    for (const target of targets) target.begin(this.#changed);
  }

  /** Nothing will be carried any more. */
  get isOver(): boolean {
    return this.#over;
  }

  /** Nobody reads any more, nor will. */
  get isUnread(): boolean {
    return this.targets.every((target) => target.isGone);
  }

  /** Carries what `output` gives, from now on; at its place in `timeline` where there is one. */
  connect(output: Readable, timeline?: RestartTimeline): void {
    this.#output = output;
    this.#timeline = timeline;
    for (const target of this.targets) target.from(output);
    if (this.#isBlocked()) output.pause();
    output.once('end', this.#finish);
    output.on('data', this.#carry);
  }

  /** The output has failed, and another one will come; gives the number of values that it had ready, which are lost. */
  disconnect(): number {
    const output = this.#output;
    if (!output || this.#over) return 0;
    this.#output = undefined;
    output.off('data', this.#carry).off('end', this.#finish);
    for (const target of this.targets) target.from(undefined);
    return output.readableLength;
  }

  /** Takes no more than what the output has ready, ends the readers and destroys the output. */
  stop(): void {
    if (this.#over || this.#remaining !== undefined) return;
    this.#remaining = this.#output?.readableLength ?? 0;
    if (this.#remaining === 0) this.#finish();
  }

  /** No more comes; what waits for the readers still goes out. */
  finish(): void {
    this.#finish();
  }

  /** Drops the oldest of what the output holds beyond `most` values, as one does that gives without being asked; how many. */
  relieve(most: number): number {
    const output = this.#output;
    if (!output || this.#over || output.readableLength <= most) return 0;
    output.off('data', this.#carry);
    let dropped = 0;
    for (; output.readableLength > most; dropped++) if (output.read() === null) break;
    output.on('data', this.#carry);
    return dropped;
  }

  readonly #carry = (given: PipelineValue): void => {
    const value = this.#timeline ? this.#timeline.place(given) : given;
    let isBlocked = false;
    for (const target of this.targets) if (!target.write(value)) isBlocked = true;
    if (this.#remaining !== undefined && --this.#remaining <= 0) this.#finish();
    else if (isBlocked) this.#output?.pause();
  };

  readonly #changed = (): void => {
    if (this.#over) return;
    if (this.isUnread) this.#onUnread();
    else if (this.#isBlocked()) this.#output?.pause();
    else this.#output?.resume();
  };

  readonly #finish = (): void => {
    if (this.#over) return;
    this.#over = true;
    const output = this.#output;
    output?.off('data', this.#carry).off('end', this.#finish);
    for (const target of this.targets) target.end();
    if (this.#remaining !== undefined) output?.destroy();
  };

  #isBlocked(): boolean {
    return this.targets.some((target) => target.isBlocking);
  }
}
