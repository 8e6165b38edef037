import type { EncodedVideoChunk, VideoCodec } from '../media/encoded-chunk.js';
import { SluiceError } from '../media/errors.js';
import { MAX_PIXELS, type VideoFrame } from '../media/video-frame.js';
import { BitrateSteps } from './bitrate-steps.js';
import { type Ffmpeg, check, loadFfmpeg } from './ffmpeg.js';
import { PictureConverter } from './picture.js';

export interface VideoEncoderOptions {
  readonly codec: VideoCodec;
  /** Pixels; even for h264. Pictures of other sizes are scaled to this one. */
  readonly width: number;
  /** Pixels; even for h264. */
  readonly height: number;
  /** Pictures per second that are expected, 1 to 60. */
  readonly frameRate: number;
  /** Bits per second. */
  readonly bitrate: number;
  /** Longest distance between key frames, in pictures. Default: 10 s of them. */
  readonly keyFrameIntervalFrames?: number;
}

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

type Context = InstanceType<Ffmpeg['lib']['CodecContext']>;
type Packet = InstanceType<Ffmpeg['lib']['Packet']>;

const MIN_BITRATE = 20_000;

class FfmpegVideoEncoder implements VideoEncoder {
  readonly width: number;
  readonly height: number;
  readonly #ffmpeg: Ffmpeg;
  readonly #options: VideoEncoderOptions;
  readonly #converter: PictureConverter;
  readonly #packet: Packet;
  readonly #bitrate: BitrateSteps;
  readonly #durationUs: number;
  #context: Context | undefined;
  #lastPts: bigint | undefined;
  #lastTimestamp = 0;

  constructor(ffmpeg: Ffmpeg, options: VideoEncoderOptions) {
    this.width = options.width;
    this.height = options.height;
    this.#ffmpeg = ffmpeg;
    this.#options = options;
    this.#durationUs = Math.round(1_000_000 / options.frameRate);
    this.#bitrate = new BitrateSteps(Math.max(MIN_BITRATE, options.bitrate));
    this.#context = openContext(ffmpeg, options, this.#bitrate.current);
    this.#converter = new PictureConverter(ffmpeg);
    this.#packet = new ffmpeg.lib.Packet();
    this.#packet.alloc();
  }

