import type { CaptionsData } from '../media/captions.js';
import type { ErrorData } from '../media/errors.js';
import type { VideoCodec } from '../media/encoded-chunk.js';
import type { MediaValue } from '../media/media-value.js';
import type { PixelFormat } from '../media/video-frame.js';
import type { VideoPreference, VideoSize } from './video-preference.js';

/*
 * The messages between the main thread and the media thread. Ids of sessions, publishers and readers are given by
 * the main thread, so that media can follow an `open` call without waiting for its answer.
 */

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
  readonly videoCodec: VideoCodec;
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
  /** A receiver needs a key frame, and the publisher is fed with encoded video. */
  keyFrameRequested: { publisher: number };
  connectionCreated: { session: number; connection: ConnectionInfo };
  connectionDropped: { session: number; connection: ConnectionInfo };
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

/** What the engine counts, for one session. */
export interface SessionStats {
  /** Round trip of the signalling connection, in ms; undefined before the first answer. */
  readonly rttMs?: number;
  /** What the path of what is published is believed to bear, in bits per second. */
  readonly availableOutgoingBitrate?: number;
  /** The transports that there are. */
  readonly candidatePairs: readonly CandidatePairStats[];
  readonly outbound: readonly OutboundStats[];
  /** What the server has told about each of `outbound`. */
  readonly remoteInbound: readonly RemoteInboundStats[];
  readonly inbound: readonly InboundStats[];
  /** Packets that belong to no track, or to another stream than its track's. */
  readonly packetsDiscarded: number;
  /** Captions of others that were malformed, too long, or of no stream that is there; counted while somebody reads captions. */
  readonly captionsDiscarded: number;
}

/** Names as in W3C webrtc-stats. One for audio, and one for each layer of video. */
export interface OutboundStats {
  readonly publisher: number;
  readonly kind: 'audio' | 'video';
  readonly ssrc: number;
  /** Of a layer of video that is sent in several. */
  readonly rid?: string;
  /** Video: somebody takes it, and there is room for it. */
  readonly active?: boolean;
  /** Video: bits per second that the encoder is to keep to. */
  readonly targetBitrate?: number;
  /** Video: why it is not as good as it could be. */
  readonly qualityLimitationReason?: 'none' | 'cpu' | 'bandwidth';
  /** Video that is encoded here: `L1T3` is in three temporal layers, `L1T1` is not. */
  readonly scalabilityMode?: 'L1T1' | 'L1T3';
  /** Video: of the picture sent last, in pixels. */
  readonly frameWidth?: number;
  readonly frameHeight?: number;
  readonly packetsSent: number;
  readonly bytesSent: number;
  readonly retransmittedPacketsSent: number;
  readonly framesEncoded: number;
  readonly keyFramesEncoded: number;
  readonly framesDropped: number;
  readonly pliCount: number;
  readonly nackCount: number;
}

/** What the server tells about a stream of ours. Names and units as in W3C webrtc-stats, `remote-inbound-rtp`. */
export interface RemoteInboundStats {
  readonly publisher: number;
  readonly kind: 'audio' | 'video';
  readonly ssrc: number;
  /** Negative when more came twice than was lost. */
  readonly packetsLost: number;
  /** 0 to 1, since the last report. */
  readonly fractionLost: number;
  /** Seconds. */
  readonly jitter: number;
  /** Seconds; undefined before the first report that answers one of ours. */
  readonly roundTripTime?: number;
}

/** A transport. Names and units as in W3C webrtc-stats, `candidate-pair`. */
export interface CandidatePairStats {
  /** What goes over it: what this side publishes, or what it receives. */
  readonly direction: 'publish' | 'subscribe';
  readonly state: 'in-progress' | 'succeeded' | 'failed';
  /** Seconds, by RTCP; undefined before it is known. */
  readonly currentRoundTripTime?: number;
  /** Bits per second that what is published may take; undefined where nothing tells. */
  readonly availableOutgoingBitrate?: number;
}

/**
 * One track that is received. Names and units as in W3C webrtc-stats, `inbound-rtp`: times in seconds, samples at 48 kHz;
 * fields of one kind only are left out for the other.
 */
