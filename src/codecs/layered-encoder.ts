import type { VideoCodec } from '../media/encoded-chunk.js';
import { SluiceError } from '../media/errors.js';
import type { VideoFrame } from '../media/video-frame.js';
import { EncoderContext, type PlacedChunk } from './encoder-context.js';
import { type Ffmpeg, loadFfmpeg } from './ffmpeg.js';
import { type AvFrame, PictureConverter } from './picture.js';
import type { ScalabilityMode } from './temporal-layers.js';

export interface LayeredEncoderOptions {
  readonly codec: VideoCodec;
  /** Of each layer. VP8 only; default `L1T1`. */
  readonly scalabilityMode?: ScalabilityMode;
}

/** What one layer is to make of a picture. */
export interface LayerOrder {
  /** Names the layer; its chunks carry it. 0 and up. */
  readonly layer: number;
  /** Pixels; even for h264. Another size than before opens a new encoder. */
  readonly width: number;
  /** Pixels; even for h264. */
  readonly height: number;
  /** Bits per second, followed as `VideoEncoder.setBitrate` does. */
  readonly bitrate: number;
  /** Pictures per second among which the bits are divided, 1 to 60. Leaving some out then saves theirs. */
  readonly frameRate: number;
  readonly keyFrame: boolean;
}

export interface LayerChunk extends PlacedChunk {
  readonly layer: number;
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
}

/** Encodes each picture in several sizes: one pass of scaling from size to size, one encoder a layer. Synchronous. */
export interface LayeredEncoder {
  /**
   * Encodes a picture, or the last one again, for the layers that are ordered; the others cost nothing, and their encoders are
   * closed after a while. Chunks belong to the caller, the largest layer's first.
   * Errors: SLUICE_FORMAT_MISMATCH, SLUICE_CODEC_FAILED, SLUICE_STATE_INVALID (no picture yet, closed).
   */
  encode(frame: VideoFrame | undefined, timestamp: number, orders: readonly LayerOrder[]): LayerChunk[];
  close(): void;
}

/** Makes a layered encoder. Errors: SLUICE_CONFIG_INVALID, SLUICE_CODEC_UNAVAILABLE. */
export async function createLayeredEncoder(options: LayeredEncoderOptions): Promise<LayeredEncoder> {
  if (options.codec !== 'vp8' && options.scalabilityMode === 'L1T3') {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `there is no ${options.codec} in temporal layers`);
  }
  return new FfmpegLayeredEncoder(await loadFfmpeg(), options);
}

interface Layer {
  readonly converter: PictureConverter;
  context: EncoderContext | undefined;
  /** Number of the call that it was last ordered in. */
  lastCall: number;
}

/** Calls without an order after which an encoder is closed: some seconds. */
const IDLE_CALLS = 100;
/** Key frames come when they are asked for; these only end what nobody noticed. In s. */
const KEY_FRAME_INTERVAL_S = 60;

class FfmpegLayeredEncoder implements LayeredEncoder {
  readonly #ffmpeg: Ffmpeg;
  readonly #options: LayeredEncoderOptions;
  readonly #source: PictureConverter;
  readonly #layers = new Map<number, Layer>();
  #picture: AvFrame | undefined;
  #calls = 0;
  #closed = false;

  constructor(ffmpeg: Ffmpeg, options: LayeredEncoderOptions) {
    this.#ffmpeg = ffmpeg;
    this.#options = options;
    this.#source = new PictureConverter(ffmpeg);
  }

  encode(frame: VideoFrame | undefined, timestamp: number, orders: readonly LayerOrder[]): LayerChunk[] {
    if (frame && !this.#closed) this.#picture = this.#source.load(frame);
    let picture = this.#picture;
    if (!picture || this.#closed) throw new SluiceError('SLUICE_STATE_INVALID', 'there is no picture to encode');
    this.#calls++;
    const chunks: LayerChunk[] = [];
    for (const order of orders.toSorted((a, b) => b.width * b.height - a.width * a.height)) {
      const layer = this.#layer(order);
      picture = layer.converter.convert(picture, order.width, order.height, 'YUV420P');
      const context = (layer.context ??= this.#open(order));
      context.setBitrate(order.bitrate);
      const chunk = context.encode(picture, timestamp, order.keyFrame, Math.round(1_000_000 / order.frameRate));
      if (chunk) chunks.push({ ...chunk, layer: order.layer, width: order.width, height: order.height });
    }
    this.#closeIdle();
    return chunks;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const layer of this.#layers.values()) closeLayer(layer);
    this.#layers.clear();
    this.#source.close();
    this.#picture = undefined;
  }

  #layer(order: LayerOrder): Layer {
    let layer = this.#layers.get(order.layer);
    if (!layer) {
      layer = { converter: new PictureConverter(this.#ffmpeg), context: undefined, lastCall: 0 };
      this.#layers.set(order.layer, layer);
    }
    layer.lastCall = this.#calls;
    const { context } = layer;
    if (context && (context.width !== order.width || context.height !== order.height)) {
      context.close();
      layer.context = undefined;
    }
    return layer;
  }

  #open({ width, height, frameRate, bitrate }: LayerOrder): EncoderContext {
    const keyFrameIntervalFrames = Math.round(frameRate * KEY_FRAME_INTERVAL_S);
    return new EncoderContext(this.#ffmpeg, {
      ...this.#options,
      width,
      height,
      frameRate,
      bitrate,
      keyFrameIntervalFrames,
    });
  }

  #closeIdle(): void {
    for (const [number, layer] of this.#layers) {
      if (this.#calls - layer.lastCall < IDLE_CALLS) continue;
      closeLayer(layer);
      this.#layers.delete(number);
    }
  }
}

function closeLayer(layer: Layer): void {
  layer.context?.close();
  layer.converter.close();
}
