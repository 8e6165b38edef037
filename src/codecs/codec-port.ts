import type { EncodedVideoChunk } from '../media/encoded-chunk.js';
import type { ErrorData } from '../media/errors.js';
import type { MediaValue } from '../media/media-value.js';
import type { VideoFrame } from '../media/video-frame.js';
import type { FileInfo, FileReadOptions } from './file-options.js';
import type { LayerOrder, LayeredEncoderOptions } from './layered-encoder.js';
import type { MuxerOptions } from './mux-options.js';
import type { VideoDecoderOptions } from './video-decoder.js';
import type { VideoEncoderOptions } from './video-encoder.js';

/** What a codec thread can be asked to host. */
export type JobRequest =
  | { readonly kind: 'decoder'; readonly options: VideoDecoderOptions }
  | { readonly kind: 'encoder'; readonly options: VideoEncoderOptions }
  | { readonly kind: 'layers'; readonly options: LayeredEncoderOptions }
  | { readonly kind: 'probe'; readonly path: string }
  | { readonly kind: 'reader'; readonly path: string; readonly options: FileReadOptions }
  | { readonly kind: 'muxer'; readonly path: string; readonly options: MuxerOptions };

/** One step of a job's work. Each is answered by exactly one `done`, in order. */
export type Work =
  /** `hidden`: for those that need it only; it gives no picture. */
  | { readonly do: 'decode'; readonly chunk: EncodedVideoChunk; readonly hidden?: boolean }
  | { readonly do: 'encode'; readonly frame: VideoFrame; readonly keyFrame: boolean }
  | {
      readonly do: 'layers';
      readonly frame: VideoFrame | undefined;
      readonly timestamp: number;
      readonly orders: readonly LayerOrder[];
    }
  | { readonly do: 'write'; readonly chunks: readonly MediaValue[] }
  | { readonly do: 'next' }
  | { readonly do: 'flush' };

/** What came of one step. */
export interface WorkResult {
  /** They belong to whoever asked: what is large is transferred. */
  readonly values: readonly MediaValue[];
  /** Nothing more will come. */
  readonly isEnd?: boolean;
}

export type ToWorker =
  | { readonly op: 'open'; readonly id: number; readonly job: JobRequest }
  | { readonly op: 'work'; readonly id: number; readonly work: Work }
  | { readonly op: 'bitrate'; readonly id: number; readonly bitsPerSecond: number }
  | { readonly op: 'close'; readonly id: number }
  /** The thread is not needed any more and ends by itself. */
  | { readonly op: 'stop' };

export type FromWorker =
  | { readonly op: 'opened'; readonly id: number; readonly info?: FileInfo; readonly error?: ErrorData }
  | {
      readonly op: 'done';
      readonly id: number;
      readonly values: readonly MediaValue[];
      /** How long the step took, in µs. */
      readonly tookUs: number;
      readonly isEnd?: boolean;
      readonly error?: ErrorData;
    }
  | { readonly op: 'closed'; readonly id: number };
