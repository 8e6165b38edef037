import type { CaptionsData } from '../media/captions.js';
import type { PublishedCodec } from '../media/encoded-chunk.js';
import type { SluiceError } from '../media/errors.js';
import type { MediaValue, StreamValue } from '../media/media-value.js';
import type { PixelFormat } from '../media/video-frame.js';
import type { ReadKind, SessionStats, VideoPreference, VideoSize } from '../engine/port.js';
import type { AudioFormat, ResolvedSessionSettings, VideoFormat } from './settings.js';

/*
 * What a backend must do. Session, Publisher and Subscriber know nothing else of it. Media goes through it in one
 * direction by writes that are counted in media time, in the other by credits.
 */

/** The two sorts of media that flow independently of each other. */
export type Kind = 'audio' | 'video';
export type { ReadKind } from '../engine/port.js';

/** Who takes part in a session. */
export interface Connection {
  readonly connectionId: string;
  readonly creationTime: Date;
  /** From the token's metadata; empty when there is none. */
  readonly data: string;
  readonly identity: string;
  /** Name that other participants see. */
  readonly name: string;
  /** What the participant says of itself, as `lk.agent.state`. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** A stream of another participant as it is now. */
export interface StreamDescription {
  readonly streamId: string;
  readonly name: string;
  readonly connection: Connection;
  readonly hasAudio: boolean;
  readonly hasVideo: boolean;
}

/** A way to take part in sessions. */
export interface Driver {
  /** False for a backend that knows its servers: sessions are joined without a URL, by a token that the caller gives. */
  readonly usesUrl?: false;
  /**
   * Joins a session. Events may come before it resolves and are told in order; the streams that are already there
   * are told as received. When `signal` is aborted it leaves what it had joined and rejects with the signal's reason.
   * Errors: SLUICE_CONNECT_FAILED, SLUICE_CONNECT_TIMEOUT, SLUICE_TOKEN_*, SLUICE_PERMISSION_DENIED.
   */
  connect(request: DriverConnect, onEvent: (event: SessionEvent) => void): Promise<DriverSession>;
}

export interface DriverConnect {
  readonly url: string;
  /** Addresses where the session can be had as well, in this order. */
  readonly fallbackUrls: readonly string[];
  /** What the caller asked for; some backends take the session from the token alone. */
  readonly sessionId: string | undefined;
  readonly token: string;
  readonly settings: ResolvedSessionSettings;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

export type SessionEvent =
  | { readonly type: 'connectionCreated' | 'connectionDropped'; readonly connection: Connection }
  /** What is said of a participant, oneself included, has changed. */
  | { readonly type: 'connectionUpdated'; readonly connection: Connection }
  | { readonly type: 'streamReceived' | 'streamUpdated'; readonly stream: StreamDescription }
  | { readonly type: 'streamDropped'; readonly streamId: string }
  /** The stream whose participant speaks loudest; none when all are silent. */
  | { readonly type: 'speakerChanged'; readonly streamId: string | undefined }
  /** A publisher with audio takes it now; not told before its `publish` resolved. */
  | { readonly type: 'readyForAudio' }
  /**
   * The participant joins anew, at this server or another; until `migrated` no media flows. What is open stays open, and the ids
   * that were told stay what they are; a stream that does not come back is told as dropped after a while.
   */
  | { readonly type: 'migrating' | 'migrated' }
  /** The session ended without being asked to. Nothing comes after it. */
  | { readonly type: 'lost'; readonly error: SluiceError };

/** A session that was joined. It keeps the process alive until it is left, or `unref` was called. */
export interface DriverSession {
  readonly sessionId: string;
  readonly connection: Connection;
  /** Errors: SLUICE_PERMISSION_DENIED, SLUICE_PUBLISH_FAILED. */
  publish(request: DriverPublish, onEvent: (event: PublisherEvent) => void): Promise<DriverPublisher>;
  /** Opens a reader; nothing is decoded or held before its first credit. Errors: SLUICE_STREAM_UNKNOWN, SLUICE_SUBSCRIBE_FAILED. */
  read(request: DriverRead, onEvent: (event: ReaderEvent) => void): Promise<DriverReader>;
  /**
   * Changes attributes of this participant; an empty value takes one away. Resolves when the server has taken them. Where the
   * participant joins anew it has them again.
   * Errors: SLUICE_PERMISSION_DENIED, SLUICE_PUBLISH_FAILED, SLUICE_SESSION_CLOSED.
   */
  setAttributes(attributes: Readonly<Record<string, string>>): Promise<void>;
  stats(): Promise<SessionStats>;
  /** Leaves, and closes what is open. Nothing is told afterwards. */
  disconnect(): Promise<void>;
  ref(): void;
  unref(): void;
}

export interface DriverPublish {
  readonly name: string;
  readonly hasAudio: boolean;
  readonly hasVideo: boolean;
  /** Captions will be written. */
  readonly captions: boolean;
  /** Raw audio that will be written. */
  readonly audio: AudioFormat;
  readonly stereo: boolean;
  readonly dtx: boolean;
  /** Raw video that will be written, and black pictures. */
  readonly video: VideoFormat;
  /** With `source` there is no video before its first picture, whose codec it has from then on. */
  readonly videoCodec: PublishedCodec;
  /** Raw pictures of 640x360 and above go out in up to three sizes. */
  readonly simulcast: boolean;
  readonly silenceToleranceMs: number;
}

export interface DriverPublisher {
  readonly streamId: string;
  /** Takes a value at once. Values belong to others too: its memory is copied, not kept. */
  write(value: MediaValue): void;
  /**
   * Sends captions; resolves when they are on their way, so that a writer that waits for it sends no faster than they leave.
   * Errors: SLUICE_PUBLISH_FAILED, SLUICE_SESSION_CLOSED.
   */
  writeCaptions(captions: CaptionsData): Promise<void>;
  /** Media time in µs that has left the queue since the beginning, sent or cleared. Asked at every write. */
  consumedUs(kind: Kind): number;
  /** Asks for a `consumed` when some has left; without it none may come. What leaves during the call is not told of. */
  awaitRoom(kind: Kind): void;
  /** Media time of audio in µs that has been sent. */
  playedUs(): number;
  /** Drops what is queued. */
  clear(kind: Kind): void;
  /** Sends nothing of a kind until it is not muted any more, and tells everyone. What is written leaves as ever. */
  mute(kind: Kind, muted: boolean): void;
  /** Resolves when everything written so far has left or was cleared, or the publisher was closed. */
  drain(kind: Kind): Promise<void>;
  /** Stops publishing; what is queued is dropped. */
  close(): Promise<void>;
}

export type PublisherEvent =
  /** The queue has shrunk, and room was waited for. */
  | { readonly type: 'consumed'; readonly kind: Kind }
  /** The queue ran dry; once until it was filled again. */
  | { readonly type: 'drained'; readonly kind: Kind }
  /** A receiver needs a key frame, and the publisher is fed with encoded video. */
  | { readonly type: 'keyFrameRequested' }
  | { readonly type: 'error'; readonly error: SluiceError }
  /** Somebody in charge of the session muted it: nothing of the kind is sent. */
  | { readonly type: 'muted'; readonly kind: Kind }
  /** The server ended the publication. */
  | { readonly type: 'ended' };

export interface DriverRead {
  /** Stream to read; the mix of all audio when left out. */
  readonly streamId?: string;
  /** The mix: of the streams only that a reader was opened for with `audio`, rather than of all. */
  readonly onlySubscribed?: boolean;
  readonly audio: boolean;
  readonly video: boolean;
  readonly captions: boolean;
  readonly encoded: boolean;
  readonly audioFormat: AudioFormat;
  /** Length of the chunks of the mix, in ms; 20 when left out. */
  readonly ptimeMs?: 10 | 20;
  readonly pixelFormat: PixelFormat;
  /** How good the pictures need to be at most, where there is a choice. */
  readonly preferredVideo?: VideoPreference;
  /** Decoded pictures are made smaller to fit, keeping their shape. */
  readonly maxVideo?: VideoSize;
  /** Media time that may wait for this reader, of audio and video each, in ms; beyond it the oldest is dropped. */
  readonly maxLagMs: number;
}

export interface DriverReader {
  /** Lets that many more values come. The first credit of a kind starts it. */
  credit(kind: ReadKind, values: number): void;
  requestKeyFrame(): void;
  /** How good the pictures need to be at most has changed. */
  prefer(preference: VideoPreference): void;
  close(): void;
}

export type ReaderEvent =
  | { readonly type: 'media'; readonly value: StreamValue }
  | { readonly type: 'overflow'; readonly kind: ReadKind; readonly values: number; readonly durationUs: number }
  /** The stream is gone: nothing more will come. */
  | { readonly type: 'ended' }
  | { readonly type: 'error'; readonly error: SluiceError };

/** Which of the sorts a value belongs to. */
export function kindOf(value: MediaValue): Kind;
export function kindOf(value: StreamValue): ReadKind;
export function kindOf(value: StreamValue): ReadKind {
  if (value.kind === 'captions') return 'captions';
  return value.kind === 'audio' || value.kind === 'encoded-audio' ? 'audio' : 'video';
}
