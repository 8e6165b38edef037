import { setImmediate as turn } from 'node:timers/promises';
import type { Engine } from '../../src/engine/thread.js';
import {
  PUBLISHER_LEVELS,
  type ConnectArgs,
  type EngineCalls,
  type EngineEvents,
  type EnginePosts,
  type PublisherOpenArgs,
  type ReadKind,
  type ReaderOpenArgs,
  type StreamState,
  type VideoPreference,
} from '../../src/engine/port.js';
import { AudioRing } from '../../src/media/audio-ring.js';
import type { CaptionsData } from '../../src/media/captions.js';
import { SluiceError } from '../../src/media/errors.js';
import { durationUs, type MediaValue } from '../../src/media/media-value.js';
import { openSession } from '../../src/session/open-session.js';
import type { OpenSessionOptions, Session } from '../../src/session/session.js';
import { webrtcDriver } from '../../src/session/drivers/webrtc.js';

type Listener = Parameters<Engine['listen']>[1];

/** What the engine holds of one kind of a publisher. */
interface Held {
  value: MediaValue;
  us: number;
}

/** A publisher in the engine: what is written waits until `play` lets it leave. */
class FakePublisher {
  readonly args: PublisherOpenArgs;
  readonly #queues = { audio: [] as Held[], video: [] as Held[] };
  readonly #written: MediaValue[] = [];
  readonly #ring: AudioRing | undefined;
  /** Posts about audio that came. */
  #audioPosts = 0;
  /** The most media time that was ever held, of audio and video together the larger one. */
  mostHeldUs = 0;
  closed = false;
  readonly mutes: string[] = [];
  readonly captions: CaptionsData[] = [];
  /** Captions are on their way when it resolves. */
  captionsHeld: Promise<undefined> = Promise.resolve(undefined);
  readonly drains: (() => void)[] = [];
  readonly #levels: BigInt64Array;
  readonly #emit: <N extends keyof EngineEvents>(name: N, args: EngineEvents[N]) => void;

  constructor(args: PublisherOpenArgs, emit: FakePublisher['send']) {
    this.args = args;
    this.#levels = new BigInt64Array(args.levels);
    this.#ring = args.audioRing && new AudioRing(args.audioRing);
    this.#emit = emit;
  }

  get queues(): { readonly audio: Held[]; readonly video: Held[] } {
    this.#takeIn();
    return this.#queues;
  }

  get written(): readonly MediaValue[] {
    this.#takeIn();
    return this.#written;
  }

  send<N extends keyof EngineEvents>(name: N, args: EngineEvents[N]): void {
    this.#emit(name, args);
  }

  heldUs(kind: 'audio' | 'video'): number {
    return this.queues[kind].reduce((sum, { us }) => sum + us, 0);
  }

  /** Takes a value that came by a message. */
  write(value: MediaValue): void {
    this.#takeIn();
    if (value.kind.endsWith('audio')) this.#audioPosts++;
    this.#push(value);
  }

  /** Lets media leave, in part where a value is longer. */
  play(kind: 'audio' | 'video', ms: number): void {
    let leftUs = ms * 1000;
    const queue = this.queues[kind];
    while (queue[0] && leftUs > 0) {
      const us = Math.min(leftUs, queue[0].us);
      queue[0].us -= us;
      leftUs -= us;
      if (queue[0].us < 0.5) queue.shift();
      this.#count(kind, us);
    }
    this.#told(kind);
  }

  clear(kind: 'audio' | 'video'): void {
    const us = this.heldUs(kind);
    if (kind === 'audio') this.#audioPosts++;
    this.queues[kind].length = 0;
    // Counted in the engine's own time.
    queueMicrotask(() => {
      this.#count(kind, us);
      this.#told(kind);
    });
  }

  close(): void {
    this.closed = true;
    for (const resolve of this.drains.splice(0)) resolve();
  }

