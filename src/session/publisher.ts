import { SluiceError } from '../media/errors.js';
import { isKeyFrameSource } from '../media/key-frame-source.js';
import type { StreamValue } from '../media/media-value.js';
import type { PublisherAccess } from '../media/session-access.js';
import { tellPlayout } from './audio-playout.js';
import { CaptionsLane } from './captions-lane.js';
import { PublishedFormat } from './check-published.js';
import type {
  Connection,
  DriverPublish,
  DriverPublisher,
  DriverSession,
  Kind,
  PublisherEvent,
  ReadKind,
} from './driver.js';
import { MediaLane } from './media-lane.js';
import { destroyQuietly, MediaWritable, type Lane, type MediaTarget } from './media-writable.js';
import type { ResolvedPublisherSettings, ResolvedSessionSettings } from './settings.js';
import type { Emit, Listen } from './typed-events.js';

const KINDS: readonly Kind[] = ['audio', 'video'];

/** What waits to be sent, for each kind that is published. */
export interface MediaBufferStats {
  readonly audio?: { readonly durationMs: number };
  readonly video?: { readonly durationMs: number };
}

/** The stream that a publisher makes, as the other participants see it; kept up to date. */
export interface PublishedStream {
  readonly streamId: string;
  readonly name: string;
  readonly connection: Connection;
  readonly connectionId: string;
  readonly hasAudio: boolean;
  readonly hasVideo: boolean;
}

export interface PublisherEvents {
  streamCreated: [stream: PublishedStream];
  streamDestroyed: [stream: PublishedStream];
  /** A buffer ran dry; not told again before it was filled. */
  mediaBufferDrained: [stats: MediaBufferStats, kind: Kind];
  /** Somebody in charge of the session muted it. `publishAudio(true)` or `publishVideo(true)` ends that. */
  muteForced: [kind: Kind];
  /** A receiver needs a key frame; told to a source that is piped in and has `requestKeyFrame()` as well. */
  keyFrameRequested: [];
  drain: [];
  error: [error: Error];
  finish: [];
  close: [];
}

/**
 * A stream that this participant sends. Takes audio and video, raw in the format of its settings or encoded, and captions;
 * `audio`, `video` and `captions` are Writables of their own for one of them. `write()` returns false while `highWaterMarkMs` of
 * media wait, and `drain` follows. Values are copied: they stay the caller's.
 *
 * `end()` waits until all has been sent, then stops publishing; so does ending all of its parts.
 * Errors: SLUICE_FORMAT_MISMATCH for what it was not set up for, SLUICE_SESSION_CLOSED and SLUICE_STATE_INVALID for
 * writes that come after its end, SLUICE_SESSION_LOST.
 */
export class Publisher extends MediaWritable implements PublisherAccess {
  declare readonly on: Listen<PublisherEvents, this>;
  declare readonly once: Listen<PublisherEvents, this>;
  declare readonly off: Listen<PublisherEvents, this>;
  declare readonly emit: Emit<PublisherEvents>;

  /** What is published, as others see it. */
  readonly stream: PublishedStream;
  /** Takes audio only. */
  readonly audio: MediaWritable;
  /** Takes video only. */
  readonly video: MediaWritable;
  /** Takes CaptionsData only, with `enableCaptions`. */
  readonly captions: MediaWritable;
  readonly #link: DriverPublisher;
  readonly #format: PublishedFormat;
  readonly #lanes: ReadonlyMap<Kind, MediaLane>;
  readonly #captionsLane: CaptionsLane | undefined;
  #over = false;

