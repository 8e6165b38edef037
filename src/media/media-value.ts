import { type AudioData, audioDurationUs } from './audio-data.js';
import type { EncodedAudioChunk, EncodedVideoChunk } from './encoded-chunk.js';
import type { VideoFrame } from './video-frame.js';

/** Anything that flows through a stream of media. */
export type MediaValue = AudioData | VideoFrame | EncodedAudioChunk | EncodedVideoChunk;
export type MediaKind = MediaValue['kind'];

/** How much media time a value covers, in microseconds; 0 for a picture whose duration is not known. */
export function durationUs(value: MediaValue): number {
  switch (value.kind) {
    case 'audio':
      return audioDurationUs(value);
    case 'encoded-audio':
    case 'encoded-video':
      return value.duration;
    case 'video':
      return 0;
  }
}
