/** Whose implementation takes part. */
export type ClientName = 'sluice' | 'rtc-node';

export interface JoinOptions {
  readonly url: string;
  readonly token: string;
}

export interface AudioPublishing {
  /** Length of the frames that will be written. */
  readonly frameMs: number;
  /** rtc-node's queue in its audio source; 0 hands frames of 10 ms straight on. */
  readonly queueMs?: number;
  /** Sends almost nothing while there is silence. Default false. */
  readonly dtx?: boolean;
}

/** Takes a frame; it does not wait. */
export interface AudioWriter {
  (samples: Int16Array): void;
  /** Drops what is queued. */
  clear(): void;
}

/** Of pictures, and the most that they are encoded to. */
export interface VideoSize {
  readonly width: number;
  readonly height: number;
  readonly bitrateBps: number;
  /** Published in several sizes. Default false. */
  readonly simulcast?: boolean;
}

/** A stream of pictures whose size can be chosen while it is read. */
export interface LayerReader {
  prefer(size: { readonly width: number; readonly height: number }): void;
}

/** What all that is compared can do. Audio is 48 kHz mono, video YUV420P at 30 fps as VP8. */
export interface BenchClient {
  publishAudio(options: AudioPublishing): Promise<AudioWriter>;
  publishVideo(size: VideoSize): Promise<(picture: Uint8Array, timestampUs: number) => void>;
  /** Publishes chunks that are encoded already, where the client can. */
  publishEncoded(size: VideoSize): Promise<(picture: Uint8Array, key: boolean, timestampUs: number) => void>;
  /** Reads the audio of a participant; resolves when it is being read. */
  readAudio(from: string, onChunk: (samples: Int16Array) => void): Promise<void>;
  /** Gives the choice among the layers of the stream, where the client has one. */
  readVideo(
    from: string,
    onPicture: (data: Uint8Array, width: number, height: number) => void,
  ): Promise<LayerReader | undefined>;
  /** Reads encoded chunks without decoding, where the client can. */
  readEncoded(from: string, media: Media, onChunk: (data: Uint8Array) => void): Promise<void>;
  /** Reads the sum of the audio of all others as one, once `streams` of them are there. */
  readMix(streams: number, onChunk: (samples: Int16Array) => void): Promise<void>;
  /** Subscribes to the audio of a participant without reading it. */
  subscribeIdle(from: string): Promise<void>;
  leave(): Promise<void>;
}

export type Media = 'audio' | 'video';

export const SAMPLE_RATE = 48_000;
export const FPS = 30;
/** What either encodes to at most, in bits per second: the defaults of sluice. */
export const AUDIO_BITRATE = 32_000;
export const VGA: VideoSize = { width: 640, height: 480, bitrateBps: 829_440 };
export const HD: VideoSize = { width: 1280, height: 720, bitrateBps: 1_700_000 };

/** Joins as one of the two; the other's library is not even loaded. */
export async function joinAs(client: ClientName, options: JoinOptions): Promise<BenchClient> {
  if (client === 'sluice') return await (await import('./sluice-client.js')).joinSluice(options);
  return await (await import('./rtc-node-client.js')).joinRtcNode(options);
}