  encode(frame: VideoFrame, options?: { readonly keyFrame?: boolean }): EncodedVideoChunk | undefined {
    if (!this.#context) throw closed();
    if (this.#options.codec === 'vp8' && this.#bitrate.step(frame.timestamp)) this.#reopen();
    const { c } = this.#ffmpeg;
    const picture = this.#converter.convert(this.#converter.load(frame), this.width, this.height, 'YUV420P');
    picture.pts = this.#nextPts(frame.timestamp);
    picture.pictType = options?.keyFrame === true ? c.AV_PICTURE_TYPE_I : c.AV_PICTURE_TYPE_NONE;
    check(this.#ffmpeg, this.#context.sendFrameSync(picture), 'a picture cannot be encoded');
    this.#lastTimestamp = frame.timestamp;
    return this.#receive(frame.timestamp);
  }

  setBitrate(bitsPerSecond: number): void {
    if (!this.#context) throw closed();
    if (!Number.isFinite(bitsPerSecond)) {
      throw new SluiceError('SLUICE_CONFIG_INVALID', `${bitsPerSecond} is not a bitrate`);
    }
    const bitrate = Math.max(MIN_BITRATE, Math.round(bitsPerSecond));
    this.#bitrate.want(bitrate);
    if (this.#options.codec === 'h264') applyBitrate(this.#context, bitrate);
  }

  flush(): EncodedVideoChunk[] {
    if (!this.#context) throw closed();
    const rest: EncodedVideoChunk[] = [];
    this.#context.sendFrameSync(null);
    for (let chunk = this.#receive(this.#lastTimestamp); chunk; chunk = this.#receive(this.#lastTimestamp)) {
      rest.push(chunk);
    }
    this.#reopen();
    return rest;
  }

  close(): void {
    if (!this.#context) return;
    this.#context.freeContext();
    this.#context = undefined;
    this.#packet.free();
    this.#converter.close();
  }

  #receive(timestamp: number): EncodedVideoChunk | undefined {
    const { c } = this.#ffmpeg;
    const result = this.#context?.receivePacketSync(this.#packet) ?? c.AVERROR_EOF;
    if (result === c.AVERROR_EAGAIN || result === c.AVERROR_EOF) return undefined;
    check(this.#ffmpeg, result, 'a picture cannot be encoded');
    const bytes = this.#packet.data;
    const type = this.#packet.isKeyframe ? 'key' : 'delta';
    this.#packet.unref();
    if (!bytes) return undefined;
    const data = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return { kind: 'encoded-video', codec: this.#options.codec, type, data, timestamp, duration: this.#durationUs };
  }

  #reopen(): void {
    this.#context?.freeContext();
    this.#context = undefined;
    this.#context = openContext(this.#ffmpeg, this.#options, this.#bitrate.current);
    this.#lastPts = undefined;
  }

  /** Encoders want time to grow with every picture. */
  #nextPts(timestamp: number): bigint {
    const pts = BigInt(Math.round(timestamp));
    this.#lastPts = this.#lastPts === undefined || pts > this.#lastPts ? pts : this.#lastPts + 1n;
    return this.#lastPts;
  }
}

function openContext(ffmpeg: Ffmpeg, options: VideoEncoderOptions, bitrate: number): Context {
  const { lib, c } = ffmpeg;
  const { codec: name, frameRate } = options;
  const codec = lib.Codec.findEncoderByName(name === 'vp8' ? c.FF_ENCODER_LIBVPX_VP8 : c.FF_ENCODER_LIBX264);
  if (!codec) throw new SluiceError('SLUICE_CODEC_UNAVAILABLE', `this FFmpeg has no ${name} encoder`);
  const context = new lib.CodecContext();
  context.allocContext3(codec);
  context.width = options.width;
  context.height = options.height;
  context.pixelFormat = c.AV_PIX_FMT_YUV420P;
  context.timeBase = new lib.Rational(1, 1_000_000);
  context.framerate = new lib.Rational(Math.round(frameRate * 1000), 1000);
  context.gopSize = options.keyFrameIntervalFrames ?? Math.round(frameRate * 10);
  context.maxBFrames = 0;
  context.threadCount = 1;
  applyBitrate(context, bitrate);
  const settings: Readonly<Record<string, string | number | boolean>> = name === 'vp8' ? VP8_OPTIONS : H264_OPTIONS;
  if (name === 'vp8') {
    // One rate for all three is what makes libvpx keep it constant.
    context.rcMinRate = BigInt(bitrate);
    context.qMin = 2;
    context.qMax = 56;
  }
  for (const [key, value] of Object.entries(settings)) {
    check(ffmpeg, context.setOption(key, value), `the ${name} encoder does not know ${key}`);
  }
  check(ffmpeg, context.open2Sync(codec), `the ${name} encoder cannot be opened`);
  return context;
}

function applyBitrate(context: Context, bitrate: number): void {
  context.bitRate = BigInt(bitrate);
  context.rcMaxRate = BigInt(bitrate);
  context.rcBufferSize = bitrate;
}

/** Lost pictures are asked for again or replaced by a key frame, so resilience that costs bits stays off. */
const VP8_OPTIONS = {
  deadline: 'realtime',
  'cpu-used': 8,
  'lag-in-frames': 0,
  'auto-alt-ref': 0,
  'error-resilient': '0',
  'static-thresh': 1,
  'undershoot-pct': 100,
  'overshoot-pct': 15,
  'max-intra-rate': 450,
} as const;

/** Constrained baseline; parameter sets stand in front of every IDR picture as there is no global header. */
const H264_OPTIONS = {
  preset: 'ultrafast',
  tune: 'zerolatency',
  profile: 'baseline',
  'forced-idr': true,
  'x264-params': 'scenecut=0:sliced-threads=0:repeat-headers=1:annexb=1',
} as const;

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
