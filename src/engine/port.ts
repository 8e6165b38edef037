import type { CaptionsData } from '../media/captions.js';
import type { ErrorData } from '../media/errors.js';
import type { PublishedCodec } from '../media/encoded-chunk.js';
import type { MediaValue } from '../media/media-value.js';
import type { PixelFormat } from '../media/video-frame.js';
import type { SessionStats } from './session-stats.js';
import type { VideoPreference, VideoSize } from './video-preference.js';

/*
 * The messages between the main thread and the media thread. Ids of sessions, publishers and readers are given by
 * the main thread, so that media can follow an `open` call without waiting for its answer.
 */

export type * from './session-stats.js';
export type { VideoPreference, VideoSize } from './video-preference.js';

/** Who takes part in a session, as signalling tells it. */
export interface ConnectionInfo {
  readonly connectionId: string;
  /** Milliseconds since 1970. */
  readonly creationTimeMs: number;
  /** From the token's metadata. */
  readonly data: string;
  readonly identity: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Tracks of one participant that belong together. */
export interface StreamState {
  readonly streamId: string;
  readonly name: string;
  readonly connection: ConnectionInfo;
  readonly hasAudio: boolean;
  readonly hasVideo: boolean;
}

export interface AudioFormat {
  readonly sampleRate: number;
  readonly numberOfChannels: number;
}

/** What flows to a reader, each at its own pace. */
export type ReadKind = 'audio' | 'video' | 'captions';

export interface ConnectArgs {
  readonly session: number;
  /** ws:, wss:, http: or https: */
  readonly url: string;
  /** Addresses where the session can be had as well, in this order. */
  readonly fallbackUrls?: readonly string[];
  readonly token: string;
  readonly timeoutMs: number;
  /** Go to another server when this one goes away. Default false. */
  readonly enableMigration?: boolean;
}

export interface ConnectResult {
  readonly sessionId: string;
  readonly connection: ConnectionInfo;
}

export interface PublisherOpenArgs {
  readonly session: number;
  readonly publisher: number;
  readonly name: string;
  readonly hasAudio: boolean;
  readonly hasVideo: boolean;
  /** Captions will be written. */
  readonly captions?: boolean;
  /** Format of the raw audio that will be written. */
  readonly audio: AudioFormat;
  /** Send two channels. */
  readonly stereo: boolean;
  readonly dtx: boolean;
  /** With `source` there is no video before its first picture, whose codec it has from then on. */
  readonly videoCodec: PublishedCodec;
  /** Raw pictures of 640x360 and above go out in up to three sizes. Default true. */
  readonly simulcast?: boolean;
  /** Size of black pictures, and of raw pictures when they are encoded. */
  readonly width: number;
  readonly height: number;
  /** Frames per second, 1 to 30. */
  readonly fps: number;
  readonly silenceToleranceMs: number;
  /** PUBLISHER_LEVELS numbers, see below. */
  readonly levels: SharedArrayBuffer;
  /** An AudioRing by which raw audio comes, marked with how many posts about audio (`write`, `clear`) were sent before it. */
  readonly audioRing?: SharedArrayBuffer;
}

/**
 * Places in the `levels` of a publisher (BigInt64Array, Atomics): media time in µs that has left each queue since
 * the beginning, sent or cleared. What was written minus this is what is buffered now, read without asking.
 * A writer that waits for room in a queue sets its `awaited` to 1: `consumed` is told then, once.
 */
export const PUBLISHER_LEVELS = {
  audioConsumedUs: 0,
  videoConsumedUs: 1,
  audioPlayedUs: 2,
  audioAwaited: 3,
  videoAwaited: 4,
  length: 5,
} as const;

export interface ReaderOpenArgs {
  readonly session: number;
  readonly reader: number;
  /** Stream to read; the mix of all audio when left out. */
  readonly streamId?: string;
  /** The mix: of the streams only whose audio is read on its own as well. */
  readonly onlySubscribed?: boolean;
  readonly audio: boolean;
  readonly video: boolean;
  readonly captions?: boolean;
  /** Encoded chunks as they came. */
  readonly encoded: boolean;
  /** Format of decoded audio. */
  readonly audioFormat: AudioFormat;
  /** An AudioRing for decoded audio; without one there is none. */
  readonly audioRing?: SharedArrayBuffer;
  /** Length of the chunks of a mix, in ms. Default 20. */
  readonly ptimeMs?: 10 | 20;
  readonly pixelFormat: PixelFormat;
  /** How good the pictures need to be at most. */
  readonly preferredVideo?: VideoPreference;
  /** Decoded pictures are made smaller to fit, keeping their shape. */
  readonly maxVideo?: VideoSize;
  /** Media time that may wait in the engine for this reader, in ms, for audio and video each. */
  readonly maxLagMs: number;
}

/** Calls with an answer. */
export interface EngineCalls {
  serviceStart: { args: { service: number; module: string; options: unknown }; result: unknown };
  serviceStats: { args: { service: number }; result: unknown };
  /** Lets a service end by itself, for so long; it still has to be stopped. */
  serviceDrain: { args: { service: number; deadlineMs: number }; result: undefined };
  serviceStop: { args: { service: number }; result: undefined };
  connect: { args: ConnectArgs; result: ConnectResult };
  disconnect: { args: { session: number }; result: undefined };
  /** Answered when the server has taken them. */
  setAttributes: {
    args: { session: number; attributes: Readonly<Record<string, string>> };
    result: undefined;
  };
  publisherOpen: { args: PublisherOpenArgs; result: { streamId: string } };
  publisherClose: { args: { publisher: number }; result: undefined };
  /** Answered when the captions are on their way. */
  publisherCaptions: { args: { publisher: number; captions: CaptionsData }; result: undefined };
  /** Answered when everything written before has left, or was cleared. */
  publisherDrain: { args: { publisher: number; kind: 'audio' | 'video' }; result: undefined };
  readerOpen: { args: ReaderOpenArgs; result: undefined };
  readerClose: { args: { reader: number }; result: undefined };
  stats: { args: { session: number }; result: SessionStats };
}

/** Messages to the engine without an answer. */
export interface EnginePosts {
  /** Media for a publisher; the buffer is transferred. Raw audio comes so where its ring is full. */
  write: { publisher: number; value: MediaValue };
  /** Drops what is queued. */
  clear: { publisher: number; kind: 'audio' | 'video' };
  /** Sends nothing of a kind for a while, and tells everyone. */
  mute: { publisher: number; kind: 'audio' | 'video'; muted: boolean };
  /**
   * Lets the engine send that many more values of a kind; of decoded audio the ring tells how many. The first credit starts the
   * reader.
   */
  credit: { reader: number; kind: ReadKind; values: number };
  requestKeyFrame: { reader: number };
  /** How good the pictures need to be at most has changed. */
  prefer: { reader: number; preferredVideo: VideoPreference };
}

/** Messages from the engine. */
export interface EngineEvents {
  media: { reader: number; value: MediaValue };
  /** There is decoded audio in the ring of a reader. */
  audio: { reader: number };
  captions: { reader: number; captions: CaptionsData };
  /** Values dropped because the reader lags behind; `durationUs` is their media time. */
  overflow: { reader: number; kind: ReadKind; values: number; durationUs: number };
  /** The stream is gone, or the session ended: nothing more will come. */
  readerEnd: { reader: number };
  readerError: { reader: number; error: ErrorData };
  /** A queue of a publisher ran dry; once until it was filled again. */
  mediaBufferDrained: { publisher: number; kind: 'audio' | 'video' };
  /** The queue of a publisher shrank while its writer waited for that. */
  consumed: { publisher: number; kind: 'audio' | 'video' };
  publisherError: { publisher: number; error: ErrorData };
  publisherEnd: { publisher: number };
  /** Somebody in charge of the session muted it. */
  publisherMuted: { publisher: number; kind: 'audio' | 'video' };
  /** A receiver needs a key frame, and the publisher is fed with encoded video. */
  keyFrameRequested: { publisher: number };
  connectionCreated: { session: number; connection: ConnectionInfo };
  connectionDropped: { session: number; connection: ConnectionInfo };
  /** What is said of a participant, oneself included, has changed. */
  connectionUpdated: { session: number; connection: ConnectionInfo };
  streamReceived: { session: number; stream: StreamState };
  streamUpdated: { session: number; stream: StreamState };
  streamDropped: { session: number; streamId: string };
  /** The stream whose participant speaks loudest now; none when all are silent. */
  speakerChanged: { session: number; streamId?: string };
  /** The stay at the server has ended, and the participant joins anew: until `migrated` no media flows. */
  migrating: { session: number };
  /** It has joined anew, and publishes all that it did. */
  migrated: { session: number };
  /** The session ended without being asked to. */
  sessionLost: { session: number; error: ErrorData };
}

type CallMessage = {
  [N in keyof EngineCalls]: {
    readonly t: 'call';
    readonly id: number;
    readonly name: N;
    readonly args: EngineCalls[N]['args'];
  };
}[keyof EngineCalls];

type PostMessage = {
  [N in keyof EnginePosts]: { readonly t: 'post'; readonly name: N; readonly args: EnginePosts[N] };
}[keyof EnginePosts];

type EventMessage = {
  [N in keyof EngineEvents]: { readonly t: 'event'; readonly name: N; readonly args: EngineEvents[N] };
}[keyof EngineEvents];

export type ToEngine = CallMessage | PostMessage | { readonly t: 'shutdown'; readonly done: SharedArrayBuffer };

/** The event `audio`, fifty times a second, is the number of its reader: nothing takes less to clone. */
export type FromEngine =
  | EventMessage
  | { readonly t: 'reply'; readonly id: number; readonly result?: unknown; readonly error?: ErrorData }
  | number;
