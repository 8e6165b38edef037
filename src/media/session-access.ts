import type { Readable, Writable } from 'node:stream';
import type { PublishedCodec } from './encoded-chunk.js';
import type { SampleRate } from './audio-data.js';

/** What a node may know of another participant's stream. */
export interface StreamInfo {
  readonly streamId: string;
  /** Name that its publisher gave it. */
  readonly name: string;
  /** Id of the connection that publishes it. */
  readonly connectionId: string;
  /** Who publishes it: the name that others see, and the metadata of their token, empty when there is none. */
  readonly connection?: { readonly name: string; readonly data: string };
  readonly hasAudio: boolean;
  readonly hasVideo: boolean;
}

/** Format of raw audio. */
export interface AudioFormatRequest {
  /** Hz. */
  readonly sampleRate: SampleRate;
  readonly numberOfChannels: 1 | 2;
}

export interface MixFormatRequest extends AudioFormatRequest {
  /** Length of the chunks, in ms. Default 20. */
  readonly ptimeMs?: 10 | 20;
}

/** Size and rate of raw video, YUV420P. */
export interface VideoFormatRequest {
  /** Pixels. */
  readonly resolution: { readonly width: number; readonly height: number };
  /** Frames per second, 1 to 30. */
  readonly fps: number;
}

export interface PublishRequest {
  readonly name?: string;
  readonly hasAudio: boolean;
  readonly hasVideo: boolean;
  /** Captions will be written. Default false. */
  readonly enableCaptions?: boolean;
  /**
   * Codec of the video that is sent, raw pictures encoded to it and encoded ones taken as they are; `source`: that of the first
   * picture, with which the video is published, and not before. Default `vp8`.
   */
  readonly videoCodec?: PublishedCodec;
  /** Raw audio that will be written; the session's when left out. */
  readonly audioFormat?: AudioFormatRequest;
  /** Raw video that will be written; the session's when left out. */
  readonly videoFormat?: VideoFormatRequest;
  /** Raw pictures of 640x360 and above go out in several sizes. Default true. */
  readonly simulcast?: boolean;
  /** Media time that may wait in the publisher, in ms. */
  readonly highWaterMarkMs?: number;
}

export interface SubscribeRequest {
  readonly subscribeToAudio?: boolean;
  readonly subscribeToVideo?: boolean;
  readonly subscribeToCaptions?: boolean;
  /** Encoded chunks as they came, without decoding. */
  readonly encoded?: boolean;
  /** Decoded audio; the session's when left out. */
  readonly audioFormat?: AudioFormatRequest;
  /** How far a reader may fall behind before the oldest is dropped, in ms. */
  readonly maxLagMs?: number;
}

export interface PublisherAccess extends Writable {
  /** Mutes the sound for everybody, or ends that. Nothing happens where none is published. */
  publishAudio(on: boolean): void;
  /** As `publishAudio`, of the picture. */
  publishVideo(on: boolean): void;
  readonly audio: Writable;
  readonly video: Writable;
  readonly captions: Writable;
}

export interface SubscriberAccess extends Readable {
  readonly audio: Readable;
  readonly video: Readable;
  readonly captions: Readable;
}

/** A session as nodes see it: a node reaches it through its context and never imports it. */
export interface SessionAccess {
  readonly sessionId: string;
  /** Streams of the other participants that are there now. */
  readonly streams: ReadonlyMap<string, StreamInfo>;
  /** The stream whose participant speaks now, if any. */
  readonly currentSpeaker: StreamInfo | undefined;
  /** The mix of all subscribed audio; each call is a reader of its own. */
  mix(format?: MixFormatRequest): Readable;
  publish(request: PublishRequest): Promise<PublisherAccess>;
  subscribe(stream: StreamInfo, request: SubscribeRequest): Promise<SubscriberAccess>;
  /** Tells the others something of this participant, as its state; an empty value takes it back. */
  setAttributes(attributes: Readonly<Record<string, string>>): Promise<void>;
  on(event: 'streamReceived' | 'streamUpdated' | 'streamDropped', listener: (stream: StreamInfo) => void): unknown;
  on(event: 'speakerChanged', listener: (stream: StreamInfo | undefined) => void): unknown;
  on(event: 'disconnected', listener: () => void): unknown;
  off(event: string, listener: (...args: never[]) => void): unknown;
}
