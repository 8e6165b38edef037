import type { StreamValue } from '../../media/media-value.js';
import type { ReadKind, StreamDescription } from '../../session/driver.js';

type Listener = (value: StreamValue) => void;

export interface RoomStreamOptions {
  /** Somebody begins to read a kind that nobody read, or the last one stops. */
  readonly onDemand?: (kind: ReadKind, wanted: boolean) => void;
  /** A reader needs a picture that can be decoded on its own. */
  readonly onKeyFrameWanted?: () => void;
}

/** One stream of a room: what it gives goes to whoever reads it then, on the time of the room. */
export class RoomStream {
  description: StreamDescription;
  readonly #options: RoomStreamOptions;
  readonly #listeners: Readonly<Record<ReadKind, Set<Listener>>> = {
    audio: new Set(),
    video: new Set(),
    captions: new Set(),
  };
  readonly #onEnd = new Set<() => void>();

  constructor(description: StreamDescription, options: RoomStreamOptions = {}) {
    this.description = description;
    this.#options = options;
  }

  get streamId(): string {
    return this.description.streamId;
  }

  /** Reads one kind from now on; returns what ends that. */
  listen(kind: ReadKind, listener: Listener): () => void {
    const listeners = this.#listeners[kind];
    listeners.add(listener);
    if (listeners.size === 1) this.#options.onDemand?.(kind, true);
    return () => {
      if (listeners.delete(listener) && listeners.size === 0) this.#options.onDemand?.(kind, false);
    };
  }

  /** Tells once when nothing more will come; returns what takes that back. */
  whenEnded(tell: () => void): () => void {
    this.#onEnd.add(tell);
    return () => this.#onEnd.delete(tell);
  }

  requestKeyFrame(): void {
    this.#options.onKeyFrameWanted?.();
  }

  give(kind: ReadKind, value: StreamValue): void {
    for (const listener of this.#listeners[kind]) listener(value);
  }

  end(): void {
    for (const tell of [...this.#onEnd]) tell();
    this.#onEnd.clear();
  }
}
