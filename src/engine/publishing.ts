import type { CaptionsData } from '../media/captions.js';
import { SluiceError, toErrorData } from '../media/errors.js';
import { type MediaValue, durationUs } from '../media/media-value.js';
import type { OutboundStats, PublisherOpenArgs, RemoteInboundStats } from './port.js';
import { EnginePublisher, type PublisherContext } from './publisher.js';
import type { Uplink } from './uplink.js';
import { sessionLeft } from './waits.js';

/** Media that may be written before the server has taken a stream: as much as any writer may have waiting. */
const MAX_EARLY_US = 60_000_000;

/** A server whose data channel is closed is left within so long, where it is left, in ms. */
const LEAVING_MS = 1000;

/** Counted for a picture whose duration is not known. */
const PICTURE_US = 1_000_000 / 30;

/** A publisher that the server has not taken yet, and what it was told meanwhile. */
interface Opening {
  readonly tasks: ((publisher: EnginePublisher) => void)[];
  earlyUs: number;
  closed: boolean;
  /** Called when it is open, or will never be. */
  readonly onOver: (() => void)[];
}

/** What a participant sends: its publishers, from the moment they are asked for. */
export class Publishing {
  readonly #context: PublisherContext;
  readonly #publishers = new Map<number, EnginePublisher>();
  readonly #opening = new Map<number, Opening>();
  /** Of the server that the participant is at; undefined between two. */
  #uplink: Uplink | undefined;
  /** Resolves when all is published there. */
  #published: Promise<unknown> = Promise.resolve();
  /** Those who wait for a server to come or to go. */
  readonly #waiting = new Set<() => void>();
  #closed = false;

  constructor(context: PublisherContext) {
    this.#context = context;
  }

  /**
   * Publishes a stream. What is written before it resolves is sent then, from its beginning.
   * Errors: those of EnginePublisher.open, SLUICE_SESSION_CLOSED.
   */
  async open(args: PublisherOpenArgs): Promise<void> {
    const opening: Opening = { tasks: [], earlyUs: 0, closed: false, onOver: [] };
    this.#opening.set(args.publisher, opening);
    try {
      const publisher = await this.#openPublisher(args, opening);
      this.#publishers.set(args.publisher, publisher);
      for (const task of opening.tasks) task(publisher);
    } finally {
      this.#opening.delete(args.publisher);
      for (const over of opening.onOver) over();
    }
  }

