import type { EncodedVideoChunk } from '../media/encoded-chunk.js';
import { SluiceError } from '../media/errors.js';
import { MAX_PIXELS, type VideoFrame } from '../media/video-frame.js';
import { EncoderContext, type EncoderContextOptions } from './encoder-context.js';
import { type Ffmpeg, loadFfmpeg } from './ffmpeg.js';
import { PictureConverter } from './picture.js';

/** Pictures of other sizes are scaled to that of the encoder. `frameRate` is from 1 to 60. */
export type VideoEncoderOptions = Omit<EncoderContextOptions, 'scalabilityMode'>;

/** A real-time encoder without delay: each picture gives its chunk at once. Synchronous; milliseconds a call. */
export interface VideoEncoder {
  readonly width: number;
  readonly height: number;
  /**
   * Encodes a picture of any size and pixel format. The chunk belongs to the caller and has the picture's
   * timestamp; undefined when the encoder left the picture out.
   * Errors: SLUICE_FORMAT_MISMATCH, SLUICE_CODEC_FAILED, SLUICE_STATE_INVALID after `close`.
   */
  encode(frame: VideoFrame, options?: { readonly keyFrame?: boolean }): EncodedVideoChunk | undefined;
  /** H.264 follows at once; VP8 in steps, each with a key frame, so that small changes cost nothing. */
  setBitrate(bitsPerSecond: number): void;
  /** What is still inside; the next picture is a key frame. */
  flush(): EncodedVideoChunk[];
  close(): void;
}

/** Makes a video encoder. Errors: SLUICE_CONFIG_INVALID, SLUICE_CODEC_UNAVAILABLE, SLUICE_CODEC_FAILED. */
export async function createVideoEncoder(options: VideoEncoderOptions): Promise<VideoEncoder> {
  checkOptions(options);
  return new FfmpegVideoEncoder(await loadFfmpeg(), options);
}

class FfmpegVideoEncoder implements VideoEncoder {
  readonly width: number;
  readonly height: number;
  readonly #converter: PictureConverter;
  #context: EncoderContext | undefined;

  constructor(ffmpeg: Ffmpeg, options: VideoEncoderOptions) {
    this.width = options.width;
    this.height = options.height;
    this.#context = new EncoderContext(ffmpeg, options);
    this.#converter = new PictureConverter(ffmpeg);
  }

  encode(frame: VideoFrame, options?: { readonly keyFrame?: boolean }): EncodedVideoChunk | undefined {
    if (!this.#context) throw closed();
    const picture = this.#converter.convert(this.#converter.load(frame), this.width, this.height, 'YUV420P');
    return this.#context.encode(picture, frame.timestamp, options?.keyFrame === true);
  }

  setBitrate(bitsPerSecond: number): void {
    if (!this.#context) throw closed();
    if (!Number.isFinite(bitsPerSecond)) {
      throw new SluiceError('SLUICE_CONFIG_INVALID', `${bitsPerSecond} is not a bitrate`);
    }
    this.#context.setBitrate(bitsPerSecond);
  }

  flush(): EncodedVideoChunk[] {
    if (!this.#context) throw closed();
    return this.#context.flush();
  }

  close(): void {
    if (!this.#context) return;
    this.#context.close();
    this.#context = undefined;
    this.#converter.close();
  }
}

function checkOptions(options: VideoEncoderOptions): void {
  const { codec, width, height, frameRate, bitrate, keyFrameIntervalFrames } = options;
  const whole = Number.isInteger(width) && Number.isInteger(height) && width >= 2 && height >= 2;
  if (!whole || width * height > MAX_PIXELS) {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `video of ${width}x${height} cannot be encoded`, {
      mend: 'Use whole numbers from 2 on, at most 1920x1080 pixels in all.',
    });
  }
  if (codec === 'h264' && (width % 2 !== 0 || height % 2 !== 0)) {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `H.264 cannot be ${width}x${height}`, { mend: 'Use even numbers.' });
  }
  if (!(frameRate >= 1 && frameRate <= 60)) {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `a frame rate of ${frameRate} is not supported`, {
      mend: 'Use 1 to 60.',
    });
  }
  if (!Number.isFinite(bitrate) || bitrate <= 0) {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `${bitrate} is not a bitrate`);
  }
  if (
    keyFrameIntervalFrames !== undefined &&
    !(Number.isInteger(keyFrameIntervalFrames) && keyFrameIntervalFrames > 0)
  ) {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `keyFrameIntervalFrames cannot be ${keyFrameIntervalFrames}`);
  }
}

function closed(): SluiceError {
  return new SluiceError('SLUICE_STATE_INVALID', 'the video encoder is closed');
}
