import type { MediaValue } from '../media/media-value.js';
import type { StreamInfo } from '../media/session-access.js';
import type { Connection, Kind } from './driver.js';
import type { MediaBufferStats, Publisher } from './publisher.js';

/** A stream of another participant. The same object for as long as the stream is there; what it holds is kept up to date. */
export interface Stream extends StreamInfo {
  readonly connection: Connection;
}

/** What a session tells, and with what. */
export interface SessionEvents {
  connectionCreated: [connection: Connection];
  connectionDropped: [connection: Connection];
  /** Name, data or attributes of a participant, oneself included, have changed. */
  connectionUpdated: [connection: Connection];
  /** Also for the streams that were there before: at the earliest in the turn after `connect()` resolved. */
  streamReceived: [stream: Stream];
  /** Audio or video of the stream came or went, were muted or are not any more; or its name has changed. */
  streamUpdated: [stream: Stream];
  streamDropped: [stream: Stream];
  /** Another participant speaks loudest now, or nobody does. */
  speakerChanged: [stream: Stream | undefined];
  /** What is published takes audio now: told for each publisher that has audio, in the turn after `publish()` resolved. */
  readyForAudio: [];
  /** A buffer of a publisher ran dry; not told again before it was filled. */
  mediaBufferDrained: [stats: MediaBufferStats, kind: Kind, publisher: Publisher];
  /** It joins again, here or at another server: no media flows for a while. */
  migrating: [];
  /** It has joined again, and publishes all that it did. */
  migrated: [];
  /** The session is left, however that came. */
  disconnected: [];
  data: [value: MediaValue];
  drain: [];
  error: [error: Error];
  end: [];
  finish: [];
  close: [];
}
