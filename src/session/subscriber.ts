import type { VideoPreference } from '../engine/port.js';
import type { StreamInfo, SubscriberAccess } from '../media/session-access.js';
import type { DriverRead, DriverSession, ReadKind } from './driver.js';
import { MediaReadable, ReaderHub, type ReaderCounts } from './media-readable.js';
import { destroyQuietly } from './media-writable.js';
import type { StreamValue } from '../media/media-value.js';
import {
  parseSettings,
  SubscriberVideoSettings,
  type AudioFormat,
  type MixFormat,
  type ResolvedSessionSettings,
  type ResolvedSubscriberSettings,
  type VideoResolution,
} from './settings.js';
import type { Emit, Listen } from './typed-events.js';

/** How far a reader of the mix may fall behind before the oldest is dropped, in ms. */
const MIX_MAX_LAG_MS = 1000;

const KINDS: readonly ReadKind[] = ['audio', 'video', 'captions'];

/** Values that were dropped because the reader lagged behind. */
export interface Overflow {
  readonly kind: ReadKind;
  readonly values: number;
  readonly durationMs: number;
}

/** Counts of what came, for each kind that is subscribed to. */
export interface SubscriberStats {
  readonly audio?: ReaderCounts;
  readonly video?: ReaderCounts;
  readonly captions?: ReaderCounts;
}

export interface SubscriberEvents {
  /** The reader is more than `maxLagMs` behind, or 64 texts: the oldest was dropped. */
  overflow: [overflow: Overflow];
  /** The stream is gone, was unsubscribed from, or the session ended; what waits can still be read. */
  disconnected: [];
  data: [value: StreamValue];
  error: [error: Error];
  end: [];
  close: [];
}

/**
 * What one stream of another participant sends: audio and video as they come, raw or (`encoded: true`) as encoded
 * chunks, and captions. `audio`, `video` and `captions` are Readables of their own for one of them; reading one starts only
 * that one. Nothing is decoded or held before the first read. A reader more than `maxLagMs` behind loses the oldest: event `overflow`,
 * counted in `stats`. It ends when the stream does.
 */
export class Subscriber extends MediaReadable implements SubscriberAccess {
  declare readonly on: Listen<SubscriberEvents, this>;
  declare readonly once: Listen<SubscriberEvents, this>;
  declare readonly off: Listen<SubscriberEvents, this>;
  declare readonly emit: Emit<SubscriberEvents>;

  /** What is subscribed to. */
  readonly stream: StreamInfo;
  readonly audio: MediaReadable;
  readonly video: MediaReadable;
  /** CaptionsData, with `subscribeToCaptions`. */
  readonly captions: MediaReadable;
  readonly #hub: ReaderHub;
  readonly #maxResolution: VideoResolution | undefined;
  #videoSettings: SubscriberVideoSettings;

  /** @internal Made by `openSubscriber`. */
  constructor(hub: ReaderHub, stream: StreamInfo, kinds: readonly ReadKind[], settings: ResolvedSubscriberSettings) {
    super(hub, kinds);
    this.#hub = hub;
    this.#videoSettings = settings.videoSettings;
    this.#maxResolution = settings.maxResolution;
    this.stream = stream;
    this.audio = this.#part('audio');
    this.video = this.#part('video');
    this.captions = this.#part('captions');
    hub.onOverflow = (kind, values, durationMs) => this.emit('overflow', { kind, values, durationMs });
    hub.onOver = () => this.emit('disconnected');
    this.once('close', () => {
      for (const part of [this.audio, this.video, this.captions]) if (!part.readableEnded) destroyQuietly(part);
    });
  }

  get stats(): SubscriberStats {
    const audio = this.#hub.counts('audio');
    const video = this.#hub.counts('video');
    const captions = this.#hub.counts('captions');
    return { ...(audio && { audio }), ...(video && { video }), ...(captions && { captions }) };
  }

  /**
   * Of a simulcast stream the layer nearest to it is received from now on, the best without one. Where several read the
   * stream, the one that needs most decides. Errors: SLUICE_CONFIG_INVALID.
   */
  setPreferredResolution(preferredResolution: VideoResolution | undefined): void {
    this.#prefer({ ...this.#videoSettings, preferredResolution });
  }

