import { Duplex } from 'node:stream';
import type { SessionStats } from '../engine/port.js';
import { SluiceError } from '../media/errors.js';
import type { MediaValue } from '../media/media-value.js';
import type { SessionAccess, StreamInfo } from '../media/session-access.js';
import { Attributes } from './attributes.js';
import type { Connection, DriverSession, SessionEvent, StreamDescription } from './driver.js';
import type { MediaReadable, ReaderHub } from './media-readable.js';
import { pipedSources, refuseWrite } from './media-writable.js';
import { openPublisher, type Publisher } from './publisher.js';
import type { SessionEvents, Stream } from './session-events.js';
import type { SessionLog } from './session-log.js';
import {
  parseSettings,
  PublisherSettings,
  SessionAudioMixSettings,
  SessionSettings,
  SubscriberSettings,
  type ResolvedSessionSettings,
} from './settings.js';
import { openMix, openSubscriber, type MixOptions, type Subscriber } from './subscriber.js';
import type { Emit, Listen } from './typed-events.js';

type WriteDone = (error?: Error | null) => void;

export interface OpenSessionOptions {
  readonly url: string;
  /** Addresses where the session can be had as well: where it is joined when the first one fails, and with migration goes to. */
  readonly fallbackUrls?: readonly string[];
  readonly token: string;
  readonly sessionId?: string;
  readonly settings?: SessionSettings;
  /** Leaves the session when it is aborted. */
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** Called once when the session has been left. */
  readonly onLeft?: () => void | Promise<void>;
}

/**
 * A session that this process takes part in. Reading gives the mix of all audio in the format of
 * `settings.av.audioSubscribersMix`; writing goes to its publisher. It keeps the process alive until it is left, or
 * `unref()` was called. Made by `connect()`.
 *
 * Where its connection breaks it is mended, if need be by joining the server again; with `settings.enableMigration` it also goes to
 * another server when its own shuts down or is lost. Everything that is open stays open then, and the ids that were told stay what they
 * are, its own included. Between `migrating` and `migrated` readers get silence, or no pictures, and what is written waits. A stream
 * that is not back after ten seconds is told as dropped, and ends; one that is back is not told at all.
 *
 * Errors: SLUICE_SESSION_LOST as `error` event when it ends without being asked to; SLUICE_SESSION_CLOSED for calls
 * after it was left; SLUICE_STATE_INVALID for writing without a publisher.
 */
export class Session extends Duplex implements SessionAccess {
  declare readonly on: Listen<SessionEvents, this>;
  declare readonly once: Listen<SessionEvents, this>;
  declare readonly off: Listen<SessionEvents, this>;
  declare readonly emit: Emit<SessionEvents>;

