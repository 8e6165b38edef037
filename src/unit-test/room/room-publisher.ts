import { namingSpeaker, type CaptionsData } from '../../media/captions.js';
import type { Clock } from '../../media/clock.js';
import type { MediaValue, StreamValue } from '../../media/media-value.js';
import {
  kindOf,
  type Connection,
  type DriverPublish,
  type DriverPublisher,
  type Kind,
  type PublisherEvent,
} from '../../session/driver.js';
import { Outflow } from './outflow.js';
import { RoomStream } from './room-stream.js';
import type { Room } from './room.js';

export interface RoomPublisherOptions {
  readonly room: Room;
  readonly connection: Connection;
  readonly streamId: string;
  readonly request: DriverPublish;
  readonly onEvent: (event: PublisherEvent) => void;
  /** Told of what is sent, with the time in the room as its time stamp. */
  readonly onSent: (value: StreamValue) => void;
  /** Told when a kind of it is muted, or not any more. */
  readonly onMuted: (kind: Kind, muted: boolean) => void;
  readonly onClosed: () => void;
}

/** A picture that is due later than this after the one before belongs to another time line, in µs. */
const MAX_PAUSE_US = 2_000_000;

/**
 * What a session of the pipeline publishes in a room. Media leaves at the pace of the room's clock, with pictures in step with the
 * sound they belong to; nothing is sent in between (no silence, no picture twice).
 */
export class RoomPublisher implements DriverPublisher {
  readonly streamId: string;
  readonly stream: RoomStream;
  readonly #options: RoomPublisherOptions;
  readonly #clock: Clock;
  readonly #flows: Readonly<Record<Kind, Outflow>>;
  readonly #muted = new Set<Kind>();
  /** Time in the room minus time stamp, of the sound; of the pictures where there is none. */
  #soundShiftUs: number | undefined;
  #pictureShiftUs: number | undefined;
  #sentEncoded = false;
  #closed = false;

  constructor(options: RoomPublisherOptions) {
    const { room, connection, streamId, request } = options;
    this.#options = options;
    this.#clock = room.clock;
    this.streamId = streamId;
    const { name, hasAudio, hasVideo } = request;
    this.stream = new RoomStream(
      { streamId, name, connection, hasAudio, hasVideo },
      {
        onKeyFrameWanted: () => {
          if (this.#sentEncoded) this.#tell({ type: 'keyFrameRequested' });
        },
      },
    );
    const frameUs = 1_000_000 / request.video.fps;
    this.#flows = {
      audio: this.#flow('audio', frameUs),
      video: this.#flow('video', frameUs, (value) => this.#pictureDueUs(value)),
    };
    room.addStream(this.stream);
  }

  write(value: MediaValue): void {
    if (!this.#closed) this.#flows[kindOf(value)].write(value);
  }

  writeCaptions(captions: CaptionsData): Promise<void> {
    this.#send('captions', namingSpeaker(captions));
    return Promise.resolve();
  }

  consumedUs(kind: Kind): number {
    return this.#flows[kind].consumedUs;
  }

  awaitRoom(): void {
    // Whoever waits is told each time that something leaves.
  }

  playedUs(): number {
    return this.#flows.audio.sentUs;
  }

  clear(kind: Kind): void {
    this.#flows[kind].clear();
  }

  mute(kind: Kind, muted: boolean): void {
    if (muted) this.#muted.add(kind);
    else this.#muted.delete(kind);
    this.#options.onMuted(kind, muted);
    this.#options.room.updateStream(this.stream, { [kind === 'audio' ? 'hasAudio' : 'hasVideo']: !muted });
  }

  drain(kind: Kind): Promise<void> {
    return this.#flows[kind].drained();
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#flows.audio.close();
      this.#flows.video.close();
      this.#options.room.removeStream(this.stream);
      this.#options.onClosed();
    }
    return Promise.resolve();
  }

  #flow(kind: Kind, frameUs: number, dueUs?: (value: MediaValue) => number): Outflow {
    return new Outflow({
      clock: this.#clock,
      frameUs,
      ...(dueUs && { dueUs }),
      onValue: (value, atUs) => {
        if (kind === 'audio') this.#soundShiftUs = atUs - value.timestamp;
        else this.#pictureShiftUs = atUs - value.timestamp;
        if (value.kind === 'encoded-video') this.#sentEncoded = true;
        if (!this.#muted.has(kind)) this.#send(kind, { ...value, timestamp: Math.round(atUs) });
      },
      onConsumed: () => {
        this.#tell({ type: 'consumed', kind });
      },
      onDrained: () => {
        this.#tell({ type: 'drained', kind });
      },
    });
  }

  #pictureDueUs({ timestamp }: MediaValue): number {
    const nowUs = this.#clock.nowUs();
    const shiftUs = this.#soundShiftUs ?? this.#pictureShiftUs;
    if (shiftUs === undefined) return nowUs;
    const dueUs = timestamp + shiftUs;
    return dueUs - nowUs > MAX_PAUSE_US ? nowUs : dueUs;
  }

  #send(kind: Kind | 'captions', value: StreamValue): void {
    this.#options.onSent(value);
    this.stream.give(kind, value);
  }

  #tell(event: PublisherEvent): void {
    if (!this.#closed) this.#options.onEvent(event);
  }
}