  /** Publishes everything at a server; resolves when that is done. `onFailed` is called when no media gets to it. */
  async attach(uplink: Uplink, onFailed: () => void): Promise<void> {
    this.#uplink = uplink;
    const all = [...this.#publishers.values()];
    this.#published = Promise.all(all.map((publisher) => this.#publishAgain(publisher, uplink, onFailed)));
    this.#wake();
    await this.#published;
  }

  /** The server is gone: what is written waits for another one. */
  detach(): void {
    this.#uplink = undefined;
    for (const publisher of this.#publishers.values()) publisher.detach();
    this.#wake();
  }

  write(id: number, value: MediaValue): void {
    const publisher = this.#publishers.get(id);
    if (publisher) publisher.write(value);
    else this.#writeEarly(id, value);
  }

  /**
   * Resolves when the captions are on their way, at the next server where this one goes away.
   * Errors: those of DataLink.send, SLUICE_STATE_INVALID.
   */
  async writeCaptions(id: number, captions: CaptionsData): Promise<void> {
    await this.#opened(id);
    const publisher = this.#publishers.get(id);
    if (!publisher) throw new SluiceError('SLUICE_STATE_INVALID', 'the publisher is closed');
    const named = publisher.inSegment(captions);
    for (;;) {
      const uplink = this.#uplink ?? (await this.#nextUplink());
      await this.#published;
      try {
        await publisher.sendCaptions(named);
        return;
      } catch (error) {
        if (this.#publishers.get(id) !== publisher || !(await this.#hasLeft(uplink))) throw error;
      }
    }
  }

  clear(id: number, kind: 'audio' | 'video'): void {
    const publisher = this.#publishers.get(id);
    if (publisher) publisher.clear(kind);
    else this.#opening.get(id)?.tasks.push((opened) => opened.clear(kind));
  }

  mute(id: number, kind: 'audio' | 'video', muted: boolean): void {
    const publisher = this.#publishers.get(id);
    if (publisher) publisher.mute(kind, muted);
    else this.#opening.get(id)?.tasks.push((opened) => opened.mute(kind, muted));
  }

  /** The server muted a track, whoever asked it to. */
  onMuted(trackSid: string): void {
    for (const publisher of this.#publishers.values()) publisher.onMuted(trackSid);
  }

  /** Resolves when what was written before has left, or the publisher is closed. */
  async drain(id: number, kind: 'audio' | 'video'): Promise<void> {
    await this.#opened(id);
    await this.#publishers.get(id)?.drain(kind);
  }

  async close(id: number): Promise<void> {
    const opening = this.#opening.get(id);
    if (opening) opening.closed = true;
    const publisher = this.#publishers.get(id);
    this.#publishers.delete(id);
    await publisher?.close();
  }

  /** The server ended a track: the stream that it belongs to is over. */
  async onUnpublished(trackSid: string): Promise<void> {
    for (const [id, publisher] of this.#publishers) if (publisher.sends(trackSid)) await this.close(id);
  }

  stats(): OutboundStats[] {
    return [...this.#publishers.values()].flatMap((publisher) => publisher.stats());
  }

  remoteStats(): RemoteInboundStats[] {
    return [...this.#publishers.values()].flatMap((publisher) => publisher.remoteStats());
  }

  async closeAll(): Promise<void> {
    this.#closed = true;
    this.#wake();
    for (const id of [...this.#publishers.keys()]) await this.close(id);
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  async #openPublisher(args: PublisherOpenArgs, opening: Opening): Promise<EnginePublisher> {
    const publisher = await EnginePublisher.open(args, this.#context);
    try {
      await this.#publish(publisher);
      if (this.#closed) throw sessionLeft();
      if (opening.closed) throw closedEarly();
      return publisher;
    } catch (error) {
      await publisher.close();
      throw error;
    }
  }

  /** Publishes at the server that there is: when it goes away meanwhile, at the next one. */
  async #publish(publisher: EnginePublisher): Promise<void> {
    for (;;) {
      const uplink = this.#uplink ?? (await this.#nextUplink());
      try {
        await publisher.publish(uplink);
        if (uplink === this.#uplink) return;
        publisher.detach();
      } catch (error) {
        if (this.#closed || uplink === this.#uplink) throw error;
      }
    }
  }

  async #nextUplink(): Promise<Uplink> {
    while (!this.#uplink) {
      if (this.#closed) throw sessionLeft();
      await this.#change();
    }
    return this.#uplink;
  }

  /** Resolves when a server has come or gone, after so long at the latest, or when the session is left. */
  #change(timeoutMs?: number): Promise<void> {
    return new Promise<void>((resolve) => {
      const wake = (): void => {
        timer?.cancel();
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = timeoutMs === undefined ? undefined : this.#context.clock.after(timeoutMs, wake);
      this.#waiting.add(wake);
    });
  }

  async #publishAgain(publisher: EnginePublisher, uplink: Uplink, onFailed: () => void): Promise<void> {
    try {
      await publisher.publish(uplink);
      if (uplink !== this.#uplink) publisher.detach();
    } catch (error) {
      if (uplink !== this.#uplink || this.#closed) return;
      if (uplink.transportState !== 'connected') {
        onFailed();
        return;
      }
      // This server does not take it.
      this.#context.emit('publisherError', { publisher: publisher.id, error: toErrorData(error) });
      await this.close(publisher.id);
    }
  }

  async #opened(id: number): Promise<void> {
    const opening = this.#opening.get(id);
    if (opening) await new Promise<void>((resolve) => opening.onOver.push(resolve));
  }

  /** Whether the server has gone where something failed: what cannot be had there may be had at the next one. */
  async #hasLeft(uplink: Uplink): Promise<boolean> {
    if (uplink === this.#uplink && !this.#closed) await this.#change(LEAVING_MS);
    return uplink !== this.#uplink && !this.#closed;
  }

  #writeEarly(id: number, value: MediaValue): void {
    const opening = this.#opening.get(id);
    if (!opening) return;
    opening.earlyUs += durationUs(value) || PICTURE_US;
    if (opening.earlyUs <= MAX_EARLY_US) {
      opening.tasks.push((publisher) => {
        publisher.write(value);
      });
      return;
    }
    opening.closed = true;
    const error = new SluiceError('SLUICE_QUEUE_OVERFLOW', 'more was written than may wait for the server to take it');
    this.#context.emit('publisherError', { publisher: id, error: toErrorData(error) });
  }
}

function closedEarly(): SluiceError {
  return new SluiceError('SLUICE_STATE_INVALID', 'the publisher was closed before the server had taken it');
}
