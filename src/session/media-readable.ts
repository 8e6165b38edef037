import { Readable } from 'node:stream';
import type { VideoPreference } from '../engine/port.js';
import { SluiceError } from '../media/errors.js';
import type { StreamValue } from '../media/media-value.js';
import { kindOf, type DriverReader, type ReadKind, type ReaderEvent } from './driver.js';
import { destroyQuietly } from './media-writable.js';

/** Values that may be on their way or wait in a Readable at a time. */
const WINDOWS: Readonly<Record<ReadKind, number>> = { audio: 5, video: 2, captions: 8 };
/** Fewer are not asked for: each time wakes the media thread. */
const MIN_CREDIT: Readonly<Record<ReadKind, number>> = { audio: 3, video: 1, captions: 1 };

/** Counts of values of one kind. received = delivered + dropped + held. */
export interface ReaderCounts {
  readonly received: number;
  /** Read by the application. */
  readonly delivered: number;
  /** Given up because the reader lagged behind. */
  readonly dropped: number;
  /** Media time of those, in ms. */
  readonly droppedMs: number;
  /** Wait in the Readable. What waits in the engine has not been received. */
  readonly held: number;
}

/** What one kind has been given and owes. */
class KindFlow {
  outstanding = 0;
  held = 0;
  delivered = 0;
  dropped = 0;
  droppedUs = 0;
  owner: MediaReadable | undefined;

  giveUpHeld(): void {
    this.dropped += this.held;
    this.held = 0;
  }

  get counts(): ReaderCounts {
    const { delivered, dropped, held } = this;
    return { received: delivered + dropped + held, delivered, dropped, droppedMs: this.droppedUs / 1000, held };
  }
}

/** Brings what one reader of the driver gives to the Readables that were read first. */
export class ReaderHub {
  readonly #open: (() => Promise<DriverReader>) | undefined;
  readonly #flows: ReadonlyMap<ReadKind, KindFlow>;
  readonly #readables: MediaReadable[] = [];
  #reader: DriverReader | undefined;
  #opening = false;
  #over = false;
  #closed = false;
  /** Called with values that were dropped. */
  onOverflow: ((kind: ReadKind, values: number, durationMs: number) => void) | undefined;
  /** Called once when nothing more will come. */
  onOver: (() => void) | undefined;

  /** Without a reader at the first read, it is got by `open`. */
  constructor(kinds: readonly ReadKind[], open?: () => Promise<DriverReader>) {
    this.#flows = new Map(kinds.map((kind) => [kind, new KindFlow()]));
    this.#open = open;
  }

  counts(kind: ReadKind): ReaderCounts | undefined {
    return this.#flows.get(kind)?.counts;
  }

