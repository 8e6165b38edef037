import type { EncodedVideoChunk } from '../media/encoded-chunk.js';
import { SluiceError } from '../media/errors.js';
import type { VideoFrame } from '../media/video-frame.js';
import { type HostedJob, type JobListener, openJob } from './codec-pool.js';
import type { MediaValue } from '../media/media-value.js';
import type { VideoDecoderOptions } from './video-decoder.js';
import type { VideoEncoderOptions } from './video-encoder.js';

export interface HandOver {
  /** Gives the buffer away instead of copying it: it is empty afterwards. Default false. */
  readonly transfer?: boolean;
}

/** A video decoder in a codec thread. Answers come in order, one `pending` less each. */
export interface ThreadedVideoDecoder {
  /** Chunks that were given and not answered yet. Nothing limits it but the caller. */
  readonly pending: number;
  /** Errors: SLUICE_STATE_INVALID after `close`. */
  decode(chunk: EncodedVideoChunk, handOver?: HandOver): void;
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

/** Opens a video decoder in a codec thread. Errors: SLUICE_CODEC_UNAVAILABLE, SLUICE_CODEC_FAILED. */
export async function openVideoDecoder(options: VideoDecoderOptions): Promise<ThreadedVideoDecoder> {
  const listener = new CodecListener<VideoFrame>('video');
  const job = await openJob({ kind: 'decoder', options }, listener);
  return {
    get pending() {
      return listener.pending;
    },
    decode(chunk, handOver) {
      const data = owned(chunk.data, handOver);
      job.work({ do: 'decode', chunk: { ...chunk, data } }, [data.buffer]);
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

/** A flush waits for its own answer: the one that comes after those of `before` earlier steps. */
interface Flush {
  before: number;
  resolve(): void;
  reject(error: SluiceError): void;
}

class CodecListener<T extends MediaValue> implements JobListener {
  pending = 0;
  onValue: ((value: T) => void) | undefined;
  onError: ((error: SluiceError) => void) | undefined;
  onAnswer: (() => void) | undefined;
  readonly #kind: T['kind'];
  readonly #flushes: Flush[] = [];

  constructor(kind: T['kind']) {
    this.#kind = kind;
  }

  done(values: readonly MediaValue[], _isEnd: boolean, error: SluiceError | undefined): void {
    const flush = this.#nextFlush();
    if (!flush) this.pending--;
    for (const value of values) if (this.#isOwn(value)) this.onValue?.(value);
    if (error) this.onError?.(error);
    if (!flush) this.onAnswer?.();
    flush?.resolve();
  }

  lost(error: SluiceError): void {
    this.pending = 0;
    for (const flush of this.#flushes.splice(0)) flush.reject(error);
    this.onError?.(error);
  }

  flush(job: HostedJob): Promise<void> {
    return new Promise((resolve, reject) => {
      job.work({ do: 'flush' });
      const earlier = this.#flushes.reduce((sum, flush) => sum + flush.before, 0);
      this.#flushes.push({ before: this.pending - earlier, resolve, reject });
    });
  }

  close(job: HostedJob): Promise<void> {
    this.pending = 0;
    const error = new SluiceError('SLUICE_STATE_INVALID', 'the codec was closed before it was flushed');
    for (const flush of this.#flushes.splice(0)) flush.reject(error);
    return job.close();
  }

  /** The flush that this answer is for; undefined when it answers a step before it. */
  #nextFlush(): Flush | undefined {
    const first = this.#flushes[0];
    if (!first) return undefined;
    if (first.before === 0) return this.#flushes.shift();
    first.before--;
    return undefined;
  }

  #isOwn(value: MediaValue): value is T {
    return value.kind === this.#kind;
  }
}

type WholeBuffer = Uint8Array & { readonly buffer: ArrayBuffer };

/** Bytes that may be transferred: the caller's own where it gives away a whole buffer, a copy otherwise. */
export function owned(data: Uint8Array, handOver: HandOver | undefined): WholeBuffer {
  const isWhole = data.byteLength === data.buffer.byteLength && data.buffer instanceof ArrayBuffer;
  if (handOver?.transfer === true && isWhole) return data as WholeBuffer;
  return new Uint8Array(data);
}