  #push(value: MediaValue): void {
    const kind = value.kind.endsWith('audio') ? 'audio' : 'video';
    this.#written.push(value);
    this.#queues[kind].push({ value, us: durationUs(value) || 1_000_000 / this.args.fps });
    const heldUs = this.#queues[kind].reduce((sum, { us }) => sum + us, 0);
    this.mostHeldUs = Math.max(this.mostHeldUs, heldUs);
  }

  /** Takes raw audio that was written before what has not come yet. */
  #takeIn(): void {
    const { sampleRate, numberOfChannels } = this.args.audio;
    while (this.#ring?.mark === this.#audioPosts) {
      const value = this.#ring.read(sampleRate, numberOfChannels);
      if (value) this.#push(value);
    }
  }

  #count(kind: 'audio' | 'video', us: number): void {
    const place = kind === 'audio' ? PUBLISHER_LEVELS.audioConsumedUs : PUBLISHER_LEVELS.videoConsumedUs;
    Atomics.add(this.#levels, place, BigInt(Math.round(us)));
    if (kind === 'audio') Atomics.add(this.#levels, PUBLISHER_LEVELS.audioPlayedUs, BigInt(Math.round(us)));
  }

  #told(kind: 'audio' | 'video'): void {
    const { publisher } = this.args;
    const awaited = kind === 'audio' ? PUBLISHER_LEVELS.audioAwaited : PUBLISHER_LEVELS.videoAwaited;
    if (Atomics.exchange(this.#levels, awaited, 0n) !== 0n) this.#emit('consumed', { publisher, kind });
    if (this.queues[kind].length > 0) return;
    this.#emit('mediaBufferDrained', { publisher, kind });
    for (const resolve of this.drains.splice(0)) resolve();
  }
}

/** A reader in the engine, which gives as much as it was credited. */
class FakeReader {
  readonly args: ReaderOpenArgs;
  readonly ring: AudioRing | undefined;
  closed = false;
  keyFrameRequests = 0;
  readonly preferences: VideoPreference[] = [];
  readonly #credit = { audio: 0, video: 0, captions: 0 };

  constructor(args: ReaderOpenArgs) {
    this.args = args;
    this.ring = args.audioRing && new AudioRing(args.audioRing);
  }

  get credit(): { audio: number; video: number; captions: number } {
    return { ...this.#credit, ...(this.ring && { audio: this.ring.asked }) };
  }

  grant(kind: ReadKind, values: number): void {
    this.#credit[kind] += values;
  }
}

/** The media thread in memory: no thread, no network; a test plays its part. */
export class FakeEngine implements Engine {
  readonly publishers: FakePublisher[] = [];
  readonly readers: FakeReader[] = [];
  readonly connects: ConnectArgs[] = [];
  readonly disconnected: number[] = [];
  refs = 0;
  /** Told right after the session was joined, before anyone who awaits it has had a turn. */
  present: readonly StreamState[] = [];
  /** `connect` waits for it. */
  joining: Promise<void> = Promise.resolve();
  /** What `connect`, `publisherOpen` or `readerOpen` throw. */
  readonly failures = new Map<keyof EngineCalls, SluiceError>();
  readonly #listeners = new Map<number, Listener>();
  #lastId = 0;

  async call<N extends keyof EngineCalls>(name: N, args: EngineCalls[N]['args']): Promise<EngineCalls[N]['result']> {
    const failure = this.failures.get(name);
    if (failure) throw failure;
    return await this.#answer(name, args);
  }

  post<N extends keyof EnginePosts>(name: N, args: EnginePosts[N], buffer?: ArrayBufferLike): void {
    // As a thread boundary does it: what is transferred is gone on this side.
    const message = structuredClone(
      { name, args },
      buffer instanceof ArrayBuffer ? { transfer: [buffer] } : {},
    ) as PostMessage;
    if (message.name === 'write') this.#publisher(message.args.publisher).write(message.args.value);
    if (message.name === 'clear') this.#publisher(message.args.publisher).clear(message.args.kind);
    if (message.name === 'mute') {
      const { publisher, kind, muted } = message.args;
      this.#publisher(publisher).mutes.push(`${kind} ${muted ? 'off' : 'on'}`);
    }
    if (message.name === 'credit') this.#reader(message.args.reader).grant(message.args.kind, message.args.values);
    if (message.name === 'requestKeyFrame') this.#reader(message.args.reader).keyFrameRequests++;
    if (message.name === 'prefer') this.#reader(message.args.reader).preferences.push(message.args.preferredVideo);
  }

  nextId(): number {
    return ++this.#lastId;
  }

  listen(id: number, listener: Listener): void {
    this.#listeners.set(id, listener);
  }

  forget(id: number): void {
    this.#listeners.delete(id);
  }

  ref(): void {
    this.refs++;
  }

  unref(): void {
    this.refs--;
  }

  /** How many objects still get events. */
  get listening(): number {
    return this.#listeners.size;
  }

  readonly emit = <N extends keyof EngineEvents>(name: N, args: EngineEvents[N]): void => {
    const ids = args as { session?: number; publisher?: number; reader?: number };
    const id = ids.reader ?? ids.publisher ?? ids.session;
    if (id !== undefined) this.#listeners.get(id)?.(name, args);
  };

  /** Tells the session that was joined first. */
  tell<N extends keyof EngineEvents>(name: N, args: Omit<EngineEvents[N], 'session'>): void {
    this.emit(name, { session: this.connects[0]!.session, ...args } as EngineEvents[N]);
  }

  /** Gives captions to a reader, if it has credit for them. */
  caption(reader: FakeReader, captions: CaptionsData): boolean {
    if (reader.credit.captions === 0 || reader.closed) return false;
    reader.grant('captions', -1);
    this.emit('captions', { reader: reader.args.reader, captions });
    return true;
  }

  /** Gives a value to a reader, if it has credit for it. */
  give(reader: FakeReader, value: MediaValue): boolean {
    const kind = value.kind.endsWith('audio') ? 'audio' : 'video';
    if (reader.credit[kind] === 0 || reader.closed) return false;
    if (value.kind === 'audio' && reader.ring) {
      reader.ring.write(value.data, value.timestamp);
      if (reader.ring.wakesReader()) this.emit('audio', { reader: reader.args.reader });
      return true;
    }
    reader.grant(kind, -1);
    this.emit('media', { reader: reader.args.reader, value });
    return true;
  }

  #answer<N extends keyof EngineCalls>(name: N, args: EngineCalls[N]['args']): unknown {
    const call = { name, args } as CallMessage;
    switch (call.name) {
      case 'connect':
        this.connects.push(call.args);
        return this.joining.then(() => this.#join(call.args.session));
      case 'disconnect':
        this.disconnected.push(call.args.session);
        for (const publisher of this.publishers) publisher.close();
        return undefined;
      case 'publisherOpen': {
        const publisher = new FakePublisher(call.args, this.emit);
        this.publishers.push(publisher);
        return { streamId: `own-${call.args.publisher}` };
      }
      case 'publisherClose':
        this.#publisher(call.args.publisher).close();
        return undefined;
      case 'publisherCaptions': {
        const publisher = this.#publisher(call.args.publisher);
        publisher.captions.push(call.args.captions);
        return publisher.captionsHeld;
      }
      case 'publisherDrain': {
        const publisher = this.#publisher(call.args.publisher);
        if (publisher.heldUs(call.args.kind) === 0 || publisher.closed) return undefined;
        return new Promise<void>((resolve) => publisher.drains.push(resolve));
      }
      case 'readerOpen':
        this.readers.push(new FakeReader(call.args));
        return undefined;
      case 'readerClose':
        this.#reader(call.args.reader).closed = true;
        return undefined;
      case 'stats':
        return { outbound: [], inbound: [], packetsDiscarded: 0 };
      default:
        throw new Error(`not in the fake: ${call.name}`);
    }
  }

  #join(session: number): EngineCalls['connect']['result'] {
    for (const stream of this.present) this.emit('streamReceived', { session, stream });
    return { sessionId: 'demo', connection: connection('self') };
  }

  #publisher(id: number): FakePublisher {
    return this.publishers.find(({ args }) => args.publisher === id)!;
  }

  #reader(id: number): FakeReader {
    return this.readers.find(({ args }) => args.reader === id)!;
  }
}

type PostMessage = { [N in keyof EnginePosts]: { name: N; args: EnginePosts[N] } }[keyof EnginePosts];
type CallMessage = { [N in keyof EngineCalls]: { name: N; args: EngineCalls[N]['args'] } }[keyof EngineCalls];

function connection(name: string): StreamState['connection'] {
  return { connectionId: `c-${name}`, creationTimeMs: 1000, data: '', identity: name, name, attributes: {} };
}

export function streamState(name: string, media: { hasAudio?: boolean; hasVideo?: boolean } = {}): StreamState {
  return { streamId: `s-${name}`, name, connection: connection(name), hasAudio: true, hasVideo: true, ...media };
}

/** A session on a fake engine, with one turn passed, so that what was there has been told. */
export async function join(
  options: Partial<OpenSessionOptions> = {},
  engine = new FakeEngine(),
): Promise<{ session: Session; engine: FakeEngine }> {
  const session = await openSession(
    webrtcDriver(() => engine),
    { url: 'ws://nowhere', token: 'token', ...options },
  );
  await turns(2);
  return { session, engine };
}

/** Lets everything that is due run: events of streams take several turns. */
export async function turns(count = 6): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}