  readonly sessionId: string;
  readonly settings: ResolvedSessionSettings;
  /** @internal */
  log: SessionLog | undefined;
  readonly #link: DriverSession;
  readonly #streams = new Map<string, Stream>();
  readonly #publishers = new Set<Publisher>();
  readonly #subscribers = new Set<Subscriber>();
  readonly #mixes = new Set<ReaderHub>();
  readonly #options: OpenSessionOptions;
  readonly #onAbort = (): void => void this.disconnect();
  #connection: Connection;
  #speaker: Stream | undefined;
  #ownMix: MediaReadable | undefined;
  /** The publisher that writes to the session went to. */
  #written: Publisher | undefined;
  #leaving = false;
  #tellLeft!: () => void;
  readonly #left = new Promise<void>((resolve) => {
    this.#tellLeft = resolve;
  });
  readonly #sources = pipedSources(this);

  /** @internal Made by `openSession`. */
  constructor(link: DriverSession, settings: ResolvedSessionSettings, options: OpenSessionOptions) {
    super({ objectMode: true, readableHighWaterMark: 1 });
    this.#link = link;
    this.#options = options;
    this.settings = settings;
    this.sessionId = link.sessionId;
    this.#connection = link.connection;
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** This participant. */
  get connection(): Connection {
    return this.#connection;
  }

  /** Streams of the other participants that are there now, by their ids. */
  get streams(): ReadonlyMap<string, Stream> {
    return this.#streams;
  }

  /** The stream whose participant speaks loudest now, if any. */
  get currentSpeaker(): Stream | undefined {
    return this.#speaker;
  }

  /**
   * Publishes a stream. Several may be published; writing to the session goes to the first of them that is open.
   * Errors: SLUICE_CONFIG_INVALID, SLUICE_PERMISSION_DENIED, SLUICE_PUBLISH_FAILED, SLUICE_SESSION_CLOSED.
   */
  async publish(settings: PublisherSettings = {}): Promise<Publisher> {
    const resolved = parseSettings(PublisherSettings, settings, 'publisher settings');
    this.#checkOpen();
    const publisher = await openPublisher(this.#link, resolved, this.settings);
    if (this.#leaving) {
      publisher.shut(closedError());
      throw closedError();
    }
    this.#publishers.add(publisher);
    this.log?.publisher(publisher);
    publisher.once('streamDestroyed', () => this.#publishers.delete(publisher));
    publisher.on('mediaBufferDrained', (stats, kind) => this.emit('mediaBufferDrained', stats, kind, publisher));
    return publisher;
  }

  /** Stops publishing at once, one stream or all; what waits is dropped. `publisher.end()` sends it first. */
  async unpublish(publisher?: Publisher): Promise<void> {
    const which = publisher ? [publisher] : [...this.#publishers];
    await Promise.all(which.map((one) => one.close()));
  }

  /**
   * Subscribes to a stream; each call makes a reader of its own.
   * Errors: SLUICE_CONFIG_INVALID, SLUICE_STREAM_UNKNOWN, SLUICE_SUBSCRIBE_FAILED, SLUICE_SESSION_CLOSED.
   */
  async subscribe(stream: StreamInfo | string, settings: SubscriberSettings = {}): Promise<Subscriber> {
    const resolved = parseSettings(SubscriberSettings, settings, 'subscriber settings');
    this.#checkOpen();
    const streamId = typeof stream === 'string' ? stream : stream.streamId;
    const known = this.#streams.get(streamId);
    if (!known) {
      throw new SluiceError('SLUICE_STREAM_UNKNOWN', `there is no stream ${streamId} in session ${this.sessionId}`, {
        mend: 'Subscribe to streams of `session.streams`, or as `streamReceived` announces them.',
      });
    }
    const subscriber = await openSubscriber(this.#link, known, resolved, this.settings);
    if (this.#leaving) {
      subscriber.close();
      throw closedError();
    }
    this.#subscribers.add(subscriber);
    this.log?.subscriber(subscriber);
    subscriber.once('disconnected', () => this.#subscribers.delete(subscriber));
    return subscriber;
  }

  /** Ends all subscribers of a stream, or one; they can be read to their end. Nothing happens where there is none. */
  unsubscribe(what: StreamInfo | string | Subscriber): void {
    if (typeof what === 'object' && 'stream' in what) {
      what.close();
      return;
    }
    const streamId = typeof what === 'string' ? what : what.streamId;
    for (const subscriber of [...this.#subscribers]) {
      if (subscriber.stream.streamId === streamId) subscriber.close();
    }
  }

  /**
   * The mix of all audio, or of the streams only that a subscriber reads the audio of, in `settings.av.audioSubscribersMix`
   * or another format. Each call gives a reader of its own, which starts at its first read and loses the oldest when it
   * falls a second behind. Errors: SLUICE_CONFIG_INVALID, SLUICE_SESSION_CLOSED.
   */
  mix(format?: SessionAudioMixSettings, { onlySubscribed = false }: MixOptions = {}): MediaReadable {
    const { ptimeMs, ...audioFormat } = format
      ? parseSettings(SessionAudioMixSettings, format, 'mix format')
      : this.settings.av.audioSubscribersMix;
    this.#checkOpen();
    const { mix, hub } = openMix(this.#link, { audioFormat, ptimeMs, onlySubscribed });
    this.#mixes.add(hub);
    hub.onOver = () => this.#mixes.delete(hub);
    return mix;
  }

  /**
   * Changes attributes of this participant, which the others see in `connection.attributes`, as LiveKit's agents tell their state in
   * `lk.agent.state`; an empty value takes one away. Resolves when the server has taken them; they stay when the session is joined anew.
   * Errors: SLUICE_CONFIG_INVALID (no texts, or too long), SLUICE_PERMISSION_DENIED (the token lacks `canUpdateOwnMetadata`, which
   * tokens that are signed here have), SLUICE_PUBLISH_FAILED, SLUICE_SESSION_CLOSED.
   */
  async setAttributes(attributes: Readonly<Record<string, string>>): Promise<void> {
    const checked = parseSettings(Attributes, attributes, 'attributes');
    this.#checkOpen();
    await this.#link.setAttributes(checked);
  }

  /**
   * What was counted of this session so far, under the names of W3C webrtc-stats and in its units (times in seconds): each
   * track received and each layer sent, what the server says about those, and the transports. Errors: SLUICE_SESSION_CLOSED.
   */
  async stats(): Promise<SessionStats> {
    this.#checkOpen();
    return await this.#link.stats();
  }

  /** Leaves the session; everything that belongs to it ends. May be called at any time, and never rejects. */
  disconnect(): Promise<void> {
    this.#leave(undefined);
    return this.#left;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.disconnect();
  }

  /** Keeps the process alive while the session is open, as it does from the beginning. */
  ref(): this {
    this.#link.ref();
    return this;
  }

  /** Lets the process end although the session is open. */
  unref(): this {
    this.#link.unref();
    return this;
  }

  /** @internal */
  handle(event: SessionEvent): void {
    if (this.#leaving) return;
    this.log?.told(event);
    switch (event.type) {
      case 'connectionCreated':
      case 'connectionDropped':
        this.emit(event.type, event.connection);
        break;
      case 'connectionUpdated':
        this.#keepConnection(event.connection);
        break;
      case 'streamReceived':
      case 'streamUpdated':
        this.#keepStream(event.stream);
        break;
      case 'streamDropped':
        this.#dropStream(event.streamId);
        break;
      case 'speakerChanged':
        this.#changeSpeaker(event.streamId === undefined ? undefined : this.#streams.get(event.streamId));
        break;
      case 'lost':
        this.destroy(event.error);
        break;
      default:
        this.emit(event.type);
    }
  }

  override write(value: unknown, done?: WriteDone): boolean;
  override write(value: unknown, encoding: BufferEncoding, done?: WriteDone): boolean;
  override write(value: unknown, encoding?: BufferEncoding | WriteDone, done?: WriteDone): boolean {
    const callback = typeof encoding === 'function' ? encoding : done;
    return this.#leaving ? refuseWrite(this, closedError(), callback) : super.write(value, callback);
  }

  override _read(): void {
    if (this.#leaving && !this.#ownMix) this.push(null);
    else (this.#ownMix ??= this.#openOwnMix()).resume();
  }

  override _write(value: MediaValue, _encoding: BufferEncoding, done: WriteDone): void {
    const [publisher] = this.#publishers;
    if (!publisher) {
      done(this.#leaving ? closedError() : noPublisherError());
      return;
    }
    if (this.#written !== publisher) {
      this.#written = publisher;
      publisher.on('error', (error) => this.destroy(error));
    }
    publisher.write(value, done);
  }

  override _final(done: WriteDone): void {
    const [publisher] = this.#publishers;
    if (!publisher || this.#leaving) done();
    else publisher.end(() => done());
  }

  override _destroy(error: Error | null, done: WriteDone): void {
    this.#leave(error ?? undefined);
    void this.#left.then(() => {
      done(error);
    });
  }

  #checkOpen(): void {
    if (this.#leaving) throw closedError();
  }

  #leave(error: Error | undefined): void {
    if (this.#leaving) return;
    this.#leaving = true;
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    for (const publisher of [...this.#publishers]) {
      if (error) publisher.fail(error);
      else publisher.shut(closedError());
    }
    for (const subscriber of [...this.#subscribers]) {
      if (error) subscriber.fail(error);
      else subscriber.close();
    }
    for (const mix of [...this.#mixes]) {
      if (error) mix.fail(error, true);
      else mix.close();
    }
    void this.#finishLeaving();
  }

  async #finishLeaving(): Promise<void> {
    try {
      await this.#link.disconnect();
      await this.#options.onLeft?.();
    } catch (error) {
      // A session that cannot be left in good order is left all the same.
      process.emitWarning(error instanceof Error ? error : String(error));
    }
    this.#speaker = undefined;
    this.#streams.clear();
    this.emit('disconnected');
    if (!this.destroyed) {
      // Nobody reads: the end is read here, so that the stream closes.
      if (!this.#ownMix) this.resume();
      if (this.#sources.size === 0 && this.listenerCount('drain') === 0) this.end();
    }
    this.#tellLeft();
  }

  #openOwnMix(): MediaReadable {
    const mix = this.mix();
    mix.on('data', (value: MediaValue) => {
      if (!this.push(value)) mix.pause();
    });
    mix.once('end', () => this.push(null));
    mix.once('error', (error) => this.destroy(error));
    return mix;
  }

  #keepConnection(connection: Connection): void {
    if (connection.connectionId === this.#connection.connectionId) this.#connection = connection;
    for (const stream of this.#streams.values()) {
      if (stream.connectionId === connection.connectionId) Object.assign(stream, { connection });
    }
    this.emit('connectionUpdated', connection);
  }

  #keepStream(description: StreamDescription): void {
    const known = this.#streams.get(description.streamId);
    const now = { ...description, connectionId: description.connection.connectionId };
    if (known) {
      Object.assign(known, now);
      this.emit('streamUpdated', known);
    } else {
      this.#streams.set(now.streamId, now);
      this.emit('streamReceived', now);
    }
  }

  #dropStream(streamId: string): void {
    const stream = this.#streams.get(streamId);
    if (!stream) return;
    this.#streams.delete(streamId);
    if (this.#speaker === stream) this.#changeSpeaker(undefined);
    this.emit('streamDropped', stream);
  }

  #changeSpeaker(stream: Stream | undefined): void {
    if (this.#speaker === stream) return;
    this.#speaker = stream;
    this.emit('speakerChanged', stream);
  }
}

function closedError(): SluiceError {
  return new SluiceError('SLUICE_SESSION_CLOSED', 'the session has been left');
}

function noPublisherError(): SluiceError {
  return new SluiceError('SLUICE_STATE_INVALID', 'the session publishes nothing that could be written to', {
    mend: 'Call session.publish() first.',
  });
}
