import { z } from 'zod';
import { SluiceError } from './errors.js';
import { MediaBuffer } from './media-buffer.js';
import type { PipelineValue } from './media-value.js';

/** What a queue does that is full. */
const OVERFLOW = ['drop-oldest', 'drop-newest', 'block', 'fail'] as const;

/** Options of a queue. */
export const queueShape = {
  maxMs: z.number().min(1).max(600_000).default(500).describe('How much media may wait, in ms.'),
  overflow: z
    .enum(OVERFLOW)
    .default('drop-oldest')
    .describe(
      'What happens when it is full: `drop-oldest`, `drop-newest`, `block` (who gives is held back) or `fail`.',
    ),
};

export interface QueueLimits {
  readonly maxMs: number;
  readonly overflow: (typeof OVERFLOW)[number];
}

/** Why a queue let go of a value. */
export type QueueDropReason = 'reader gone' | 'queue full, oldest' | 'queue full, newest' | 'waiting for a key frame';

/** Where a queue tells what became of its values. */
export interface QueueAccount {
  drop(reason: QueueDropReason, values?: number): void;
  /** A value was taken out that had waited for so long, in µs. */
  left(waitUs: number): void;
}

/** What takes no time in media, as captions, is bounded by number. */
const MAX_VALUES = 4096;

/**
 * Media that waits, bounded in ms, with what happens when it is full. Encoded pictures are dropped from one key frame to
 * the next, since those between cannot be decoded without what was dropped. Tells what it lets go of. No events: its owner decides
 * when to push and when to shift.
 */
export class MediaQueue {
  readonly #buffer: MediaBuffer<PipelineValue>;
  readonly #limits: QueueLimits;
  readonly #limitUs: number;
  readonly #account: QueueAccount;
  readonly #wantKeyFrame: () => void;
  /** Something before the next picture is missing. */
  #broken = false;

  /** `wantKeyFrame`: the source is to be asked for a picture that can be decoded on its own. */
  constructor(limits: QueueLimits, account: QueueAccount, wantKeyFrame: () => void) {
    this.#buffer = new MediaBuffer(Infinity, 'drop-oldest');
    this.#limits = limits;
    this.#limitUs = limits.maxMs * 1000;
    this.#account = account;
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
    return this.#limits.overflow === 'block' && this.#isFull(0);
  }

  /** Takes a value of so much media. Errors: SLUICE_QUEUE_OVERFLOW where that is what it is for. */
  push(value: PipelineValue, durationUs: number, nowUs: number): void {
    if (!this.#isWhole(value) || (this.#isFull(durationUs) && !this.#makeRoom(value, durationUs))) return;
    this.#buffer.push(value, durationUs, nowUs);
  }

  /** Whether a value that does not have to wait may pass: nothing that it needs was dropped before it. */
  lets(value: PipelineValue): boolean {
    return this.#isWhole(value);
  }

  /** Takes the oldest value out. */
  shift(nowUs: number): PipelineValue | undefined {
    if (this.#buffer.length > 0) this.#account.left(Math.max(0, nowUs - this.#buffer.headAtUs));
    return this.#buffer.shift();
  }

  /** Its reader knows nothing of what came before: pictures that cannot be decoded without that are dropped. */
  beginAnew(): void {
    for (let next = this.#buffer.peek(); next; next = this.#buffer.peek()) {
      if (next.kind !== 'encoded-video' || next.type === 'key') return;
      this.#buffer.drop();
      this.#account.drop('waiting for a key frame');
    }
    this.#broken = true;
  }

  /** Drops everything: its reader has gone. */
  clear(): void {
    this.#account.drop('reader gone', this.#buffer.clear());
  }

  #isFull(durationUs: number): boolean {
    const { length, heldUs } = this.#buffer;
    return length > 0 && (heldUs + durationUs > this.#limitUs || length >= MAX_VALUES);
  }

  /** Makes room for a value, or does away with it: false. */
  #makeRoom(value: PipelineValue, durationUs: number): boolean {
    const { overflow, maxMs } = this.#limits;
    if (overflow === 'block') return true;
    if (overflow === 'fail') {
      throw new SluiceError('SLUICE_QUEUE_OVERFLOW', `more than ${maxMs} ms waited for a reader`, {
        found: `${Math.round((this.heldUs + durationUs) / 1000)} ms`,
        expected: `at most ${maxMs} ms`,
        mend: 'Make the reader faster, allow more (queue.maxMs), or let it drop (queue.overflow).',
      });
    }
    if (overflow === 'drop-newest') {
      this.#account.drop('queue full, newest');
      if (value.kind === 'encoded-video') this.#broken = true;
      return false;
    }
    while (this.#isFull(durationUs)) this.#dropOldest();
    return this.#isWhole(value);
  }

  /** The oldest value, and after a picture all those that cannot be decoded without it. */
  #dropOldest(): void {
    const dropped = this.#buffer.drop();
    this.#account.drop('queue full, oldest');
    if (dropped?.kind !== 'encoded-video') return;
    for (let next = this.#buffer.peek(); next; next = this.#buffer.peek()) {
      if (next.kind !== 'encoded-video' || next.type === 'key') return;
      this.#buffer.drop();
      this.#account.drop('queue full, oldest');
    }
    this.#broken = true;
  }

  /** False for a picture that cannot be decoded any more; a key frame is asked for. */
  #isWhole(value: PipelineValue): boolean {
    if (!this.#broken || value.kind !== 'encoded-video') return true;
    if (value.type === 'key') {
      this.#broken = false;
      return true;
    }
    this.#account.drop('waiting for a key frame');
    this.#wantKeyFrame();
    return false;
  }
}
