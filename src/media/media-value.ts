import { type AudioData, audioDurationUs } from './audio-data.js';
import type { CaptionsData } from './captions.js';
import type { ConversationTurn } from './conversation-turn.js';
import type { EncodedAudioChunk, EncodedVideoChunk } from './encoded-chunk.js';
import type { TextData } from './text.js';
import type { Transcript } from './transcript.js';
import type { VideoFrame } from './video-frame.js';
import type { VoiceActivity } from './voice-activity.js';

/** Sound and pictures, raw or encoded. */
export type MediaValue = AudioData | VideoFrame | EncodedAudioChunk | EncodedVideoChunk;
export type MediaKind = MediaValue['kind'];

/** Anything that flows through a stream of a session. */
export type StreamValue = MediaValue | CaptionsData;

/** Anything that flows over a link of a pipeline: also words, and when somebody speaks. */
export type PipelineValue = StreamValue | Transcript | TextData | VoiceActivity | ConversationTurn;

/** How much media time a value covers, in microseconds; 0 for words, and for a picture whose duration is not known. */
export function durationUs(value: PipelineValue): number {
  switch (value.kind) {
    case 'audio':
      return audioDurationUs(value);
    case 'encoded-audio':
    case 'encoded-video':
      return value.duration;
    case 'video':
    case 'captions':
    case 'transcript':
    case 'text':
    case 'voice-activity':
    case 'turn':
      return 0;
  }
}

/** Whether a value is sound or pictures, which have a place in media time. */
export function isMedia(value: PipelineValue): value is MediaValue {
  return isMediaKind(value.kind);
}

/** Whether values of a kind are sound or pictures. */
export function isMediaKind(kind: PipelineValue['kind']): kind is MediaKind {
  switch (kind) {
    case 'audio':
    case 'video':
    case 'encoded-audio':
    case 'encoded-video':
      return true;
    default:
      return false;
  }
}
