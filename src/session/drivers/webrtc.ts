import {
  PUBLISHER_LEVELS,
  type ConnectionInfo,
  type EngineEvents,
  type StreamState,
  type VideoPreference,
} from '../../engine/port.js';
import { getEngine, type Engine } from '../../engine/thread.js';
import type { CaptionsData } from '../../media/captions.js';
import { fromErrorData } from '../../media/errors.js';
import type { MediaValue } from '../../media/media-value.js';
import { AudioInlet } from '../audio-inlet.js';
import { AudioOutlet } from '../audio-outlet.js';
import {
  kindOf,
  type Connection,
  type Driver,
  type DriverConnect,
  type DriverPublish,
  type DriverPublisher,
  type DriverRead,
  type DriverReader,
  type DriverSession,
  type Kind,
  type PublisherEvent,
  type ReaderEvent,
  type ReadKind,
  type SessionEvent,
  type StreamDescription,
} from '../driver.js';

/**
 * Sessions of the embedded server and of LiveKit servers, through the media thread. The thread is started by the
 * first `connect`. `engineOf` is replaced in tests.
 */
export function webrtcDriver(engineOf: () => Engine = getEngine): Driver {
  return { connect: (request, onEvent) => connect(engineOf(), request, onEvent) };
}

async function connect(
  engine: Engine,
  request: DriverConnect,
  onEvent: (event: SessionEvent) => void,
): Promise<DriverSession> {
  const { url, fallbackUrls, token, timeoutMs, signal, settings } = request;
  const { enableMigration } = settings;
  const session = engine.nextId();
  let lost = false;
  const leave = async (): Promise<void> => {
    engine.forget(session);
    const left = engine.call('disconnect', { session });
    await (lost ? left.catch(() => undefined) : left);
  };
  engine.listen(session, (name, args) => {
    const event = sessionEvent(name, args);
    lost ||= event?.type === 'lost';
    if (event) onEvent(event);
  });
  const joined = engine.call('connect', { session, url, fallbackUrls, token, timeoutMs, enableMigration });
  try {
    const result = await (signal ? unlessAborted(joined, signal) : joined);
    const joinedAs = { sessionId: result.sessionId, connection: connectionOf(result.connection) };
    return new EngineSession(engine, session, joinedAs, { leave, onEvent });
  } catch (error) {
    engine.forget(session);
    // What is joined after it was given up is left then.
    if (signal?.aborted === true) joined.then(leave).catch(() => undefined);
    throw error;
  }
}