  /** @internal Made by `openPublisher`. */
  constructor(link: DriverPublisher, stream: PublishedStream, request: DriverPublish, highWaterMarkMs: number) {
    const kinds = KINDS.filter((kind) => (kind === 'audio' ? request.hasAudio : request.hasVideo));
    const frameUs = 1_000_000 / request.video.fps;
    const lane = (kind: Kind): MediaLane =>
      new MediaLane(
        {
          write: (value) => link.write(value),
          consumedUs: () => link.consumedUs(kind),
          awaitRoom: () => link.awaitRoom(kind),
        },
        highWaterMarkMs * 1000,
        frameUs,
      );
    const lanes = new Map(kinds.map((kind) => [kind, lane(kind)]));
    const captions = request.captions
      ? new CaptionsLane({
          write: (text) => link.writeCaptions(text),
          roomMade: () => this.#roomMade(),
          failed: (error) => this.destroy(error),
        })
      : undefined;
    const allLanes = new Map<ReadKind, Lane>(lanes);
    if (captions) allLanes.set('captions', captions);
    const format = new PublishedFormat(request);
    const target = {
      lanes: allLanes,
      check: (value: StreamValue) => format.take(value),
      drain: drainOf(link, captions),
    };
    super(target, [...allLanes.keys()]);
    this.#link = link;
    this.#format = format;
    this.#lanes = lanes;
    this.#captionsLane = captions;
    this.stream = stream;
    this.audio = this.#part(target, 'audio');
    for (const writable of [this, this.audio]) {
      tellPlayout(writable, {
        playedUs: () => link.playedUs(),
        heldUs: () => lanes.get('audio')?.heldUs ?? 0,
        clear: async () => {
          this.#clear('audio', [writable]);
          await link.drain('audio');
        },
      });
    }
    this.video = this.#part(target, 'video');
    this.captions = this.#part(target, 'captions');
    setImmediate(() => {
      if (!this.#over) this.emit('streamCreated', stream);
    });
  }

  get streamId(): string {
    return this.stream.streamId;
  }

  /** Throws where `write()` would end the stream with an error. Errors: SLUICE_FORMAT_MISMATCH. */
  check(value: StreamValue): void {
    this.#format.check(value);
  }

  /** What was taken and has not been sent, now. */
  get stats(): MediaBufferStats {
    const audio = this.#lanes.get('audio');
    const video = this.#lanes.get('video');
    return {
      ...(audio && { audio: { durationMs: audio.heldUs / 1000 } }),
      ...(video && { video: { durationMs: video.heldUs / 1000 } }),
    };
  }

  /** Media time of audio in µs that has been sent. */
  get played(): number {
    return this.#link.playedUs();
  }

  /**
   * Mutes the sound for everybody, or ends that; the stream stays. What is written meanwhile goes its way as ever, and is
   * not heard. Nothing happens without audio.
   */
  publishAudio(on: boolean): void {
    this.#turn('audio', on);
  }

  /** Turns the picture off for everybody, or on again; as `publishAudio`. */
  publishVideo(on: boolean): void {
    this.#turn('video', on);
  }

  /** Drops everything that was written and has not been sent, audio and video. */
  clear(): void {
    for (const kind of this.#lanes.keys()) this.#clear(kind, [this, this[kind]]);
  }

  /** @internal */
  handle(event: PublisherEvent): void {
    switch (event.type) {
      case 'consumed':
        this.#lanes.get(event.kind)?.flow();
        this.#roomMade();
        break;
      case 'drained':
        this.emit('mediaBufferDrained', this.stats, event.kind);
        break;
      case 'keyFrameRequested':
        this.#forwardKeyFrameRequest();
        this.emit('keyFrameRequested');
        break;
      case 'muted':
        this.#note(event.kind, false);
        this.emit('muteForced', event.kind);
        break;
      case 'error':
        this.destroy(event.error);
        break;
      case 'ended':
        this.shut(new SluiceError('SLUICE_STATE_INVALID', 'the server has ended what was published'));
        break;
    }
  }

  /** Stops publishing at once; what waits is dropped. */
  async close(): Promise<void> {
    this.shut(new SluiceError('SLUICE_STATE_INVALID', 'the publisher has been unpublished'));
    await this.#link.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal Ends it from this side: writers that are still at it get `reason`. */
  shut(reason: SluiceError): void {
    this.#end();
    for (const writable of [...this.#parts, this]) writable.closeBy(reason);
  }

  /** @internal Ends it with an error, told to whoever listens. */
  fail(error: Error): void {
    this.#end();
    for (const writable of [...this.#parts, this]) destroyQuietly(writable, error);
  }

  /** @internal */
  override async finish(): Promise<void> {
    await super.finish();
    if (!this.#over) await this.close();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const wasOpen = !this.#over;
    this.#end();
    for (const part of this.#parts) {
      if (!part.writableFinished) destroyQuietly(part, error ?? undefined);
    }
    const closed = wasOpen ? this.#link.close() : Promise.resolve();
    closed.then(
      () => {
        done(error);
      },
      () => {
        done(error);
      },
    );
  }

  /** Drops what waits of one kind, and what was written to these and has not been passed on. */
  #clear(kind: Kind, writables: readonly MediaWritable[]): void {
    for (const writable of writables) writable.dropWritten();
    this.#lanes.get(kind)?.clear();
    this.#link.clear(kind);
    this.#roomMade();
  }

  #turn(kind: Kind, on: boolean): void {
    if (!this.#lanes.has(kind) || this.#over) return;
    this.#note(kind, on);
    this.#link.mute(kind, !on);
  }

  #note(kind: Kind, on: boolean): void {
    Object.assign(this.stream, kind === 'audio' ? { hasAudio: on } : { hasVideo: on });
  }

  get #parts(): readonly MediaWritable[] {
    return [this.audio, this.video, this.captions];
  }

  #part(target: MediaTarget, kind: ReadKind): MediaWritable {
    const part = new MediaWritable(target, [kind]);
    part.once('close', () => {
      if (this.#over) return;
      // What is not published has no part in it: its Writable refuses whatever is written.
      const open = [...this.#lanes.keys()].some((other) => !this[other].closed);
      // Captions may lag behind what they are about; without anybody who writes them they keep nothing open.
      const isCaptioned = this.captions.sources.size > 0 && !this.captions.closed;
      if (!open && !isCaptioned) this.end();
    });
    return part;
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    for (const lane of this.#lanes.values()) lane.close();
    this.#captionsLane?.close();
    this.emit('streamDestroyed', this.stream);
  }

  #roomMade(): void {
    for (const writable of [...this.#parts, this]) writable.roomMade();
  }

  #forwardKeyFrameRequest(): void {
    for (const writable of [this, this.video]) {
      for (const source of writable.sources) {
        if (isKeyFrameSource(source)) source.requestKeyFrame();
      }
    }
  }
}

/** Publishes a stream. Errors: SLUICE_PERMISSION_DENIED, SLUICE_PUBLISH_FAILED. */
export async function openPublisher(
  session: DriverSession,
  settings: ResolvedPublisherSettings,
  { av }: ResolvedSessionSettings,
): Promise<Publisher> {
  const request: DriverPublish = {
    name: settings.name ?? (session.connection.name || 'sluice'),
    hasAudio: settings.hasAudio,
    hasVideo: settings.hasVideo,
    captions: settings.enableCaptions,
    audio: settings.audioFormat ?? av.audioPublisher,
    stereo: settings.audioSettings.enableStereoMode,
    dtx: settings.audioSettings.enableOpusDtx,
    video: settings.videoFormat ?? av.videoPublisher,
    videoCodec: settings.videoCodec,
    simulcast: settings.simulcast,
    silenceToleranceMs: settings.silenceToleranceMs,
  };
  const early: PublisherEvent[] = [];
  let deliver = (event: PublisherEvent): void => void early.push(event);
  const link = await session.publish(request, (event) => deliver(event));
  const { connection } = session;
  const { name, hasAudio, hasVideo } = request;
  const stream = {
    streamId: link.streamId,
    name,
    connection,
    connectionId: connection.connectionId,
    hasAudio,
    hasVideo,
  };
  const publisher = new Publisher(link, stream, request, settings.highWaterMarkMs);
  deliver = (event) => publisher.handle(event);
  for (const event of early) publisher.handle(event);
  return publisher;
}

function drainOf(
  link: DriverPublisher,
  captions: CaptionsLane | undefined,
): (kinds: readonly ReadKind[]) => Promise<void> {
  return async (kinds) => {
    await Promise.all(kinds.map(async (kind) => await (kind === 'captions' ? captions?.drained() : link.drain(kind))));
  };
}
