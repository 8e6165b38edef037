import type { QueueAccount, QueueDropReason } from '../media/media-queue.js';

/** Why a link let go of a value. */
export type DropReason = QueueDropReason | 'reader failed' | 'reader restarting';

/** One reader of a link. */
export interface LinkReader {
  /** What waits for it now: values, and media in µs. */
  readonly held: number;
  readonly heldUs: number;
}

/** Formats of one link that are told; a sender that changes for ever is no reason to keep a list without an end. */
const FORMATS_KEPT = 16;

/** What passed over one link of the plan, in all branches together. `chunks = taken + dropped + held` at all times. */
export class LinkCount implements QueueAccount {
  /** Values that came in, and how much media that was. */
  chunks = 0;
  mediaUs = 0;
  /** Values that the reader has taken and is done with. */
  taken = 0;
  dropped = 0;
  readonly drops = new Map<DropReason, number>();
  /** The most that waited at once before one reader, in values. */
  mostHeld = 0;
  /** How long values waited in queues, in µs: of those that left one, in all and at most. */
  queued = 0;
  queuedUs = 0;
  longestUs = 0;
  /** What the values looked like, oldest first; and how often that changed. */
  readonly formats: string[] = [];
  formatChanges = 0;
  readonly #readers = new Set<LinkReader>();

  open(reader: LinkReader): void {
    this.#readers.add(reader);
  }

  close(reader: LinkReader): void {
    this.#readers.delete(reader);
  }

  /** Values that wait now. */
  get held(): number {
    return this.chunks - this.taken - this.dropped;
  }

  /** Media that waits for its readers now, in ms. */
  get heldMs(): number {
    let held = 0;
    for (const reader of this.#readers) held += reader.heldUs / 1000;
    return held;
  }

  drop(reason: DropReason, values = 1): void {
    if (values === 0) return;
    this.dropped += values;
    this.drops.set(reason, (this.drops.get(reason) ?? 0) + values);
  }

  left(waitUs: number): void {
    this.queued++;
    this.queuedUs += waitUs;
    if (waitUs > this.longestUs) this.longestUs = waitUs;
  }

  sawFormat(description: string, changed: boolean): void {
    if (changed) this.formatChanges++;
    if (this.formats.includes(description)) return;
    if (this.formats.length === FORMATS_KEPT) this.formats.shift();
    this.formats.push(description);
  }
}