  attach(reader: DriverReader): void {
    this.#reader = reader;
    if (this.#closed) reader.close();
    else for (const [kind, flow] of this.#flows) if (flow.outstanding > 0) reader.credit(kind, flow.outstanding);
  }

  add(readable: MediaReadable): void {
    this.#readables.push(readable);
    if (this.#over) readable.push(null);
  }

  /** A Readable was destroyed: what it held is lost. */
  lose(readable: MediaReadable): void {
    for (const flow of this.#flows.values()) if (flow.owner === readable) flow.giveUpHeld();
  }

  /** Whether a kind is read at all. */
  has(kind: ReadKind): boolean {
    return this.#flows.has(kind);
  }

  /** Makes `readable` the one that gets a kind; false when another already does, or it is not read at all. */
  claim(kind: ReadKind, readable: MediaReadable): boolean {
    const flow = this.#flows.get(kind);
    if (!flow) return false;
    flow.owner ??= readable;
    if (this.#open && !this.#reader && !this.#opening) {
      this.#opening = true;
      this.#open().then(
        (reader) => this.attach(reader),
        (error: unknown) => this.fail(error as Error),
      );
    }
    return flow.owner === readable;
  }

  /** Asks for as many values as have room. */
  topUp(kind: ReadKind): void {
    const flow = this.#flows.get(kind);
    if (!flow || this.#over) return;
    const values = WINDOWS[kind] - flow.outstanding - flow.held;
    if (values < MIN_CREDIT[kind]) return;
    flow.outstanding += values;
    this.#reader?.credit(kind, values);
  }

  /** A value that waited in a Readable was read. */
  taken(kind: ReadKind): void {
    const flow = this.#flows.get(kind);
    if (!flow) return;
    flow.held--;
    flow.delivered++;
    this.topUp(kind);
  }

  handle(event: ReaderEvent): void {
    switch (event.type) {
      case 'media':
        this.#deliver(event.value);
        break;
      case 'overflow':
        this.#countOverflow(event.kind, event.values, event.durationUs);
        break;
      case 'ended':
        this.end();
        break;
      case 'error':
        this.fail(event.error);
        break;
    }
  }

  requestKeyFrame(): void {
    this.#reader?.requestKeyFrame();
  }

  prefer(preference: VideoPreference): void {
    this.#reader?.prefer(preference);
  }

  /** Nothing more will come: what waits can still be read. */
  end(): void {
    if (!this.#finish()) return;
    for (const readable of this.#readables) if (!readable.destroyed) readable.push(null);
    this.onOver?.();
  }

  /** Destroys the Readables; the error is told by those that are read, or else by the first. */
  fail(error: Error, quietly = false): void {
    if (!this.#finish()) return;
    const read = this.#readables.filter((readable) => readable.started);
    const tellers = read.length > 0 ? read : this.#readables.slice(0, 1);
    for (const readable of this.#readables) {
      if (!quietly && tellers.includes(readable)) readable.destroy(error);
      else destroyQuietly(readable, error);
    }
    this.onOver?.();
  }

  /** Stops reading. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reader?.close();
    this.end();
  }

  /** Whether this was the first time. */
  #finish(): boolean {
    if (this.#over) return false;
    this.#over = true;
    return true;
  }

  #deliver(value: StreamValue): void {
    const flow = this.#flows.get(kindOf(value));
    const owner = flow?.owner;
    if (!flow || !owner) return;
    flow.outstanding--;
    if (owner.destroyed || this.#over) {
      flow.dropped++;
      return;
    }
    // A Readable that flows and is empty hands the value on at once, without holding it.
    const before = owner.readableLength;
    flow.held++;
    try {
      owner.push(value);
    } finally {
      // Also where the application throws: it has had the value, and more are to come.
      if (owner.readableLength <= before && flow.held > 0) {
        flow.held--;
        flow.delivered++;
      }
      this.topUp(kindOf(value));
    }
  }

  #countOverflow(kind: ReadKind, values: number, durationUs: number): void {
    const flow = this.#flows.get(kind);
    if (!flow) return;
    flow.dropped += values;
    flow.droppedUs += durationUs;
    this.onOverflow?.(kind, values, durationUs / 1000);
  }
}

/** Received media of one or more kinds. Nothing is decoded or held for it before its first read. */
export class MediaReadable extends Readable {
  readonly #hub: ReaderHub;
  readonly #kinds: readonly ReadKind[];
  readonly #released: () => void;
  #started = false;

  /** `released` is called when it was destroyed, also after its end; by default it closes the hub. */
  constructor(hub: ReaderHub, kinds: readonly ReadKind[], released = (): void => hub.close()) {
    super({ objectMode: true, highWaterMark: kinds.reduce((sum, kind) => sum + WINDOWS[kind], 0) });
    this.#hub = hub;
    this.#kinds = kinds;
    this.#released = released;
    hub.add(this);
  }

  /** @internal Whether it has ever been read. */
  get started(): boolean {
    return this.#started;
  }

  /** Asks the sender of encoded video for a frame that can be decoded on its own. */
  requestKeyFrame(): void {
    this.#hub.requestKeyFrame();
  }

  /** Gives a StreamValue or null. Typed as loosely as Node's own, or `pipeline` would not take it. */
  override read(size?: number): ReturnType<Readable['read']> {
    const value = super.read(size) as StreamValue | null;
    if (value !== null) this.#hub.taken(kindOf(value));
    return value;
  }

  override _read(): void {
    if (!this.#started) this.#start();
    for (const kind of this.#kinds) this.#hub.topUp(kind);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#hub.lose(this);
    this.#released();
    done(error);
  }

  #start(): void {
    this.#started = true;
    const claimed = this.#kinds.filter((kind) => this.#hub.claim(kind, this));
    if (claimed.length > 0 || this.readableEnded) return;
    const kinds = this.#kinds.join(' and ');
    this.destroy(
      new SluiceError('SLUICE_STATE_INVALID', `the ${kinds} of this subscriber is already being read elsewhere`, {
        mend: 'Read either the subscriber or its parts, or subscribe once more.',
      }),
    );
  }
}
