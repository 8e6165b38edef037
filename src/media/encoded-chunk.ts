import type { VideoFrame } from './video-frame.js';

/** One Opus packet. Immutable once it has been written to a stream. */
export interface EncodedAudioChunk {
  readonly kind: 'encoded-audio';
  readonly codec: 'opus';
  readonly data: Uint8Array;
  /** Microseconds on the media clock of the source; never goes back. */
  readonly timestamp: number;
  /** Microseconds. */
  readonly duration: number;
}

export const VIDEO_CODECS = ['vp8', 'h264'] as const;
export type VideoCodec = (typeof VIDEO_CODECS)[number];

/** What video may be published in: a codec, or that of the first picture that is written (`source`; of raw ones, VP8). */
export const PUBLISHED_CODECS = [...VIDEO_CODECS, 'source'] as const;
export type PublishedCodec = (typeof PUBLISHED_CODECS)[number];

/** What video is published in that begins with this picture, where that is for its source to say. Pure. */
export function sourceCodec(picture: EncodedVideoChunk | VideoFrame): VideoCodec {
  return picture.kind === 'encoded-video' ? picture.codec : 'vp8';
}

/**
 * One encoded picture: a VP8 frame, or an H.264 access unit in Annex B form (start codes, parameter
 * sets in front of every key frame). Immutable once it has been written to a stream.
 */
export interface EncodedVideoChunk {
  readonly kind: 'encoded-video';
  readonly codec: VideoCodec;
  /** A `key` chunk can be decoded without any chunk before it. */
  readonly type: 'key' | 'delta';
  readonly data: Uint8Array;
  /** Microseconds on the media clock of the source; never goes back. */
  readonly timestamp: number;
  /** Microseconds; 0 where it is not known. */
  readonly duration: number;
}
