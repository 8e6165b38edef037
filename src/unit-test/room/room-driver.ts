import { SluiceError } from '../../media/errors.js';
import type { StreamValue } from '../../media/media-value.js';
import type {
  Connection,
  Driver,
  DriverPublish,
  DriverPublisher,
  DriverRead,
  DriverReader,
  DriverSession,
  Kind,
  PublisherEvent,
  ReaderEvent,
  SessionEvent,
} from '../../session/driver.js';
import { MixReader } from './mix-reader.js';
import { RoomPublisher } from './room-publisher.js';
import type { RoomStream } from './room-stream.js';
import type { Room, RoomMember } from './room.js';
import { StreamReader } from './stream-reader.js';

export interface RoomDriverOptions {
  readonly room: Room;
  /** Name of this participant, and what tells it from others. */
  readonly name: string;
  readonly identity: string;
  /** The session ends by itself at this time, in µs of the clock. */
  readonly lostUs?: number;
  /** Told of each stream that is published, by its name. */
  readonly onPublished?: (streamName: string) => void;
  /** Told of attributes that the participant gives itself. */
  readonly onAttributes?: (attributes: Readonly<Record<string, string>>) => void;
  /** Told of what is sent, by the name of the stream; time stamps are the room's time. */
  readonly onSent?: (streamName: string, value: StreamValue) => void;
  /** Told when a kind of a stream that is published is muted, or not any more, by the name of the stream. */
  readonly onMuted?: (streamName: string, kind: Kind, muted: boolean) => void;
}

/** Joins a room of a test: sessions as they are otherwise, on the room's clock and without a server. */
export function roomDriver(options: RoomDriverOptions): Driver {
  return {
    usesUrl: false,
    connect: (request, onEvent) => {
      request.signal?.throwIfAborted();
      return Promise.resolve(new RoomSession(options, onEvent));
    },
  };
}

class RoomSession implements DriverSession, RoomMember {
  readonly sessionId: string;
  readonly #options: RoomDriverOptions;
  readonly #onEvent: (event: SessionEvent) => void;
  readonly #publishers = new Set<RoomPublisher>();
  readonly #readers = new Set<DriverReader>();
  readonly #mixes = new Set<MixReader>();
  /** How many readers with audio each stream has. */
  readonly #heard = new Map<string, number>();
  readonly #cancelLoss: () => void;
  #connection: Connection;
  #published = 0;
  #over = false;

  constructor(options: RoomDriverOptions, onEvent: (event: SessionEvent) => void) {
    const { room, name, identity, lostUs } = options;
    this.#options = options;
    this.#onEvent = onEvent;
    this.sessionId = room.sessionId;
    const creationTime = new Date(room.clock.nowUs() / 1000);
    this.#connection = { connectionId: `PA_${identity}`, creationTime, data: '', identity, name, attributes: {} };
    const timer =
      lostUs === undefined
        ? undefined
        : room.clock.after((lostUs - room.clock.nowUs()) / 1000, () => {
            this.#lose();
          });
    this.#cancelLoss = () => timer?.cancel();
    room.join(this);
  }

  get connection(): Connection {
    return this.#connection;
  }

  tell(event: SessionEvent): void {
    if (!this.#over) this.#onEvent(event);
  }

  streamsChanged(): void {
    for (const mix of this.#mixes) mix.streamsChanged();
  }

  publish(request: DriverPublish, onEvent: (event: PublisherEvent) => void): Promise<DriverPublisher> {
    const { room, identity, onPublished, onSent, onMuted } = this.#options;
    this.#published++;
    onPublished?.(request.name);
    const publisher: RoomPublisher = new RoomPublisher({
      room,
      connection: this.connection,
      streamId: this.#published === 1 ? `ST_${identity}` : `ST_${identity}_${this.#published}`,
      request,
      onEvent,
      onSent: (value) => onSent?.(request.name, value),
      onMuted: (kind, muted) => onMuted?.(request.name, kind, muted),
      onClosed: () => this.#publishers.delete(publisher),
    });
    this.#publishers.add(publisher);
    if (request.hasAudio) {
      room.clock.after(0, () => {
        this.tell({ type: 'readyForAudio' });
      });
    }
    return Promise.resolve(publisher);
  }

  read(request: DriverRead, onEvent: (event: ReaderEvent) => void): Promise<DriverReader> {
    const { room } = this.#options;
    if (request.streamId === undefined) return Promise.resolve(this.#readMix(request, onEvent));
    const stream = room.stream(request.streamId);
    if (!stream) {
      const error = new SluiceError('SLUICE_STREAM_UNKNOWN', `there is no stream ${request.streamId}`);
      return Promise.reject(error);
    }
    const reader = new StreamReader(stream, request, onEvent);
    this.#count(stream, request.audio ? 1 : 0);
    return Promise.resolve(
      this.#kept(reader, () => {
        this.#count(stream, request.audio ? -1 : 0);
      }),
    );
  }

  setAttributes(attributes: Readonly<Record<string, string>>): Promise<void> {
    const { room, onAttributes } = this.#options;
    const all = Object.entries({ ...this.#connection.attributes, ...attributes });
    this.#connection = { ...this.#connection, attributes: Object.fromEntries(all.filter(([, value]) => value !== '')) };
    onAttributes?.(attributes);
    room.update(this.#connection);
    return Promise.resolve();
  }

  stats(): ReturnType<DriverSession['stats']> {
    const none = { candidatePairs: [], outbound: [], remoteInbound: [], inbound: [] };
    return Promise.resolve({ ...none, packetsDiscarded: 0, captionsDiscarded: 0 });
  }

  async disconnect(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    this.#cancelLoss();
    for (const reader of [...this.#readers]) reader.close();
    await Promise.all([...this.#publishers].map((publisher) => publisher.close()));
    this.#options.room.leave(this);
  }

  ref(): void {
    // Nothing here keeps the process alive.
  }

  unref(): void {
    // As above.
  }

  #lose(): void {
    const error = new SluiceError('SLUICE_SESSION_LOST', 'the session ended as the test says', {
      mend: 'That is what `lostMs` asks for.',
    });
    this.tell({ type: 'lost', error });
  }

  #readMix(request: DriverRead, onEvent: (event: ReaderEvent) => void): DriverReader {
    const { room } = this.#options;
    const wanted = (): RoomStream[] => {
      const streams = room.streamsFor(this.connection);
      return request.onlySubscribed === true ? streams.filter(({ streamId }) => this.#heard.has(streamId)) : streams;
    };
    const mix = new MixReader(room, request, wanted, onEvent);
    this.#mixes.add(mix);
    return this.#kept(mix, () => this.#mixes.delete(mix));
  }

  /** The reader, which is closed with the session; `onClosed` is called once. */
  #kept(reader: DriverReader, onClosed: () => void): DriverReader {
    const kept: DriverReader = {
      credit: (kind, values) => {
        reader.credit(kind, values);
      },
      requestKeyFrame: () => {
        reader.requestKeyFrame();
      },
      prefer: (preference) => {
        reader.prefer(preference);
      },
      close: () => {
        if (!this.#readers.delete(kept)) return;
        reader.close();
        onClosed();
      },
    };
    this.#readers.add(kept);
    return kept;
  }

  #count({ streamId }: RoomStream, change: number): void {
    const count = (this.#heard.get(streamId) ?? 0) + change;
    if (count > 0) this.#heard.set(streamId, count);
    else this.#heard.delete(streamId);
    if (change !== 0) this.streamsChanged();
  }
}
