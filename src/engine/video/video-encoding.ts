import { openVideoEncoder, type ThreadedVideoEncoder } from '../../codecs/codec-thread.js';
import type { EncodedVideoChunk, VideoCodec } from '../../media/encoded-chunk.js';
import type { VideoFrame } from '../../media/video-frame.js';

export interface VideoEncodingOptions {
  readonly codec: VideoCodec;
  readonly fps: number;
  readonly onChunk: (chunk: EncodedVideoChunk) => void;
  readonly onError: (error: unknown) => void;
}

/** Pictures that may be in the encoder at a time; more are left out rather than delayed. */
const MAX_PENDING = 2;
/** Bits per pixel and picture that look good for faces and slides. */
const BITS_PER_PIXEL = 0.09;
const MIN_BITRATE = 150_000;
const MAX_BITRATE = 3_000_000;

/** Encodes in a codec thread, at the size of the pictures that come: a new size opens a new encoder. */
export class VideoEncoding {
  /** Pictures left out because the encoder was busy. */
  framesDropped = 0;
  readonly #options: VideoEncodingOptions;
  #encoder: ThreadedVideoEncoder | undefined;
  #opening = false;
  #closed = false;
  #width = 0;
  #height = 0;
  #capBps = Infinity;
  #wantsKey = true;
  #waiting: VideoFrame | undefined;

  constructor(options: VideoEncodingOptions) {
    this.#options = options;
  }

  /** The picture is read, not kept: it may be given again. */
  encode(frame: VideoFrame): void {
    if (this.#closed) return;
    if (this.#opening) {
      if (this.#waiting) this.framesDropped++;
      this.#waiting = frame;
      return;
    }
    if (!this.#encoder || frame.width !== this.#width || frame.height !== this.#height) {
      this.#waiting = frame;
      void this.#open(frame.width, frame.height);
      return;
    }
    if (this.#encoder.pending >= MAX_PENDING) {
      this.framesDropped++;
      return;
    }
    this.#encoder.encode(frame, this.#wantsKey);
    this.#wantsKey = false;
  }

  /** The next picture is encoded as a key frame. */
  requestKeyFrame(): void {
    this.#wantsKey = true;
  }

  /** The most that may be sent, in bits per second. */
  setBitrateCap(bps: number): void {
    this.#capBps = bps;
    if (this.#encoder) this.#encoder.setBitrate(this.#bitrate());
  }

  close(): void {
    this.#closed = true;
    this.#waiting = undefined;
    this.#encoder?.close().catch(this.#options.onError);
    this.#encoder = undefined;
  }

  async #open(width: number, height: number): Promise<void> {
    const { codec, fps, onChunk, onError } = this.#options;
    this.#opening = true;
    this.#width = width;
    this.#height = height;
    this.#encoder?.close().catch(onError);
    this.#encoder = undefined;
    try {
      // H.264 takes even sizes only; the encoder scales the last row and column away.
      const even = codec === 'h264' ? ~1 : ~0;
      const encoder = await openVideoEncoder({
        codec,
        width: Math.max(2, width & even),
        height: Math.max(2, height & even),
        frameRate: fps,
        bitrate: this.#bitrate(),
      });
      encoder.onChunk(onChunk);
      encoder.onError(onError);
      if (this.#closed) {
        await encoder.close();
        return;
      }
      this.#encoder = encoder;
      this.#wantsKey = true;
    } catch (error) {
      onError(error);
      this.#closed = true;
    } finally {
      this.#opening = false;
    }
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) this.encode(waiting);
  }

  #bitrate(): number {
    const wanted = this.#width * this.#height * this.#options.fps * BITS_PER_PIXEL;
    return Math.round(Math.min(Math.max(wanted, MIN_BITRATE), MAX_BITRATE, Math.max(this.#capBps, MIN_BITRATE)));
  }
}
