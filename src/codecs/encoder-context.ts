import type { EncodedVideoChunk, VideoCodec } from '../media/encoded-chunk.js';
import { SluiceError } from '../media/errors.js';
import { BitrateSteps } from './bitrate-steps.js';
import { type Ffmpeg, check } from './ffmpeg.js';
import type { AvFrame } from './picture.js';
import { type ScalabilityMode, TemporalPattern, type TemporalPlace, temporalParameters } from './temporal-layers.js';

export interface EncoderContextOptions {
  readonly codec: VideoCodec;
  /** Pixels; even for h264. */
  readonly width: number;
  /** Pixels; even for h264. */
  readonly height: number;
  /** Pictures per second that are expected. */
  readonly frameRate: number;
  /** Bits per second. */
  readonly bitrate: number;
  /** Longest distance between key frames, in pictures. Default: 10 s of them. */
  readonly keyFrameIntervalFrames?: number;
  /** VP8 only. Default `L1T1`. */
  readonly scalabilityMode?: ScalabilityMode;
}

/** What an encoder made of a picture, with its place where there are temporal layers. */
export interface PlacedChunk extends EncodedVideoChunk {
  readonly temporal?: TemporalPlace;
}

type Context = InstanceType<Ffmpeg['lib']['CodecContext']>;
type Packet = InstanceType<Ffmpeg['lib']['Packet']>;
type Settings = Readonly<Record<string, string | number | boolean>>;

const MIN_BITRATE = 20_000;
/** In µs. */
const MAX_STEP_US = 100_000;

/** One open encoder of FFmpeg: takes pictures of its own size, each gives its chunk at once. */
export class EncoderContext {
  readonly #ffmpeg: Ffmpeg;
  readonly #options: EncoderContextOptions;
  readonly #packet: Packet;
  readonly #bitrate: BitrateSteps;
  readonly #pattern: TemporalPattern | undefined;
  #context: Context | undefined;
  #lastPts: bigint | undefined;
  #lastTimestamp = 0;
  readonly #durationUs: number;

  /** Errors: SLUICE_CODEC_UNAVAILABLE, SLUICE_CODEC_FAILED. */
  constructor(ffmpeg: Ffmpeg, options: EncoderContextOptions) {
    this.#ffmpeg = ffmpeg;
    this.#options = options;
    this.#durationUs = Math.round(1_000_000 / options.frameRate);
    this.#bitrate = new BitrateSteps(Math.max(MIN_BITRATE, Math.round(options.bitrate)));
    this.#pattern = options.scalabilityMode === 'L1T3' ? new TemporalPattern(ffmpeg) : undefined;
    this.#context = openContext(ffmpeg, options, this.#bitrate.current);
    this.#packet = new ffmpeg.lib.Packet();
    this.#packet.alloc();
  }

  get width(): number {
    return this.#options.width;
  }

  get height(): number {
    return this.#options.height;
  }

  /** What the encoder keeps to now, in bits per second. */
  get bitrate(): number {
    return this.#bitrate.current;
  }

