import { type AudioData, audioDurationUs } from './audio-data.js';
import type { CaptionsData } from './captions.js';
import type { EncodedAudioChunk, EncodedVideoChunk } from './encoded-chunk.js';
import type { VideoFrame } from './video-frame.js';

/** Sound and pictures, raw or encoded. */
export type MediaValue = AudioData | VideoFrame | EncodedAudioChunk | EncodedVideoChunk;
export type MediaKind = MediaValue['kind'];

/** Anything that flows through a stream of a session or of a pipeline. */
export type StreamValue = MediaValue | CaptionsData;

/** How much media time a value covers, in microseconds; 0 for captions, and for a picture whose duration is not known. */
export function durationUs(value: StreamValue): number {
  switch (value.kind) {
    case 'audio':
      return audioDurationUs(value);
    case 'encoded-audio':
    case 'encoded-video':
      return value.duration;
    case 'video':
    case 'captions':
      return 0;
  }
}
