import { finished, Writable, type Readable } from 'node:stream';
import { settlesWithin, type Clock } from '../media/clock.js';
import { SluiceError } from '../media/errors.js';
import type { BuiltNode } from './build.js';

type Stream = Readable | Writable;

/** How long streams that were destroyed may take to close, in ms. */
const CLOSE_DEADLINE_MS = 2000;
/** How long a node may take to be freed, in ms. */
const FREE_DEADLINE_MS = 10_000;

/** A node from when it was made until its streams are closed and it is freed. What is made anew has another life. */
export class NodeLife {
  readonly node: BuiltNode;
  readonly #clock: Clock;
  readonly #open = new Set<Stream>();
  #onClosed: (() => void) | undefined;

  constructor(node: BuiltNode, clock: Clock) {
    this.node = node;
    this.#clock = clock;
  }

  /** All its streams have ended or were destroyed. */
  get isClosed(): boolean {
    return this.#open.size === 0;
  }

  /** Calls `onEnd` once the stream has ended, or failed, or was closed early; `writable`: its writable side counts as well. */
  watch(stream: Stream, writable: boolean, onEnd: (error: Error | undefined) => void): void {
    if (this.#open.has(stream)) return;
    this.#open.add(stream);
    if (writable && stream instanceof Writable) guardWrites(stream);
    finished(stream, { writable }, (error) => {
      this.#open.delete(stream);
      onEnd(error ?? undefined);
      if (this.#open.size === 0) this.#onClosed?.();
    });
  }

  /**
   * Destroys what is open and frees the node; settles when that is done, or some time after it should have been.
   * Errors: those of the node's `close`.
   */
  async end(error?: Error): Promise<void> {
    for (const stream of this.#open) stream.destroy(error);
    if (this.#open.size > 0) {
      const closed = new Promise<void>((resolve) => {
        this.#onClosed = resolve;
      });
      await settlesWithin(this.#clock, closed, CLOSE_DEADLINE_MS);
    }
    const freed = this.node.close();
    if (freed && !(await settlesWithin(this.#clock, freed, FREE_DEADLINE_MS)))
      throw new SluiceError('SLUICE_NODE_FAILED', `did not close within ${FREE_DEADLINE_MS} ms`);
  }
}

/** What a node throws when it is given a value is its failure, and not that of who gives. */
function guardWrites(stream: Writable): void {
  const write = stream._write.bind(stream);
  stream._write = (value, encoding, done) => {
    try {
      write(value, encoding, done);
    } catch (error) {
      stream.destroy(error as Error);
    }
  };
}