  /**
   * Encodes a YUV420P picture of this size; undefined when it was left out. `durationUs`: the time that its bits are counted
   * for, whatever the time stamps say; as they say where it is left out. Errors: SLUICE_CODEC_FAILED.
   */
  encode(picture: AvFrame, timestamp: number, keyFrame: boolean, durationUs?: number): PlacedChunk | undefined {
    if (this.#options.codec === 'vp8' && this.#bitrate.step(timestamp, keyFrame)) this.#reopen();
    const { c } = this.#ffmpeg;
    this.#pattern?.mark(picture, keyFrame);
    picture.pts = this.#nextPts(timestamp, durationUs);
    picture.duration = BigInt(durationUs ?? this.#durationUs);
    picture.pictType = keyFrame ? c.AV_PICTURE_TYPE_I : c.AV_PICTURE_TYPE_NONE;
    check(this.#ffmpeg, this.#opened().sendFrameSync(picture), 'a picture cannot be encoded');
    this.#lastTimestamp = timestamp;
    return this.#receive();
  }

  /** H.264 follows at once; VP8 in steps, each with a key frame, so that small changes cost nothing. */
  setBitrate(bitsPerSecond: number): void {
    const bitrate = Math.max(MIN_BITRATE, Math.round(bitsPerSecond));
    this.#bitrate.want(bitrate);
    if (this.#options.codec === 'h264') applyBitrate(this.#opened(), bitrate);
  }

  /** What is still inside; the next picture is a key frame. */
  flush(): EncodedVideoChunk[] {
    const rest: EncodedVideoChunk[] = [];
    this.#opened().sendFrameSync(null);
    for (let chunk = this.#receive(); chunk; chunk = this.#receive()) rest.push(chunk);
    this.#reopen();
    return rest;
  }

  close(): void {
    if (!this.#context) return;
    this.#context.freeContext();
    this.#context = undefined;
    this.#packet.free();
  }

  #opened(): Context {
    if (!this.#context) throw new SluiceError('SLUICE_STATE_INVALID', 'the video encoder is closed');
    return this.#context;
  }

  #receive(): PlacedChunk | undefined {
    const { c } = this.#ffmpeg;
    const result = this.#opened().receivePacketSync(this.#packet);
    if (result === c.AVERROR_EAGAIN || result === c.AVERROR_EOF) return undefined;
    check(this.#ffmpeg, result, 'a picture cannot be encoded');
    const bytes = this.#packet.data;
    const type = this.#packet.isKeyframe ? 'key' : 'delta';
    this.#packet.unref();
    if (!bytes) return undefined;
    const data = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const temporal = this.#pattern?.take(type === 'key');
    return {
      kind: 'encoded-video',
      codec: this.#options.codec,
      type,
      data,
      timestamp: this.#lastTimestamp,
      duration: this.#durationUs,
      ...(temporal && { temporal }),
    };
  }

  #reopen(): void {
    this.#context?.freeContext();
    this.#context = undefined;
    this.#context = openContext(this.#ffmpeg, this.#options, this.#bitrate.current);
    this.#lastPts = undefined;
    this.#pattern?.restart();
  }

  /** Time as the encoder sees it grows with every picture, and knows no long pauses: the next one may not cost them all. */
  #nextPts(timestamp: number, durationUs: number | undefined): bigint {
    const stepUs = durationUs ?? Math.min(timestamp - this.#lastTimestamp, Math.max(MAX_STEP_US, this.#durationUs));
    this.#lastPts = this.#lastPts === undefined ? 0n : this.#lastPts + BigInt(Math.max(1, Math.round(stepUs)));
    return this.#lastPts;
  }
}

function openContext(ffmpeg: Ffmpeg, options: EncoderContextOptions, bitrate: number): Context {
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
  if (name === 'vp8') {
    // One rate for all three is what makes libvpx keep it constant.
    context.rcMinRate = BigInt(bitrate);
    // Below that nobody sees a difference, and easy pictures would take all the bits that they may.
    context.qMin = 8;
    // The base does not give way for what is above it: that has to become as small as it can.
    context.qMax = options.scalabilityMode === 'L1T3' ? 63 : 56;
  }
  for (const [key, value] of Object.entries(settingsOf(options, bitrate))) {
    check(ffmpeg, context.setOption(key, value), `the ${name} encoder does not know ${key}`);
  }
  check(ffmpeg, context.open2Sync(codec), `the ${name} encoder cannot be opened`);
  return context;
}

function settingsOf({ codec, scalabilityMode }: EncoderContextOptions, bitrate: number): Settings {
  if (codec === 'h264') return H264_OPTIONS;
  if (scalabilityMode !== 'L1T3') return VP8_OPTIONS;
  return { ...VP8_OPTIONS, 'max-intra-rate': L1T3_MAX_INTRA_RATE, 'ts-parameters': temporalParameters(bitrate) };
}

function applyBitrate(context: Context, bitrate: number): void {
  context.bitRate = BigInt(bitrate);
  context.rcMaxRate = BigInt(bitrate);
  context.rcBufferSize = bitrate;
}

/** Lost pictures are asked for again or replaced by a key frame, so resilience that costs bits stays off. */
const VP8_OPTIONS = {
  deadline: 'realtime',
  // Below zero it is a fixed speed; above, libvpx spends up to half of each picture's time on being thorough.
  'cpu-used': -6,
  'lag-in-frames': 0,
  'auto-alt-ref': 0,
  'error-resilient': '0',
  'static-thresh': 1,
  'undershoot-pct': 100,
  'overshoot-pct': 15,
  'max-intra-rate': 300,
} as const;

/** In percent of the mean picture of the base layer, which is more than twice as large as that of all. */
const L1T3_MAX_INTRA_RATE = 200;

/** Constrained baseline; parameter sets stand in front of every IDR picture as there is no global header. */
const H264_OPTIONS = {
  preset: 'ultrafast',
  tune: 'zerolatency',
  profile: 'baseline',
  'forced-idr': true,
  'x264-params': 'scenecut=0:sliced-threads=0:repeat-headers=1:annexb=1',
} as const;
