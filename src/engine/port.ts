import type { ErrorData } from '../media/errors.js';
import type { VideoCodec } from '../media/encoded-chunk.js';
import type { MediaValue } from '../media/media-value.js';
import type { PixelFormat } from '../media/video-frame.js';

/*
 * The messages between the main thread and the media thread. Ids of sessions, publishers and readers are given by
 * the main thread, so that media can follow an `open` call without waiting for its answer.
 */

/** Who takes part in a session, as signalling tells it. */
export interface ConnectionInfo {
  readonly connectionId: string;
  /** Milliseconds since 1970. */
  readonly creationTimeMs: number;
  /** From the token's metadata. */
  readonly data: string;
  readonly identity: string;
  readonly name: string;
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

export interface ConnectArgs {
  readonly session: number;
  /** ws:, wss:, http: or https: */
  readonly url: string;
  readonly token: string;
  readonly timeoutMs: number;
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
  /** Format of the raw audio that will be written. */
  readonly audio: AudioFormat;
  /** Send two channels. */
  readonly stereo: boolean;
  readonly dtx: boolean;
  readonly videoCodec: VideoCodec;
  /** Size of black pictures, and of raw pictures when they are encoded. */
  readonly width: number;
  readonly height: number;
  /** Frames per second, 1 to 30. */
  readonly fps: number;
  readonly silenceToleranceMs: number;
  /** PUBLISHER_LEVELS numbers, see below. */
  readonly levels: SharedArrayBuffer;
}

/**
 * Places in the `levels` of a publisher (BigInt64Array, Atomics): media time in µs that has left each queue since
 * the beginning, sent or cleared. What was written minus this is what is buffered now, read without asking.
 */
export const PUBLISHER_LEVELS = { audioConsumedUs: 0, videoConsumedUs: 1, audioPlayedUs: 2, length: 3 } as const;

export interface ReaderOpenArgs {
  readonly session: number;
  readonly reader: number;
  /** Stream to read; the mix of all subscribed audio when left out. */
  readonly streamId?: string;
  readonly audio: boolean;
  readonly video: boolean;
  /** Encoded chunks as they came. */
  readonly encoded: boolean;
  /** Format of decoded audio. */
  readonly audioFormat: AudioFormat;
  readonly pixelFormat: PixelFormat;
  /** Media time that may wait in the engine for this reader, in ms, for audio and video each. */
  readonly maxLagMs: number;
}

/** Calls with an answer. */
export interface EngineCalls {
  serviceStart: { args: { service: number; module: string; options: unknown }; result: unknown };
  serviceStop: { args: { service: number }; result: undefined };
  connect: { args: ConnectArgs; result: ConnectResult };
  disconnect: { args: { session: number }; result: undefined };
  publisherOpen: { args: PublisherOpenArgs; result: { streamId: string } };
  publisherClose: { args: { publisher: number }; result: undefined };
  /** Answered when everything written before has left, or was cleared. */
  publisherDrain: { args: { publisher: number; kind: 'audio' | 'video' }; result: undefined };
  readerOpen: { args: ReaderOpenArgs; result: undefined };
  readerClose: { args: { reader: number }; result: undefined };
  stats: { args: { session: number }; result: SessionStats };
}

/** Messages to the engine without an answer. */
export interface EnginePosts {
  /** Media for a publisher; the buffer is transferred. */
  write: { publisher: number; value: MediaValue };
  /** Drops what is queued. */
  clear: { publisher: number; kind: 'audio' | 'video' };
  /** Lets the engine send that many more values of a kind. The first credit starts the reader. */
  credit: { reader: number; kind: 'audio' | 'video'; values: number };
  requestKeyFrame: { reader: number };
}

/** Messages from the engine. */
export interface EngineEvents {
  media: { reader: number; value: MediaValue };
  /** Values dropped because the reader lags behind; `durationUs` is their media time. */
  overflow: { reader: number; kind: 'audio' | 'video'; values: number; durationUs: number };
  /** The stream is gone, or the session ended: nothing more will come. */
  readerEnd: { reader: number };
  readerError: { reader: number; error: ErrorData };
  /** A queue of a publisher ran dry; once until it was filled again. */
  mediaBufferDrained: { publisher: number; kind: 'audio' | 'video' };
  /** The queue of a publisher shrank; sent at most once per tick, and only after a write. */
  consumed: { publisher: number; kind: 'audio' | 'video' };
  publisherError: { publisher: number; error: ErrorData };
  publisherEnd: { publisher: number };
  /** A receiver needs a key frame, and the publisher is fed with encoded video. */
  keyFrameRequested: { publisher: number };
  connectionCreated: { session: number; connection: ConnectionInfo };
  connectionDropped: { session: number; connection: ConnectionInfo };
  streamReceived: { session: number; stream: StreamState };
  streamUpdated: { session: number; stream: StreamState };
  streamDropped: { session: number; streamId: string };
  /** The stream whose participant speaks loudest now; none when all are silent. */
  speakerChanged: { session: number; streamId?: string };
  readyForAudio: { session: number };
  /** The session ended without being asked to. */
  sessionLost: { session: number; error: ErrorData };
}

/** What the engine counts, for one session. */
export interface SessionStats {
  readonly rttMs?: number;
  readonly outbound: readonly OutboundStats[];
  readonly inbound: readonly InboundStats[];
  readonly packetsDiscarded: number;
}

/** Names as in W3C webrtc-stats. */
export interface OutboundStats {
  readonly publisher: number;
  readonly kind: 'audio' | 'video';
  readonly ssrc: number;
  readonly packetsSent: number;
  readonly bytesSent: number;
  readonly retransmittedPacketsSent: number;
  readonly framesEncoded: number;
  readonly keyFramesEncoded: number;
  readonly framesDropped: number;
  readonly pliCount: number;
  readonly nackCount: number;
}

/** Names as in W3C webrtc-stats. */
export interface InboundStats {
  readonly streamId: string;
  readonly kind: 'audio' | 'video';
  readonly ssrc: number;
  readonly packetsReceived: number;
  readonly packetsLost: number;
  readonly packetsDiscarded: number;
  readonly bytesReceived: number;
  readonly jitterMs: number;
  readonly concealedSamples: number;
  readonly framesDecoded: number;
  readonly keyFramesDecoded: number;
  readonly framesDropped: number;
  readonly pliCount: number;
  readonly nackCount: number;
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

export type FromEngine =
  EventMessage | { readonly t: 'reply'; readonly id: number; readonly result?: unknown; readonly error?: ErrorData };

interface PortLike {
  postMessage(value: unknown, transfer?: readonly ArrayBuffer[]): void;
}

/** Sends messages of one run of JavaScript as one batch, with the buffers of its media transferred. */
export class BatchingPort<M> {
  readonly #port: PortLike;
  #batch: M[] = [];
  #transfer: ArrayBuffer[] = [];
  readonly #flush = (): void => {
    this.flush();
  };

  constructor(port: PortLike) {
    this.#port = port;
  }

  /** `buffer` is transferred when the batch goes: its owner may not touch it any more. */
  send(message: M, buffer?: ArrayBufferLike): void {
    if (this.#batch.length === 0) queueMicrotask(this.#flush);
    this.#batch.push(message);
    if (buffer instanceof ArrayBuffer) this.#transfer.push(buffer);
  }

  /** Sends what is there now instead of at the end of this run of JavaScript. */
  flush(): void {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    const transfer = this.#transfer;
    this.#batch = [];
    this.#transfer = [];
    this.#port.postMessage(batch, transfer);
  }
}
