import { SluiceError } from '../media/errors.js';
import { MediaBuffer } from '../media/media-buffer.js';
import type { StreamValue } from '../media/media-value.js';
import type { LinkCount } from './link-count.js';
import type { QueueConfig } from './schema.js';

/** What takes no time in media, as captions, is bounded by number. */
const MAX_VALUES = 4096;

/**
 * Media that waits on a link, bounded in ms, with what happens when it is full. Encoded pictures are dropped from one key frame to
 * the next, since those between cannot be decoded without what was dropped. Counts what it lets go of.
 */
export class LinkQueue {
  readonly #buffer: MediaBuffer<StreamValue>;
  readonly #config: QueueConfig;
  readonly #limitUs: number;
  readonly #count: LinkCount;
  readonly #wantKeyFrame: () => void;
  /** Something before the next picture is missing. */
  #broken = false;

  /** `wantKeyFrame`: the source of the link is to be asked for a picture that can be decoded on its own. */
  constructor(config: QueueConfig, count: LinkCount, wantKeyFrame: () => void) {
    this.#buffer = new MediaBuffer(Infinity, 'drop-oldest');
    this.#config = config;
    this.#limitUs = config.maxMs * 1000;
    this.#count = count;
    this.#wantKeyFrame = wantKeyFrame;
  }

  get length(): number {
    return this.#buffer.length;
  }

  get heldUs(): number {
    return this.#buffer.heldUs;
  }

  /** Who gives has to wait. */
  get isBlocking(): boolean {
    return this.#config.overflow === 'block' && this.#isFull(0);
  }

  /** Takes a value of so much media. Errors: SLUICE_QUEUE_OVERFLOW where that is what it is for. */
  push(value: StreamValue, durationUs: number, nowUs: number): void {
    if (!this.#isWhole(value) || (this.#isFull(durationUs) && !this.#makeRoom(value, durationUs))) return;
    this.#buffer.push(value, durationUs, nowUs);
  }

  /** Whether a value that does not have to wait may pass: nothing that it needs was dropped before it. */
  lets(value: StreamValue): boolean {
    return this.#isWhole(value);
  }

  /** Takes the oldest value out. */
  shift(nowUs: number): StreamValue | undefined {
    if (this.#buffer.length > 0) this.#count.left(Math.max(0, nowUs - this.#buffer.headAtUs));
    return this.#buffer.shift();
  }

  /** Drops everything: its reader has gone. */
  clear(): void {
    this.#count.drop('reader gone', this.#buffer.clear());
  }

  #isFull(durationUs: number): boolean {
    const { length, heldUs } = this.#buffer;
    return length > 0 && (heldUs + durationUs > this.#limitUs || length >= MAX_VALUES);
  }

  /** Makes room for a value, or does away with it: false. */
  #makeRoom(value: StreamValue, durationUs: number): boolean {
    const { overflow, maxMs } = this.#config;
    if (overflow === 'block') return true;
    if (overflow === 'fail') {
      throw new SluiceError('SLUICE_QUEUE_OVERFLOW', `more than ${maxMs} ms waited for a reader`, {
        found: `${Math.round((this.heldUs + durationUs) / 1000)} ms`,
        expected: `at most ${maxMs} ms`,
        mend: 'Make the reader faster, allow more (queue.maxMs), or let it drop (queue.overflow).',
      });
    }
    if (overflow === 'drop-newest') {
      this.#count.drop('queue full, newest');
      if (value.kind === 'encoded-video') this.#broken = true;
      return false;
    }
    while (this.#isFull(durationUs)) this.#dropOldest();
    return this.#isWhole(value);
  }

  /** The oldest value, and after a picture all those that cannot be decoded without it. */
  #dropOldest(): void {
    const dropped = this.#buffer.drop();
    this.#count.drop('queue full, oldest');
    if (dropped?.kind !== 'encoded-video') return;
    for (let next = this.#buffer.peek(); next; next = this.#buffer.peek()) {
      if (next.kind !== 'encoded-video' || next.type === 'key') return;
      this.#buffer.drop();
      this.#count.drop('queue full, oldest');
    }
    this.#broken = true;
  }

  /** False for a picture that cannot be decoded any more; a key frame is asked for. */
  #isWhole(value: StreamValue): boolean {
    if (!this.#broken || value.kind !== 'encoded-video') return true;
    if (value.type === 'key') {
      this.#broken = false;
      return true;
    }
    this.#count.drop('waiting for a key frame');
    this.#wantKeyFrame();
    return false;
  }
}
