import { openLayeredEncoder, type ThreadedLayeredEncoder } from '../../codecs/codec-thread.js';
import type { LayerChunk, LayerOrder, LayeredEncoderOptions } from '../../codecs/layered-encoder.js';
import type { VideoFrame } from '../../media/video-frame.js';

export interface VideoEncodingOptions extends LayeredEncoderOptions {
  readonly onChunk: (chunk: LayerChunk) => void;
  readonly onError: (error: unknown) => void;
}

/** Pictures that may be in the encoder at a time; more are left out rather than delayed. */
const MAX_PENDING = 2;

/** Encodes in a codec thread, for as many layers as are ordered. */
export class VideoEncoding {
  /** Pictures left out because the encoder was busy. */
  framesDropped = 0;
  readonly #options: VideoEncodingOptions;
  #encoder: ThreadedLayeredEncoder | undefined;
  #opening = false;
  #closed = false;
  /** The last picture, until the encoder has it. */
  #waiting: VideoFrame | undefined;
  #size: { readonly width: number; readonly height: number } | undefined;
  /** Called when the encoder has come to be there. */
  #onReady: (() => void) | undefined;

  constructor(options: VideoEncodingOptions) {
    this.#options = options;
  }

  /** Of the last picture, in pixels; undefined before the first. */
  get size(): { readonly width: number; readonly height: number } | undefined {
    return this.#size;
  }

  get isOpen(): boolean {
    return this.#encoder !== undefined;
  }

  /** True when a picture would be taken now. */
  get isFree(): boolean {
    return this.#encoder !== undefined && this.#encoder.pending < MAX_PENDING;
  }

  /** Starts the thread; of several calls the last one's `ready` is called when it is there. */
  open(ready: () => void): void {
    if (this.#closed || this.#encoder) return;
    this.#onReady = ready;
    if (!this.#opening) void this.#open();
  }

  /** Takes over a picture, with its memory: it is encoded by the next `encode`, and again by those after that. */
  load(frame: VideoFrame): void {
    this.#waiting = frame;
    this.#size = frame;
  }

  /** Encodes the last picture for these layers. To be called while `isFree`. */
  encode(timestampUs: number, orders: readonly LayerOrder[]): void {
    const frame = this.#waiting;
    this.#waiting = undefined;
    this.#encoder?.encode(frame, timestampUs, orders, { transfer: true });
  }

  /** Counts a picture that there was no room for. */
  leaveOut(): void {
    this.framesDropped++;
  }

  close(): void {
    this.#closed = true;
    this.#waiting = undefined;
    this.#encoder?.close().catch(this.#options.onError);
    this.#encoder = undefined;
  }

  async #open(): Promise<void> {
    const { onChunk, onError, ...options } = this.#options;
    this.#opening = true;
    try {
      const encoder = await openLayeredEncoder(options);
      encoder.onChunk(onChunk);
      encoder.onError(onError);
      if (this.#closed) {
        await encoder.close();
        return;
      }
      this.#encoder = encoder;
    } catch (error) {
      onError(error);
      this.#closed = true;
    } finally {
      this.#opening = false;
    }
    if (this.#encoder) this.#onReady?.();
  }
}
