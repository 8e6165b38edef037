import type { ServerLink } from './server-link.js';
import { sessionLeft } from './waits.js';

/** The way by which data of the server comes: open at whichever server the participant is, once it was asked for. */
export class DataIntake {
  readonly #onError: (error: unknown) => void;
  /** To the server that the participant is at; undefined between two. */
  #link: Pick<ServerLink, 'openData'> | undefined;
  readonly #waiting = new Set<() => void>();
  #wanted = false;
  #closed = false;

  /** `onError`: nothing comes from a server that was gone to later. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** There is a server. Resolves when its data gets through, or will not; at once where nobody has asked for any. */
  async attach(link: Pick<ServerLink, 'openData'>): Promise<void> {
    this.#link = link;
    this.#wake();
    if (!this.#wanted) return;
    try {
      await link.openData();
    } catch (error) {
      if (link === this.#link && !this.#closed) this.#onError(error);
    }
  }

  /** The server is gone. */
  detach(): void {
    this.#link = undefined;
  }

  /** Resolves when data gets through. Errors: those of ServerLink.openData. */
  async open(): Promise<void> {
    this.#wanted = true;
    for (;;) {
      if (this.#closed) throw sessionLeft();
      const link = this.#link;
      if (!link) {
        await new Promise<void>((resolve) => this.#waiting.add(resolve));
        continue;
      }
      try {
        await link.openData();
        return;
      } catch (error) {
        // What failed at a server that was left is tried at the next one.
        if (link === this.#link) throw error;
      }
    }
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
