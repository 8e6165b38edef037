import type { Clock } from '../media/clock.js';
import type { BuiltNode } from './build.js';
import { NodeLife } from './node-life.js';

/** Makes a node; `signal` is aborted when what was made is over. Errors: those of the node, with its place. */
export type BuildNode = (signal: AbortSignal, isRestart: boolean) => Promise<BuiltNode>;

/** The lives of one node, one after the other: each is made, begun, and freed before it is told that the next may come. */
export class NodeLives {
  readonly #build: BuildNode;
  readonly #clock: Clock;
  #current: NodeLife | undefined;
  #abort = new AbortController();
  #freed: Promise<void> | undefined;
  #wasMade = false;

  constructor(build: BuildNode, clock: Clock) {
    this.#build = build;
    this.#clock = clock;
  }

  /** The one that has begun and is not over. */
  get current(): NodeLife | undefined {
    return this.#current;
  }

  /** Makes the next one, which has not begun yet. Errors: those of the node. */
  async make(): Promise<NodeLife> {
    this.#abort = new AbortController();
    const node = await this.#build(this.#abort.signal, this.#wasMade);
    this.#wasMade = true;
    return new NodeLife(node, this.#clock);
  }

  begin(life: NodeLife): void {
    this.#current = life;
  }

  /** What is being made is not wanted any more. */
  abort(reason: Error | undefined): void {
    this.#abort.abort(reason);
  }

  /** Frees what has failed; what goes wrong with that follows from the failure. Never rejects. */
  free(reason: Error): Promise<void> {
    const life = this.#current;
    this.#current = undefined;
    this.#abort.abort(reason);
    return (this.#freed = life?.end(reason).catch(() => undefined) ?? Promise.resolve());
  }

  /** Ends the last one, because of `reason` where there is one. Errors: those of the node's `close`. */
  async end(reason: Error | undefined): Promise<void> {
    await this.#freed;
    const life = this.#current;
    this.#current = undefined;
    if (reason) this.#abort.abort(reason);
    try {
      await life?.end(reason);
    } finally {
      this.#abort.abort();
    }
  }
}
