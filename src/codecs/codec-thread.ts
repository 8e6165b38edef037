import type { EncodedVideoChunk } from '../media/encoded-chunk.js';
import type { SluiceError } from '../media/errors.js';
import type { VideoFrame } from '../media/video-frame.js';
import { CodecListener } from './codec-listener.js';
import { openJob } from './codec-pool.js';
import { type HandOver, owned } from './hand-over.js';
import type { LayerChunk, LayerOrder, LayeredEncoderOptions } from './layered-encoder.js';
import type { VideoDecoderOptions } from './video-decoder.js';
import type { VideoEncoderOptions } from './video-encoder.js';

/** A video decoder in a codec thread. Answers come in order, one `pending` less each. */
export interface ThreadedVideoDecoder {
  /** Chunks that were given and not answered yet. Nothing limits it but the caller. */
  readonly pending: number;
  /** Time spent decoding, in µs. */
  readonly busyUs: number;
  /** The thread broke: this decoder is of no use any more. */
  readonly isLost: boolean;
  /** `hidden`: other chunks need it, but its picture is not wanted. Errors: SLUICE_STATE_INVALID after `close`. */
  decode(chunk: EncodedVideoChunk, handOver?: HandOver, hidden?: boolean): void;
  /** Called with each picture, which belongs to the callee. One callback, the last one set. */
  onFrame(callback: (frame: VideoFrame) => void): void;
  /** Called after each chunk was answered, whether it gave a picture or not: `pending` has gone down. */
  onAnswer(callback: () => void): void;
  /** Called with SLUICE_CODEC_FAILED; after broken data the next key chunk is decoded again. */
  onError(callback: (error: SluiceError) => void): void;
  /** Resolves after everything given so far has been answered; the decoder then waits for a key chunk. */
  flush(): Promise<void>;
  /** What is pending is dropped. */
  close(): Promise<void>;
}

/** A video encoder in a codec thread. Answers come in order, one `pending` less each. */
export interface ThreadedVideoEncoder {
  /** Pictures that were given and not answered yet. Nothing limits it but the caller. */
  readonly pending: number;
  /** Errors: SLUICE_STATE_INVALID after `close`. */
  encode(frame: VideoFrame, keyFrame?: boolean, handOver?: HandOver): void;
  /** Called with each chunk, which belongs to the callee. One callback, the last one set. */
  onChunk(callback: (chunk: EncodedVideoChunk) => void): void;
  /** Called after each picture was answered, whether it gave a chunk or not: `pending` has gone down. */
  onAnswer(callback: () => void): void;
  /** Called with SLUICE_CODEC_FAILED or SLUICE_FORMAT_MISMATCH. */
  onError(callback: (error: SluiceError) => void): void;
  setBitrate(bitsPerSecond: number): void;
  /** Resolves after everything given so far has been answered; the next picture is a key frame. */
  flush(): Promise<void>;
  /** What is pending is dropped. */
  close(): Promise<void>;
}

/** A layered encoder in a codec thread. Answers come in order, one `pending` less each. */
export interface ThreadedLayeredEncoder {
  /** Pictures that were given and not answered yet. Nothing limits it but the caller. */
  readonly pending: number;
  /** As `LayeredEncoder.encode`: a picture, or the last one again. Errors: SLUICE_STATE_INVALID after `close`. */
  encode(frame: VideoFrame | undefined, timestamp: number, orders: readonly LayerOrder[], handOver?: HandOver): void;
  /** Called with each chunk, which belongs to the callee. One callback, the last one set. */
  onChunk(callback: (chunk: LayerChunk) => void): void;
  /** Called after each picture was answered: `pending` has gone down. */
  onAnswer(callback: () => void): void;
  /** Called with SLUICE_CODEC_FAILED or SLUICE_FORMAT_MISMATCH. */
  onError(callback: (error: SluiceError) => void): void;
  /** What is pending is dropped. */
  close(): Promise<void>;
}

/** Opens a video decoder in a codec thread. Errors: SLUICE_CODEC_UNAVAILABLE, SLUICE_CODEC_FAILED. */
export async function openVideoDecoder(options: VideoDecoderOptions): Promise<ThreadedVideoDecoder> {
  const listener = new CodecListener<VideoFrame>('video');
  const job = await openJob({ kind: 'decoder', options }, listener);
  return {
    get pending() {
      return listener.pending;
    },
    get busyUs() {
      return listener.busyUs;
    },
    get isLost() {
      return listener.isLost;
    },
    decode(chunk, handOver, hidden = false) {
      const data = owned(chunk.data, handOver);
      job.work({ do: 'decode', chunk: { ...chunk, data }, hidden }, [data.buffer]);
      listener.pending++;
    },
    onFrame: (callback) => {
      listener.onValue = callback;
    },
    onAnswer: (callback) => {
      listener.onAnswer = callback;
    },
    onError: (callback) => {
      listener.onError = callback;
    },
    flush: () => listener.flush(job),
    close: () => listener.close(job),
  };
}

/** Opens a video encoder in a codec thread. Errors: SLUICE_CONFIG_INVALID, SLUICE_CODEC_UNAVAILABLE, SLUICE_CODEC_FAILED. */
export async function openVideoEncoder(options: VideoEncoderOptions): Promise<ThreadedVideoEncoder> {
  const listener = new CodecListener<EncodedVideoChunk>('encoded-video');
  const job = await openJob({ kind: 'encoder', options }, listener);
  return {
    get pending() {
      return listener.pending;
    },
    encode(frame, keyFrame = false, handOver) {
      const data = owned(frame.data, handOver);
      job.work({ do: 'encode', frame: { ...frame, data }, keyFrame }, [data.buffer]);
      listener.pending++;
    },
    onChunk: (callback) => {
      listener.onValue = callback;
    },
    onAnswer: (callback) => {
      listener.onAnswer = callback;
    },
    onError: (callback) => {
      listener.onError = callback;
    },
    setBitrate: (bitsPerSecond) => {
      job.setBitrate(bitsPerSecond);
    },
    flush: () => listener.flush(job),
    close: () => listener.close(job),
  };
}

/** Opens a layered encoder in a codec thread. Errors: SLUICE_CONFIG_INVALID, SLUICE_CODEC_UNAVAILABLE. */
export async function openLayeredEncoder(options: LayeredEncoderOptions): Promise<ThreadedLayeredEncoder> {
  const listener = new CodecListener<LayerChunk>('encoded-video');
  const job = await openJob({ kind: 'layers', options }, listener);
  return {
    get pending() {
      return listener.pending;
    },
    encode(frame, timestamp, orders, handOver) {
      if (frame) {
        const data = owned(frame.data, handOver);
        job.work({ do: 'layers', frame: { ...frame, data }, timestamp, orders }, [data.buffer]);
      } else job.work({ do: 'layers', frame, timestamp, orders });
      listener.pending++;
    },
    onChunk: (callback) => {
      listener.onValue = callback;
    },
    onAnswer: (callback) => {
      listener.onAnswer = callback;
    },
    onError: (callback) => {
      listener.onError = callback;
    },
    close: () => listener.close(job),
  };
}
