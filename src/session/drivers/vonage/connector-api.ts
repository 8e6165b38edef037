import type { SampleRate } from '../../../media/audio-data.js';

/*
 * The interface of the Video Connector's Node.js package, by its documentation and samples. `sluice/vonage` has it, and
 * the driver for Vonage sessions uses it. What is marked as an addition is sluice's: other backends leave it out.
 */

export type { SampleRate } from '../../../media/audio-data.js';
export type NumberOfChannels = 1 | 2;
export type LogLevel = EitherCase<'ERROR' | 'WARN' | 'INFO' | 'DEBUG' | 'TRACE'>;
/** `YUV420P` is planar I420; `RGB24` is byte order B,G,R; `ARGB32` is byte order B,G,R,A. */
export type VideoFormat = 'YUV420P' | 'RGB24' | 'ARGB32';

type EitherCase<T extends string> = T | Lowercase<T>;

/** Raw audio: 16-bit signed samples in the byte order of the machine, interleaved. */
export interface AudioData {
  /** At least `numberOfFrames * numberOfChannels` samples. */
  data: Buffer;
  /** Hz. */
  sampleRate: SampleRate;
  numberOfChannels: NumberOfChannels;
  /** Samples per channel. */
  numberOfFrames: number;
}

/** One raw picture, rows and planes without padding. */
export interface VideoFrame {
  data: Buffer;
  /** Pixels. */
  width: number;
  /** Pixels. */
  height: number;
  format: VideoFormat;
}

export interface Session {
  readonly sessionId: string;
}

/** Who takes part in a session. */
export interface Connection {
  readonly connectionId: string;
  readonly creationTime: Date;
  /** From the token; empty when there is none. */
  readonly data: string;
}

/** What somebody publishes. The same object for as long as the stream is there. */
export interface Stream {
  readonly streamId: string;
  readonly connection: Connection;
  /** Addition: the name that its publisher gave it. */
  readonly name?: string;
}

export interface Publisher {
  readonly stream: Stream;
}

export interface Subscriber {
  readonly stream: Stream;
}

/** What waits to be sent, for each kind that is published. */
export interface MediaBufferStats {
  readonly audio?: { readonly durationMs: number };
  readonly video?: { readonly durationMs: number };
}

export interface SessionAudioSettings {
  /** Hz. Default 48000. */
  sampleRate?: SampleRate | undefined;
  /** Default 2. */
  channels?: NumberOfChannels | undefined;
}

export interface SessionVideoPublisherSettings {
  /** Pixels; at most 1920x1080 in all. Default 640. */
  width?: number | undefined;
  /** Default 480. */
  height?: number | undefined;
  /** Frames per second, 1 to 30. Default 30. */
  fps?: number | undefined;
  /** Default `YUV420P`. */
  format?: EitherCase<VideoFormat> | undefined;
}

export interface SessionSettings {
  /** Move to another server when this one goes away. Default false. */
  enableMigration?: boolean | undefined;
  av?:
    | {
        /** What `addAudio` takes. */
        audioPublisher?: SessionAudioSettings | undefined;
        /** What `onAudioData` is given. */
        audioSubscribersMix?: SessionAudioSettings | undefined;
        /** What `addVideo` takes. */
        videoPublisher?: SessionVideoPublisherSettings | undefined;
      }
    | undefined;
  /** The least severe that is written to the console. Default `WARN`. */
  logging?: { level?: LogLevel | undefined } | undefined;
}

export interface PublisherSettings {
  /** At least one character. */
  name: string;
  /** Default true. */
  hasAudio?: boolean | undefined;
  /** Default true. */
  hasVideo?: boolean | undefined;
  /** Have what is said in the stream captioned, where a service does that. Default false. */
  enableCaptions?: boolean | undefined;
  audioSettings?:
    | {
        /** Send two channels. Default true. */
        enableStereoMode?: boolean | undefined;
        /** Send next to nothing while there is silence. Default false. */
        enableOpusDtx?: boolean | undefined;
      }
    | undefined;
}

export interface SubscriberSettings {
  /** Default true. */
  subscribeToAudio?: boolean | undefined;
  /** Default true. */
  subscribeToVideo?: boolean | undefined;
  /** Default false. */
  subscribeToCaptions?: boolean | undefined;
  videoSettings?:
    | {
        /** The layer of a simulcast stream that is wanted. */
        preferredResolution?: { width: number; height: number } | undefined;
        /** Frames per second, 1 to 30. */
        preferredFramerate?: number | undefined;
      }
    | undefined;
}

type Callback<A extends readonly unknown[]> = ((...args: A) => unknown) | undefined;

export interface ConnectOptions {
  readonly sessionSettings?: SessionSettings | undefined;
  readonly onError?: Callback<[session: Session, description: string, code: number]>;
  /** Called once after `connect()` resolved, however the session ended. */
  readonly onDisconnected?: Callback<[session: Session]>;
  readonly onConnectionCreated?: Callback<[session: Session, connection: Connection]>;
  readonly onConnectionDropped?: Callback<[session: Session, connection: Connection]>;
  readonly onStreamReceived?: Callback<[session: Session, stream: Stream]>;
  readonly onStreamDropped?: Callback<[session: Session, stream: Stream]>;
  /** The mix of all streams that are subscribed to with audio, 10 ms each time; silence where there is none. */
  readonly onAudioData?: Callback<[session: Session, audioData: AudioData]>;
  /** What is published takes audio now. */
  readonly onReadyForAudio?: Callback<[session: Session]>;
  /** A buffer ran dry; not called again before it was filled. */
  readonly onMediaBufferDrained?: Callback<[stats: MediaBufferStats]>;
}

export interface PublishOptions {
  readonly settings: PublisherSettings;
  readonly onError?: Callback<[publisher: Publisher, description: string, code: number]>;
  readonly onStreamDestroyed?: Callback<[publisher: Publisher]>;
}

export interface SubscribeOptions {
  readonly settings?: SubscriberSettings | undefined;
  readonly onError?: Callback<[subscriber: Subscriber, description: string, code: number]>;
  readonly onDisconnected?: Callback<[subscriber: Subscriber]>;
  /** The audio of this stream alone, in the format of the mix. */
  readonly onAudioData?: Callback<[subscriber: Subscriber, audioData: AudioData]>;
  readonly onRenderFrame?: Callback<[subscriber: Subscriber, frame: VideoFrame]>;
  /** What is said in this stream: the whole sentence so far, which the next text takes the place of until one is final. */
  readonly onCaptionText?: Callback<[subscriber: Subscriber, text: string, isFinal: boolean]>;
}

/** One participant of one session at a time. */
export interface ConnectorClient {
  connect(applicationId: string, sessionId: string, token: string, options?: ConnectOptions): Promise<Session>;
  disconnect(): Promise<void>;
  publish(options: PublishOptions): Promise<Publisher>;
  unpublish(): Promise<void>;
  subscribe(stream: Stream, options?: SubscribeOptions): Promise<Subscriber>;
  unsubscribe(stream: Stream): Promise<void>;
  /** Whether the audio was taken. */
  addAudio(audioData: AudioData): boolean;
  /** Whether the picture was taken. */
  addVideo(frame: VideoFrame): boolean;
  getMediaBufferStats(): MediaBufferStats;
  clearMediaBuffers(): boolean;
  getConnection(): Connection | undefined;
  isPublishing(): boolean;
  isConnected(): boolean;
}

/** What the package exports. */
export interface ConnectorModule {
  readonly VonageVideoClient: new () => ConnectorClient;
}
