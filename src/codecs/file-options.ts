import type { PixelFormat } from '../media/video-frame.js';

/** What a media file holds. Times in µs. */
export interface FileInfo {
  /** Missing where the container does not tell. */
  readonly durationUs?: number;
  readonly audio?: AudioTrackInfo;
  readonly video?: VideoTrackInfo;
}

export interface AudioTrackInfo {
  /** FFmpeg's name of the codec: `opus`, `aac`, `mp3`, `pcm_s16le`. */
  readonly codec: string;
  /** Hz. */
  readonly sampleRate: number;
  readonly numberOfChannels: number;
  /** Its packets can be had as EncodedAudioChunk, without decoding. */
  readonly passThrough: boolean;
}

export interface VideoTrackInfo {
  /** FFmpeg's name of the codec: `vp8`, `h264`, `vp9`. */
  readonly codec: string;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** Pictures per second on average; 0 where it is not known. */
  readonly frameRate: number;
  /** Its pictures can be had as EncodedVideoChunk, without decoding. */
  readonly passThrough: boolean;
}

/** What to read of a file, and how. */
export interface FileReadOptions {
  /** False leaves audio out. Default: 48000 Hz, 2 channels. */
  readonly audio?: false | { readonly sampleRate?: number; readonly numberOfChannels?: 1 | 2 };
  /** False leaves video out. Larger pictures are made smaller, keeping their shape. Default: YUV420P, at most 1920x1080 pixels. */
  readonly video?: false | { readonly maxWidth?: number; readonly maxHeight?: number; readonly format?: PixelFormat };
  /** Gives the encoded chunks of tracks that can be passed through; others are decoded all the same. Default false. */
  readonly encoded?: boolean;
}