  /** As many frames per second suffice from now on, where the stream has temporal layers. Errors: SLUICE_CONFIG_INVALID. */
  setPreferredFramerate(preferredFramerate: number | undefined): void {
    this.#prefer({ ...this.#videoSettings, preferredFramerate });
  }

  /** Stops reading; what waits can still be read, then the streams end. */
  close(): void {
    this.#hub.close();
  }

  override [Symbol.asyncDispose](): Promise<void> {
    this.close();
    this.destroy();
    return Promise.resolve();
  }

  /** @internal Ends it with an error, told to whoever listens. */
  fail(error: Error): void {
    this.#hub.fail(error, true);
  }

  #prefer(settings: SubscriberVideoSettings): void {
    this.#videoSettings = parseSettings(SubscriberVideoSettings, settings, 'videoSettings');
    this.#hub.prefer(preferenceOf(this.#videoSettings, this.#maxResolution));
  }

  #part(kind: ReadKind): MediaReadable {
    const part = new MediaReadable(this.#hub, [kind], () => {
      // When nothing of it can be read any more, the whole is over.
      const open = KINDS.some((other) => this.#hub.has(other) && !this[other].destroyed);
      if (!open && !this.started) this.destroy();
    });
    if (!this.#hub.has(kind)) part.push(null);
    return part;
  }
}

/** Subscribes to a stream. Errors: SLUICE_STREAM_UNKNOWN, SLUICE_SUBSCRIBE_FAILED. */
export async function openSubscriber(
  session: DriverSession,
  stream: StreamInfo,
  settings: ResolvedSubscriberSettings,
  { av }: ResolvedSessionSettings,
): Promise<Subscriber> {
  const { subscribeToAudio: audio, subscribeToVideo: video, subscribeToCaptions: captions } = settings;
  const wanted = { audio, video, captions };
  const kinds = KINDS.filter((kind) => wanted[kind]);
  const hub = new ReaderHub(kinds);
  const subscriber = new Subscriber(hub, stream, kinds, settings);
  const request = {
    streamId: stream.streamId,
    ...wanted,
    encoded: settings.encoded,
    audioFormat: settings.audioFormat ?? formatOf(av.audioSubscribersMix),
    pixelFormat: settings.pixelFormat,
    preferredVideo: preferenceOf(settings.videoSettings, settings.maxResolution),
    ...(settings.maxResolution && { maxVideo: settings.maxResolution }),
    maxLagMs: settings.maxLagMs,
  };
  hub.attach(await session.read(request, (event) => hub.handle(event)));
  return subscriber;
}

/** What needs to be received: no more than is shown, where nothing else is said. */
function preferenceOf(
  { preferredResolution, preferredFramerate }: SubscriberVideoSettings,
  maxResolution: VideoResolution | undefined,
): VideoPreference {
  return {
    ...(preferredResolution ?? maxResolution),
    ...(preferredFramerate !== undefined && { fps: preferredFramerate }),
  };
}

function formatOf({ sampleRate, numberOfChannels }: MixFormat): AudioFormat {
  return { sampleRate, numberOfChannels };
}

export interface MixOptions {
  /** Of the streams only that a subscriber was opened for with `subscribeToAudio`. Default: of all. */
  readonly onlySubscribed?: boolean;
}

/** A reader of the mix of audio; it is opened by its first read. */
export function openMix(
  session: DriverSession,
  wanted: Pick<DriverRead, 'audioFormat' | 'ptimeMs' | 'onlySubscribed'>,
): { readonly mix: MediaReadable; readonly hub: ReaderHub } {
  const request = {
    ...wanted,
    audio: true,
    video: false,
    captions: false,
    encoded: false,
    pixelFormat: 'YUV420P',
    maxLagMs: MIX_MAX_LAG_MS,
  } as const;
  const hub: ReaderHub = new ReaderHub(['audio'], () => session.read(request, (event) => hub.handle(event)));
  return { mix: new MediaReadable(hub, ['audio']), hub };
}
