import type { AudioData } from '../media/audio-data.js';
import type { Clock } from '../media/clock.js';
import { SluiceError } from '../media/errors.js';
import type * as api from '../session/drivers/vonage/connector-api.js';
import type { Session } from '../session/session.js';
import { describeError, isOfSession } from './error-numbers.js';
import { fromAudioData } from './media.js';
import { Members } from './members.js';
import { Publication } from './publication.js';
import { publisherSettings, subscriberSettings } from './settings.js';
import { Subscription } from './subscription.js';

/** Of the publisher below: the limits for what waits are those of Publication. */
const HIGH_WATER_MARK_MS = 60_000;

/** A session that a client is in, from `connect()` until it is over. */
export class JoinedSession {
  /** As callbacks are given it. */
  readonly shown: api.Session;
  readonly connection: api.Connection;
  readonly #session: Session;
  readonly #clock: Clock;
  readonly #members = new Members();
  readonly #subscriptions = new Map<string, Subscription>();
  /** Streams that are being subscribed to. */
  readonly #subscribing = new Set<string>();
  readonly #over: Promise<unknown>;
  #publication: Publication | undefined;
  #publishing: Promise<Publication> | undefined;

  constructor(session: Session, options: api.ConnectOptions, clock: Clock) {
    this.#session = session;
    this.#clock = clock;
    this.shown = { sessionId: session.sessionId };
    this.connection = this.#members.connection(session.connection);
    // After an error comes `close` as well.
    this.#over = new Promise((resolve) => session.once('close', resolve));
    this.#tell(options);
    this.#mix(options.onAudioData);
  }

  /** What is published now. */
  get publication(): Publication | undefined {
    return this.#publication;
  }

  async disconnect(): Promise<void> {
    await this.#session.disconnect();
    await this.#over;
  }

  async publish(options: api.PublishOptions): Promise<api.Publisher> {
    const settings = publisherSettings((options as Partial<api.PublishOptions> | undefined)?.settings);
    if (this.#publishing) {
      throw new SluiceError('SLUICE_STATE_INVALID', 'the client publishes already', { mend: 'Unpublish first.' });
    }
    const publishing = this.#publish(settings, options);
    this.#publishing = publishing;
    try {
      return (await publishing).shown;
    } catch (error) {
      this.#publishing = undefined;
      throw error;
    }
  }

  async unpublish(): Promise<void> {
    const publication = await this.#publishing?.catch(() => undefined);
    await publication?.publisher.close();
  }

  async subscribe(stream: api.Stream, options: api.SubscribeOptions): Promise<api.Subscriber> {
    const settings = subscriberSettings(options.settings);
    const streamId = idOf(stream);
    if (this.#subscribing.has(streamId) || this.#subscriptions.has(streamId)) {
      throw new SluiceError('SLUICE_STATE_INVALID', `stream ${streamId} is subscribed to already`, {
        mend: 'Unsubscribe from it first.',
      });
    }
    this.#subscribing.add(streamId);
    try {
      const subscriber = await this.#session.subscribe(streamId, settings);
      const subscription = new Subscription(subscriber, { stream }, options);
      this.#subscriptions.set(streamId, subscription);
      subscriber.once('disconnected', () => {
        if (this.#subscriptions.get(streamId) === subscription) this.#subscriptions.delete(streamId);
      });
      return subscription.shown;
    } finally {
      this.#subscribing.delete(streamId);
    }
  }

  unsubscribe(stream: api.Stream): void {
    this.#subscriptions.get(idOf(stream))?.close();
  }

  async #publish(settings: ReturnType<typeof publisherSettings>, options: api.PublishOptions): Promise<Publication> {
    const publisher = await this.#session.publish({ ...settings, highWaterMarkMs: HIGH_WATER_MARK_MS });
    const shown = { stream: this.#members.stream(publisher.stream) };
    const { fps } = this.#session.settings.av.videoPublisher;
    const publication = new Publication(publisher, shown, this.#clock, fps);
    this.#publication = publication;
    publisher.on('error', (error) => {
      if (!isOfSession(error)) options.onError?.(shown, ...describeError(error));
    });
    publisher.once('streamDestroyed', () => {
      this.#publication = this.#publishing = undefined;
      this.#members.forget(publisher.streamId);
      options.onStreamDestroyed?.(shown);
    });
    return publication;
  }

  #tell(options: api.ConnectOptions): void {
    const { onError, onDisconnected, onConnectionCreated, onConnectionDropped } = options;
    const { onStreamReceived, onStreamDropped, onReadyForAudio, onMediaBufferDrained } = options;
    const session = this.#session;
    const members = this.#members;
    const { shown } = this;
    session.on('error', (error) => onError?.(shown, ...describeError(error)));
    session.once('close', () => onDisconnected?.(shown));
    session.on('connectionCreated', (one) => onConnectionCreated?.(shown, members.connection(one)));
    session.on('connectionDropped', (one) => onConnectionDropped?.(shown, members.connection(one)));
    session.on('streamReceived', (stream) => onStreamReceived?.(shown, members.stream(stream)));
    session.on('streamDropped', (stream) => {
      const dropped = members.stream(stream);
      members.forget(stream.streamId);
      // What is on its way still comes; a stream of the same id may come and be subscribed to before that.
      this.#subscriptions.delete(stream.streamId);
      onStreamDropped?.(shown, dropped);
    });
    session.on('readyForAudio', () => onReadyForAudio?.(shown));
    session.on('mediaBufferDrained', (stats) => onMediaBufferDrained?.(stats));
  }

  #mix(onAudioData: api.ConnectOptions['onAudioData']): void {
    if (!onAudioData) return;
    const mix = this.#session.mix(undefined, { onlySubscribed: true });
    // What ends it ends the session, which tells of it.
    mix.on('error', () => undefined);
    mix.on('data', (chunk: AudioData) => onAudioData(this.shown, fromAudioData(chunk)));
  }
}

/** Errors: SLUICE_CONFIG_INVALID for what is no stream. */
function idOf(stream: unknown): string {
  const { streamId } = (stream ?? {}) as { readonly streamId?: unknown };
  if (typeof streamId === 'string') return streamId;
  throw new SluiceError('SLUICE_CONFIG_INVALID', 'stream: found something that is no stream', {
    mend: 'Give the stream that onStreamReceived was called with.',
  });
}
