import { Writable, type Readable } from 'node:stream';
import { SluiceError } from '../media/errors.js';
import type { StreamValue } from '../media/media-value.js';
import { kindOf, type ReadKind } from './driver.js';

type WriteDone = (error?: Error | null) => void;

/** The way of one kind to the engine. */
export interface Lane {
  /** Whether a writer should wait. */
  readonly full: boolean;
  /** Passes a value of the lane's kind on; calls `done` when it was. */
  write(value: StreamValue, done: () => void): void;
}

/** What a writable of a publisher writes to. */
export interface MediaTarget {
  readonly lanes: ReadonlyMap<ReadKind, Lane>;
  /** Refuses what the publisher does not take. */
  check(value: StreamValue): void;
  /** Resolves when what was written to these lanes has left. */
  drain(kinds: readonly ReadKind[]): Promise<void>;
}

/**
 * A Writable whose backpressure is media time: `write()` returns false while its lanes are full, and `drain` follows
 * when there is room. It can be closed from the other side: whoever ends it then is served, and whoever writes is told.
 */
export class MediaWritable extends Writable {
  readonly #target: MediaTarget;
  readonly #kinds: readonly ReadKind[];
  readonly #sources = pipedSources(this);
  #needDrain = false;
  #closedBy: SluiceError | undefined;
  #writes = 0;
  #taken = 0;
  #dropUntil = 0;

  constructor(target: MediaTarget, kinds: readonly ReadKind[]) {
    // Node's own limit counts chunks: it is out of the way.
    super({ objectMode: true, highWaterMark: Number.MAX_SAFE_INTEGER });
    this.#target = target;
    this.#kinds = kinds;
    // `pipe` and `pipeline` ask it before their first write.
    Object.defineProperty(this, 'writableNeedDrain', { get: () => this.#needDrain && !this.writableEnded });
  }

  // Typed as loosely as Node's own, or `pipeline` would not take it; `check` sees to what it is.
  override write(value: unknown, done?: WriteDone): boolean;
  override write(value: unknown, encoding: BufferEncoding, done?: WriteDone): boolean;
  override write(value: unknown, encoding?: BufferEncoding | WriteDone, done?: WriteDone): boolean {
    const callback = typeof encoding === 'function' ? encoding : done;
    if (this.#closedBy) return refuseWrite(this, this.#closedBy, callback);
    this.#writes++;
    const accepted = super.write(value, callback);
    if (accepted && !this.#full()) return true;
    this.#needDrain = true;
    return false;
  }

  /** Whether someone is there who will write or end: a pipe, or a writer that waits for `drain`. */
  get #attended(): boolean {
    return this.#sources.size > 0 || this.listenerCount('drain') > 0;
  }

  override _write(value: StreamValue, _encoding: BufferEncoding, done: WriteDone): void {
    if (this.#taken++ < this.#dropUntil) {
      done();
      return;
    }
    try {
      this.#target.check(value);
    } catch (error) {
      done(error as Error);
      return;
    }
    this.#target.lanes.get(kindOf(value))?.write(value, done);
  }

  override _final(done: WriteDone): void {
    this.finish().then(
      () => {
        done();
      },
      (error: unknown) => {
        done(this.#closedBy ? undefined : (error as Error));
      },
    );
  }

  /** @internal What the end of the stream waits for. */
  finish(): Promise<void> {
    return this.#closedBy ? Promise.resolve() : this.#target.drain(this.#kinds);
  }

  /** @internal The sources that are piped into it. */
  get sources(): ReadonlySet<object> {
    return this.#sources;
  }

  /** @internal Lets a writer that waits go on, where there is room. */
  roomMade(): void {
    if (!this.#needDrain || this.writableLength > 0 || this.writableEnded || this.destroyed || this.#full()) return;
    this.#needDrain = false;
    this.emit('drain');
  }

  /** @internal Drops what was written and has not been passed on. */
  dropWritten(): void {
    this.#dropUntil = this.#writes;
  }

  /**
   * @internal Takes no more. A writer that is still at it gets `reason` at its next write, one that ends ends
   * well, and where there is none the stream ends by itself.
   */
  closeBy(reason: SluiceError): void {
    if (this.#closedBy || this.destroyed) return;
    this.#closedBy = reason;
    if (!this.#attended) this.end();
    else if (this.#needDrain) process.nextTick(() => this.roomMade());
  }

  #full(): boolean {
    for (const kind of this.#kinds) if (this.#target.lanes.get(kind)?.full === true) return true;
    return this.writableLength > 0;
  }
}

/** The Readables that are piped into a Writable, kept up to date. */
export function pipedSources(writable: Writable): ReadonlySet<object> {
  const sources = new Set<object>();
  writable.on('pipe', (source: object) => sources.add(source));
  writable.on('unpipe', (source: object) => sources.delete(source));
  return sources;
}

/** Answers a write that comes too late. Without a listener nobody is told twice, and nothing is thrown at the process. */
export function refuseWrite(stream: Writable, reason: SluiceError, done: WriteDone | undefined): false {
  if (done) process.nextTick(done, reason);
  destroyQuietly(stream, reason);
  return false;
}

/** Destroys a stream, with the error where someone listens for it. */
export function destroyQuietly(stream: Readable | Writable, error?: Error): void {
  if (stream.destroyed) return;
  if (error && stream.listenerCount('error') > 0) {
    // Whoever listens may have gone when it is told.
    stream.once('error', () => undefined);
    stream.destroy(error);
  } else stream.destroy();
}
