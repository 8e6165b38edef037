import type { EncodedVideoChunk, VideoCodec } from '../media/encoded-chunk.js';
import { SluiceError } from '../media/errors.js';
import { MAX_PIXELS, type PixelFormat, type VideoFrame } from '../media/video-frame.js';
import { type Ffmpeg, check, describe, loadFfmpeg } from './ffmpeg.js';
import { type AvFrame, PictureConverter, copyOut, fitInside } from './picture.js';

export interface VideoDecoderOptions {
  readonly codec: VideoCodec;
  /** Pixel format of the pictures that come out. Default YUV420P. */
  readonly format?: PixelFormat;
  /** Larger pictures are made smaller, keeping their shape. Pixels. */
  readonly maxWidth?: number;
  /** Pixels. */
  readonly maxHeight?: number;
}

/** A video decoder. Synchronous; about a millisecond a call. */
export interface VideoDecoder {
  /** True until a key chunk was decoded, and again after a failure: delta chunks are skipped meanwhile. */
  readonly needsKeyFrame: boolean;
  /**
   * Decodes one chunk. The picture, a buffer of its own without padding, belongs to the caller and has its
   * chunk's timestamp; undefined when there is none to show. At most 1920x1080 pixels, larger ones are scaled.
   * `hidden` decodes it only for those that need it, without a picture, which saves a third of the work.
   * Errors: SLUICE_CODEC_FAILED for broken data (the next key chunk is decoded again), SLUICE_STATE_INVALID after `close`.
   */
  decode(chunk: EncodedVideoChunk, hidden?: boolean): VideoFrame | undefined;
  /** Pictures that were held back for reordering; the decoder then waits for a key chunk. */
  flush(): VideoFrame[];
  close(): void;
}

/** Makes a video decoder. Errors: SLUICE_CODEC_UNAVAILABLE, SLUICE_CODEC_FAILED. */
export async function createVideoDecoder(options: VideoDecoderOptions): Promise<VideoDecoder> {
  return new FfmpegVideoDecoder(await loadFfmpeg(), options);
}

type Context = InstanceType<Ffmpeg['lib']['CodecContext']>;

/** Nothing larger is decoded at all: a few bytes can claim a picture of 16383x16383. */
const MAX_DECODED_PIXELS = 3840 * 2160;

class FfmpegVideoDecoder implements VideoDecoder {
  readonly #ffmpeg: Ffmpeg;
  readonly #codec: VideoCodec;
  readonly #pictures: PictureReader;
  readonly #packet: InstanceType<Ffmpeg['lib']['Packet']>;
  #context: Context | undefined;
  #needsKeyFrame = true;

  constructor(ffmpeg: Ffmpeg, options: VideoDecoderOptions) {
    this.#ffmpeg = ffmpeg;
    this.#codec = options.codec;
    this.#context = openContext(ffmpeg, options.codec);
    this.#pictures = new PictureReader(ffmpeg, options);
    this.#packet = new ffmpeg.lib.Packet();
    this.#packet.alloc();
  }

  get needsKeyFrame(): boolean {
    return this.#needsKeyFrame;
  }

