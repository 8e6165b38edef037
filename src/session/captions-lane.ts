import type { CaptionsData } from '../media/captions.js';

/** Texts that may be on their way at once; whoever writes more waits. */
const MAX_IN_FLIGHT = 16;

export interface CaptionsSink {
  /** Resolves when the captions are on their way. */
  write(captions: CaptionsData): Promise<void>;
  /** There is room again. */
  roomMade(): void;
  failed(error: Error): void;
}

/** Captions on their way to the engine, some at a time. Beside the media: neither waits for the other. */
export class CaptionsLane {
  readonly #sink: CaptionsSink;
  #inFlight = 0;
  readonly #waiting: (() => void)[] = [];
  #drained: (() => void)[] = [];
  #closed = false;

  constructor(sink: CaptionsSink) {
    this.#sink = sink;
  }

  /** Whether a writer should wait. */
  get full(): boolean {
    return !this.#closed && this.#inFlight >= MAX_IN_FLIGHT;
  }

  /** Passes a text on; calls `done` when it was. After `close` it is dropped. */
  write(captions: CaptionsData, done: () => void): void {
    if (this.full) {
      this.#waiting.push(() => {
        this.write(captions, done);
      });
      return;
    }
    if (!this.#closed) void this.#send(captions);
    done();
  }

  /** Resolves when all that was passed on is on its way. */
  async drained(): Promise<void> {
    if (this.#inFlight > 0) await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  /** Drops what waits and all that comes. */
  close(): void {
    this.#closed = true;
    for (const next of this.#waiting.splice(0)) next();
  }

  async #send(captions: CaptionsData): Promise<void> {
    this.#inFlight++;
    try {
      await this.#sink.write(captions);
    } catch (error) {
      if (!this.#closed) this.#sink.failed(error as Error);
    } finally {
      this.#inFlight--;
      this.#goOn();
    }
  }

  #goOn(): void {
    this.#waiting.shift()?.();
    if (this.#inFlight === 0) for (const resolve of this.#drained.splice(0)) resolve();
    if (!this.full) this.#sink.roomMade();
  }
}