/** A promise that the signal can overtake; what comes after is ignored. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

class EngineSession implements DriverSession {
  readonly sessionId: string;
  readonly connection: Connection;
  readonly #engine: Engine;
  readonly #session: number;
  readonly #leave: () => Promise<void>;
  readonly #onEvent: (event: SessionEvent) => void;
  /** Publishers and readers that still get events. */
  readonly #listening = new Set<number>();
  #holds = false;
  #over = false;

  constructor(
    engine: Engine,
    session: number,
    joined: { readonly sessionId: string; readonly connection: Connection },
    { leave, onEvent }: { readonly leave: () => Promise<void>; readonly onEvent: (event: SessionEvent) => void },
  ) {
    this.#engine = engine;
    this.#session = session;
    this.#leave = leave;
    this.#onEvent = onEvent;
    this.sessionId = joined.sessionId;
    this.connection = joined.connection;
    this.ref();
  }

  async publish(request: DriverPublish, onEvent: (event: PublisherEvent) => void): Promise<DriverPublisher> {
    const publisher = this.#listen((name, args) => {
      const event = publisherEvent(name, args);
      if (event) onEvent(event);
    });
    const levels = new SharedArrayBuffer(PUBLISHER_LEVELS.length * BigInt64Array.BYTES_PER_ELEMENT);
    const { video, ...rest } = request;
    const outlet = request.hasAudio ? new AudioOutlet(request.audio) : undefined;
    const { resolution, fps } = video;
    try {
      const shared = { levels, ...(outlet && { audioRing: outlet.memory }) };
      const args = { session: this.#session, publisher, ...rest, ...resolution, fps, ...shared };
      const { streamId } = await this.#engine.call('publisherOpen', args);
      if (request.hasAudio) setImmediate(() => this.#tellReady());
      return new EnginePublisher(this.#engine, publisher, streamId, { levels, outlet }, () => this.#forget(publisher));
    } catch (error) {
      this.#forget(publisher);
      throw error;
    }
  }

  async read(request: DriverRead, onEvent: (event: ReaderEvent) => void): Promise<DriverReader> {
    const inlet =
      request.audio && !request.encoded
        ? new AudioInlet(
            request.audioFormat,
            (value) => onEvent({ type: 'media', value }),
            () => this.#engine.post('credit', { reader, kind: 'audio', values: 0 }),
          )
        : undefined;
    const reader = this.#listen((name, args) => {
      if (name === 'audio') inlet?.drain();
      const event = readerEvent(name, args);
      if (event) onEvent(event);
    });
    try {
      const audioRing = inlet?.memory;
      const args = { session: this.#session, reader, ...request, ...(audioRing && { audioRing }) };
      await this.#engine.call('readerOpen', args);
      return new EngineReader(this.#engine, reader, inlet, () => this.#forget(reader));
    } catch (error) {
      this.#forget(reader);
      throw error;
    }
  }

  async setAttributes(attributes: Readonly<Record<string, string>>): Promise<void> {
    await this.#engine.call('setAttributes', { session: this.#session, attributes });
  }

  stats(): ReturnType<DriverSession['stats']> {
    return this.#engine.call('stats', { session: this.#session });
  }

  async disconnect(): Promise<void> {
    this.#over = true;
    for (const id of this.#listening) this.#engine.forget(id);
    this.#listening.clear();
    try {
      await this.#leave();
    } finally {
      this.unref();
    }
  }

  ref(): void {
    if (this.#holds || this.#over) return;
    this.#holds = true;
    this.#engine.ref();
  }

  unref(): void {
    if (!this.#holds) return;
    this.#holds = false;
    this.#engine.unref();
  }

  #tellReady(): void {
    if (!this.#over) this.#onEvent({ type: 'readyForAudio' });
  }

  #listen(listener: Parameters<Engine['listen']>[1]): number {
    const id = this.#engine.nextId();
    this.#listening.add(id);
    this.#engine.listen(id, listener);
    return id;
  }

  #forget(id: number): void {
    this.#listening.delete(id);
    this.#engine.forget(id);
  }
}

interface PublisherMemory {
  readonly levels: SharedArrayBuffer;
  readonly outlet: AudioOutlet | undefined;
}

class EnginePublisher implements DriverPublisher {
  readonly streamId: string;
  readonly #engine: Engine;
  readonly #publisher: number;
  readonly #levels: BigInt64Array;
  readonly #outlet: AudioOutlet | undefined;
  readonly #forget: () => void;
  #closing: Promise<void> | undefined;

  constructor(engine: Engine, publisher: number, streamId: string, shared: PublisherMemory, forget: () => void) {
    this.#engine = engine;
    this.#publisher = publisher;
    this.#levels = new BigInt64Array(shared.levels);
    this.#outlet = shared.outlet;
    this.#forget = forget;
    this.streamId = streamId;
  }

  write(value: MediaValue): void {
    if (value.kind === 'audio' && this.#outlet?.write(value) === true) return;
    this.#notePost(kindOf(value));
    const own = copyOf(value);
    this.#engine.post('write', { publisher: this.#publisher, value: own }, own.data.buffer);
  }

  async writeCaptions(captions: CaptionsData): Promise<void> {
    if (!this.#closing) await this.#engine.call('publisherCaptions', { publisher: this.#publisher, captions });
  }

  consumedUs(kind: Kind): number {
    const place = kind === 'audio' ? PUBLISHER_LEVELS.audioConsumedUs : PUBLISHER_LEVELS.videoConsumedUs;
    return Number(Atomics.load(this.#levels, place));
  }

  awaitRoom(kind: Kind): void {
    Atomics.store(this.#levels, kind === 'audio' ? PUBLISHER_LEVELS.audioAwaited : PUBLISHER_LEVELS.videoAwaited, 1n);
  }

  playedUs(): number {
    return Number(Atomics.load(this.#levels, PUBLISHER_LEVELS.audioPlayedUs));
  }

  clear(kind: Kind): void {
    this.#notePost(kind);
    this.#engine.post('clear', { publisher: this.#publisher, kind });
  }

  mute(kind: Kind, muted: boolean): void {
    if (!this.#closing) this.#engine.post('mute', { publisher: this.#publisher, kind, muted });
  }

  async drain(kind: Kind): Promise<void> {
    if (!this.#closing) await this.#engine.call('publisherDrain', { publisher: this.#publisher, kind });
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#forget();
    await this.#engine.call('publisherClose', { publisher: this.#publisher });
  }

  #notePost(kind: Kind): void {
    if (kind === 'audio') this.#outlet?.notePost();
  }
}

class EngineReader implements DriverReader {
  readonly #engine: Engine;
  readonly #reader: number;
  readonly #inlet: AudioInlet | undefined;
  readonly #forget: () => void;
  #closed = false;

  constructor(engine: Engine, reader: number, inlet: AudioInlet | undefined, forget: () => void) {
    this.#engine = engine;
    this.#reader = reader;
    this.#inlet = inlet;
    this.#forget = forget;
  }

  credit(kind: ReadKind, values: number): void {
    if (this.#closed) return;
    if (kind === 'audio' && this.#inlet) this.#inlet.credit(values);
    else this.#engine.post('credit', { reader: this.#reader, kind, values });
  }

  requestKeyFrame(): void {
    if (!this.#closed) this.#engine.post('requestKeyFrame', { reader: this.#reader });
  }

  prefer(preferredVideo: VideoPreference): void {
    if (!this.#closed) this.#engine.post('prefer', { reader: this.#reader, preferredVideo });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#inlet?.close();
    this.#forget();
    // The session may be gone already, and the reader with it.
    this.#engine.call('readerClose', { reader: this.#reader }).catch(() => undefined);
  }
}

/** The value with a buffer of its own, which can be transferred. */
function copyOf(value: MediaValue): MediaValue {
  if (value.kind === 'audio') return { ...value, data: new Int16Array(value.data) };
  return { ...value, data: new Uint8Array(value.data) };
}

function sessionEvent<N extends keyof EngineEvents>(name: N, args: EngineEvents[N]): SessionEvent | undefined {
  const message = { name, args } as AnyEvent;
  switch (message.name) {
    case 'connectionCreated':
    case 'connectionDropped':
    case 'connectionUpdated':
      return { type: message.name, connection: connectionOf(message.args.connection) };
    case 'streamReceived':
    case 'streamUpdated':
      return { type: message.name, stream: streamOf(message.args.stream) };
    case 'streamDropped':
      return { type: 'streamDropped', streamId: message.args.streamId };
    case 'speakerChanged':
      return { type: 'speakerChanged', streamId: message.args.streamId };
    case 'migrating':
    case 'migrated':
      return { type: message.name };
    case 'sessionLost':
      return { type: 'lost', error: fromErrorData(message.args.error) };
    default:
      return undefined;
  }
}

function publisherEvent<N extends keyof EngineEvents>(name: N, args: EngineEvents[N]): PublisherEvent | undefined {
  const message = { name, args } as AnyEvent;
  switch (message.name) {
    case 'consumed':
      return { type: 'consumed', kind: message.args.kind };
    case 'mediaBufferDrained':
      return { type: 'drained', kind: message.args.kind };
    case 'keyFrameRequested':
      return { type: 'keyFrameRequested' };
    case 'publisherError':
      return { type: 'error', error: fromErrorData(message.args.error) };
    case 'publisherMuted':
      return { type: 'muted', kind: message.args.kind };
    case 'publisherEnd':
      return { type: 'ended' };
    default:
      return undefined;
  }
}

function readerEvent<N extends keyof EngineEvents>(name: N, args: EngineEvents[N]): ReaderEvent | undefined {
  const message = { name, args } as AnyEvent;
  switch (message.name) {
    case 'media':
      return { type: 'media', value: message.args.value };
    case 'captions':
      return { type: 'media', value: message.args.captions };
    case 'overflow':
      return {
        type: 'overflow',
        kind: message.args.kind,
        values: message.args.values,
        durationUs: message.args.durationUs,
      };
    case 'readerEnd':
      return { type: 'ended' };
    case 'readerError':
      return { type: 'error', error: fromErrorData(message.args.error) };
    default:
      return undefined;
  }
}

type AnyEvent = { [N in keyof EngineEvents]: { readonly name: N; readonly args: EngineEvents[N] } }[keyof EngineEvents];

function connectionOf(info: ConnectionInfo): Connection {
  const { creationTimeMs, ...rest } = info;
  return { ...rest, creationTime: new Date(creationTimeMs) };
}

function streamOf(state: StreamState): StreamDescription {
  return { ...state, connection: connectionOf(state.connection) };
}
