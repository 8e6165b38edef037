import { SluiceError } from '../media/errors.js';
import type { MediaValue } from '../media/media-value.js';
import type { HostedJob, JobListener } from './codec-pool.js';

/** A flush waits for its own answer: the one that comes after those of `before` earlier steps. */
interface Flush {
  before: number;
  resolve(): void;
  reject(error: SluiceError): void;
}

/** Keeps count of what one codec in a thread was given, and hands on what comes of it. */
export class CodecListener<T extends MediaValue> implements JobListener {
  pending = 0;
  /** Time spent on what was answered, in µs. */
  busyUs = 0;
  /** The thread broke: nothing will be answered any more. */
  isLost = false;
  onValue: ((value: T) => void) | undefined;
  onError: ((error: SluiceError) => void) | undefined;
  onAnswer: (() => void) | undefined;
  readonly #kind: T['kind'];
  readonly #flushes: Flush[] = [];

  constructor(kind: T['kind']) {
    this.#kind = kind;
  }

  done(values: readonly MediaValue[], _isEnd: boolean, error: SluiceError | undefined, tookUs: number): void {
    this.busyUs += tookUs;
    const flush = this.#nextFlush();
    if (!flush) this.pending--;
    for (const value of values) if (this.#isOwn(value)) this.onValue?.(value);
    if (error) this.onError?.(error);
    if (!flush) this.onAnswer?.();
    flush?.resolve();
  }

  lost(error: SluiceError): void {
    this.pending = 0;
    this.isLost = true;
    for (const flush of this.#flushes.splice(0)) flush.reject(error);
    this.onError?.(error);
  }

  flush(job: HostedJob): Promise<void> {
    return new Promise((resolve, reject) => {
      job.work({ do: 'flush' });
      const earlier = this.#flushes.reduce((sum, flush) => sum + flush.before, 0);
      this.#flushes.push({ before: this.pending - earlier, resolve, reject });
    });
  }

  close(job: HostedJob): Promise<void> {
    this.pending = 0;
    const error = new SluiceError('SLUICE_STATE_INVALID', 'the codec was closed before it was flushed');
    for (const flush of this.#flushes.splice(0)) flush.reject(error);
    return job.close();
  }

  /** The flush that this answer is for; undefined when it answers a step before it. */
  #nextFlush(): Flush | undefined {
    const first = this.#flushes[0];
    if (!first) return undefined;
    if (first.before === 0) return this.#flushes.shift();
    first.before--;
    return undefined;
  }

  #isOwn(value: MediaValue): value is T {
    return value.kind === this.#kind;
  }
}