export interface InboundStats {
  readonly streamId: string;
  readonly kind: 'audio' | 'video';
  readonly ssrc: number;
  /** Of its retransmissions, once there was one. */
  readonly rtxSsrc?: number;
  /** Retransmissions and packets that only pad included. */
  readonly packetsReceived: number;
  /** Payload bytes of those. */
  readonly bytesReceived: number;
  /** Bytes of their headers, and padding. */
  readonly headerBytesReceived: number;
  /** Retransmissions, those among them that only pad included. */
  readonly retransmittedPacketsReceived: number;
  readonly retransmittedBytesReceived: number;
  /** Packets without payload, not counting retransmissions. Not in webrtc-stats. */
  readonly paddingPacketsReceived: number;
  /** Lost on the way, though they may have been sent again; negative when more came twice. */
  readonly packetsLost: number;
  /** Came too late, or of no use: malformed, or of pictures that could not be completed. */
  readonly packetsDiscarded: number;
  /** Came more than once. Not in webrtc-stats. */
  readonly packetsDuplicated: number;
  /** Seconds (RFC 3550, 6.4.1). */
  readonly jitter: number;
  /** Milliseconds since the last packet. Not in webrtc-stats. */
  readonly lastPacketReceivedMs: number;
  /** Requests for retransmission sent. */
  readonly nackCount: number;
  /** Requests for key frames sent. */
  readonly pliCount: number;

  /** Audio: samples that were to be heard, those received and those made up. */
  readonly totalSamplesReceived?: number;
  /** Audio: samples made up for what was lost or late. */
  readonly concealedSamples: number;
  /** Audio: those of them while the source was silent. */
  readonly silentConcealedSamples?: number;
  /** Audio: runs of made up samples. */
  readonly concealmentEvents?: number;
  /** Audio: samples added, and taken away, by playing more slowly or faster. */
  readonly insertedSamplesForDeceleration?: number;
  readonly removedSamplesForAcceleration?: number;
  /** Audio: seconds that samples waited, times samples; divide by `jitterBufferEmittedCount`. */
  readonly jitterBufferDelay?: number;
  /** Audio: the delay aimed at, and the one that the network alone asks for, counted in the same way. */
  readonly jitterBufferTargetDelay?: number;
  readonly jitterBufferMinimumDelay?: number;
  readonly jitterBufferEmittedCount?: number;
  /** Audio: packets with a copy of the one before them, and those whose copy was not needed. */
  readonly fecPacketsReceived?: number;
  readonly fecPacketsDiscarded?: number;
  /** Audio: 0 to 1, of what was played last. */
  readonly audioLevel?: number;
  /** Audio: square of the level, times seconds. */
  readonly totalAudioEnergy?: number;
  /** Audio: of all that was played, in seconds. */
  readonly totalSamplesDuration?: number;

  /** Video: whole pictures that could be decoded. */
  readonly framesReceived?: number;
  /** Video: pictures decoded, of all readers; 0 where they are read encoded. */
  readonly framesDecoded: number;
  /** Video: key frames among the pictures received. */
  readonly keyFramesDecoded: number;
  /** Video: pictures that came in part or could not be decoded, and those that readers were too slow for. */
  readonly framesDropped: number;
  /** Video: received in the last second. */
  readonly framesPerSecond?: number;
  /** Video: pixels, of the last key frame or decoded picture; undefined before it is known. */
  readonly frameWidth?: number;
  readonly frameHeight?: number;
  /** Video: seconds spent decoding, of all readers. */
  readonly totalDecodeTime?: number;
  /** Video: seconds between one picture and the next, in sum, and the sum of their squares. */
  readonly totalInterFrameDelay?: number;
  readonly totalSquaredInterFrameDelay?: number;
  /** Video: pictures that stood for much longer than usual (three times as long, and 150 ms longer), and for how many seconds. */
  readonly freezeCount?: number;
  readonly totalFreezesDuration?: number;
  /** Video: pictures that stood for five seconds and longer, and for how many seconds. */
  readonly pauseCount?: number;
  readonly totalPausesDuration?: number;
  /** Video: pictures of several packets, and the seconds from the first to the last packet of each. */
  readonly framesAssembledFromMultiplePackets?: number;
  readonly totalAssemblyTime?: number;
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