  decode(chunk: EncodedVideoChunk, hidden = false): VideoFrame | undefined {
    const context = this.#context;
    if (!context) throw new SluiceError('SLUICE_STATE_INVALID', 'the video decoder is closed');
    if (chunk.codec !== this.#codec) {
      throw new SluiceError('SLUICE_FORMAT_MISMATCH', `a ${chunk.codec} chunk came to a ${this.#codec} decoder`);
    }
    if (this.#needsKeyFrame && chunk.type !== 'key') return undefined;
    const { c } = this.#ffmpeg;
    if (chunk.data.length === 0) throw this.#failed('the chunk is empty');
    this.#packet.data = Buffer.from(chunk.data.buffer, chunk.data.byteOffset, chunk.data.byteLength);
    this.#packet.pts = BigInt(Math.round(chunk.timestamp));
    this.#packet.dts = c.AV_NOPTS_VALUE;
    const sent = context.sendPacketSync(this.#packet);
    this.#packet.unref();
    if (sent < 0 && sent !== c.AVERROR_EAGAIN) throw this.#failed(describe(this.#ffmpeg, sent));
    this.#needsKeyFrame = false;
    const received = this.#pictures.receive(context);
    if (received < 0) {
      if (received === c.AVERROR_EAGAIN) return undefined;
      throw this.#failed(describe(this.#ffmpeg, received));
    }
    if (this.#pictures.isBroken) throw this.#failed('the picture is damaged');
    if (!hidden) return this.#pictures.take();
    this.#pictures.leave();
    return undefined;
  }

  flush(): VideoFrame[] {
    const context = this.#context;
    if (!context) throw new SluiceError('SLUICE_STATE_INVALID', 'the video decoder is closed');
    const rest: VideoFrame[] = [];
    context.sendPacketSync(null);
    while (this.#pictures.receive(context) >= 0) rest.push(this.#pictures.take());
    context.flushBuffers();
    this.#needsKeyFrame = true;
    return rest;
  }

  close(): void {
    if (!this.#context) return;
    this.#context.freeContext();
    this.#context = undefined;
    this.#packet.free();
    this.#pictures.close();
  }

  #failed(reason: string): SluiceError {
    this.#needsKeyFrame = true;
    this.#context?.flushBuffers();
    return new SluiceError('SLUICE_CODEC_FAILED', `a ${this.#codec} picture cannot be decoded: ${reason}`);
  }
}

export interface PictureReaderOptions {
  readonly format?: PixelFormat;
  readonly maxWidth?: number;
  readonly maxHeight?: number;
}

/** Takes pictures out of an open FFmpeg decoder, in the format and within the size asked for. */
export class PictureReader {
  readonly #ffmpeg: Ffmpeg;
  readonly #frame: AvFrame;
  readonly #converter: PictureConverter;
  readonly #format: PixelFormat;
  readonly #limits: { maxWidth: number; maxHeight: number; maxPixels: number };

  constructor(ffmpeg: Ffmpeg, options: PictureReaderOptions) {
    this.#ffmpeg = ffmpeg;
    this.#format = options.format ?? 'YUV420P';
    const { maxWidth = Infinity, maxHeight = Infinity } = options;
    this.#limits = { maxWidth, maxHeight, maxPixels: MAX_PIXELS };
    this.#converter = new PictureConverter(ffmpeg);
    this.#frame = new ffmpeg.lib.Frame();
    this.#frame.alloc();
  }

  /** FFmpeg's result; from 0 on a picture is there for `take`. */
  receive(context: Context): number {
    return context.receiveFrameSync(this.#frame);
  }

  /** The picture was made in spite of errors in its data. */
  get isBroken(): boolean {
    return this.#frame.decodeErrorFlags !== 0;
  }

  /** Time of the picture in its stream's time base; FFmpeg's best guess where it is not written down. */
  get pts(): bigint {
    const { AV_NOPTS_VALUE } = this.#ffmpeg.c;
    const best = this.#frame.bestEffortTimestamp;
    return best === AV_NOPTS_VALUE ? this.#frame.pts : best;
  }

  /** A copy of the picture. `timestamp` in µs: the chunk's own when left out. */
  take(timestamp = Number(this.pts)): VideoFrame {
    const { width, height } = fitInside(this.#frame.width, this.#frame.height, this.#limits);
    const picture = this.#converter.convert(this.#frame, width, height, this.#format);
    const frame = copyOut(picture, this.#format, timestamp);
    this.#frame.unref();
    return frame;
  }

  /** Lets the picture go. */
  leave(): void {
    this.#frame.unref();
  }

  close(): void {
    this.#frame.free();
    this.#converter.close();
  }
}

function openContext(ffmpeg: Ffmpeg, name: VideoCodec): Context {
  const { lib, c } = ffmpeg;
  const codec = lib.Codec.findDecoder(name === 'vp8' ? c.AV_CODEC_ID_VP8 : c.AV_CODEC_ID_H264);
  if (!codec) throw new SluiceError('SLUICE_CODEC_UNAVAILABLE', `this FFmpeg has no ${name} decoder`);
  const context = new lib.CodecContext();
  context.allocContext3(codec);
  context.threadCount = 1;
  context.timeBase = new lib.Rational(1, 1_000_000);
  context.pktTimebase = new lib.Rational(1, 1_000_000);
  context.flags = c.AV_CODEC_FLAG_LOW_DELAY;
  check(ffmpeg, context.setOption('max_pixels', MAX_DECODED_PIXELS), 'the decoder takes no limit');
  check(ffmpeg, context.open2Sync(codec), `the ${name} decoder cannot be opened`);
  return context;
}
