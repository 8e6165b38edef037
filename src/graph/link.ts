import type { Readable } from 'node:stream';
import type { PipelineValue } from '../media/media-value.js';
import type { LinkTarget } from './link-target.js';

/**
 * Carries what one output gives to all that read it: each value is shared, never copied, and the slowest
 * reader without a queue holds the output back. Ends its readers when the output ends; errors are the business of whoever
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
    for (const target of this.#targets) target.begin(this.#output, this.#unblock);
    this.#output.once('end', this.#finish);
    this.#output.on('data', this.#carry);
  }

  /** Takes no more than what the output has ready, ends the readers and destroys the output. */
  stop(): void {
    if (this.#over || this.#remaining !== undefined) return;
    this.#remaining = this.#output.readableLength;
    if (this.#remaining === 0) this.#finish();
  }

  readonly #carry = (value: PipelineValue): void => {
    for (const target of this.#targets) {
      const wasBlocking = target.isBlocking;
      if (!target.write(value) && !wasBlocking) this.#blocked++;
    }
    if (this.#remaining !== undefined && --this.#remaining <= 0) this.#finish();
    else if (this.#blocked > 0) this.#output.pause();
  };

  readonly #unblock = (): void => {
    if (--this.#blocked === 0 && !this.#over) this.#output.resume();
  };

  readonly #finish = (): void => {
    if (this.#over) return;
    this.#over = true;
    this.#output.off('data', this.#carry);
    for (const target of this.#targets) target.end();
    if (this.#remaining !== undefined) this.#output.destroy();
  };
}
