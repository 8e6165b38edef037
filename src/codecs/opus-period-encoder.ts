import { SluiceError } from '../media/errors.js';
import { type Ffmpeg, check, loadFfmpeg } from './ffmpeg.js';
import { createOpusEncoder } from './opus.js';
import {
  type EncoderSettings,
  type OpusEncoderOptions,
  encoderSettings,
  forcedImplementation,
} from './opus-settings.js';
import type { AvFrame } from './picture.js';

/** Encodes 20 ms of interleaved samples at a time, with settings that stay as they are. */
export interface OpusPeriodEncoder {
  /** The packet belongs to the caller. Errors: SLUICE_FORMAT_MISMATCH for another length, SLUICE_CODEC_FAILED, SLUICE_STATE_INVALID after `close`. */
  encode(pcm: Int16Array): Uint8Array;
  close(): void;
}

/**
 * Makes an Opus encoder for whole periods: FFmpeg's libopus, which takes two thirds of the time of the others, where it loads and
 * no implementation is asked for; else that of `createOpusEncoder`. Errors: those of `createOpusEncoder`.
 */
export async function createOpusPeriodEncoder(options: OpusEncoderOptions): Promise<OpusPeriodEncoder> {
  const settings = encoderSettings(options);
  const isAskedFor = (options.implementation ?? forcedImplementation()) !== undefined;
  const ffmpeg = isAskedFor ? undefined : await loadFfmpeg().catch(() => undefined);
  if (!ffmpeg?.lib.Codec.findEncoderByName(ffmpeg.c.FF_ENCODER_LIBOPUS)) return await createOpusEncoder(options);
  return new FfmpegEncoder(ffmpeg, settings);
}

type Context = InstanceType<Ffmpeg['lib']['CodecContext']>;

const FAILED = 'the Opus encoder failed';

class FfmpegEncoder implements OpusPeriodEncoder {
  readonly #ffmpeg: Ffmpeg;
  readonly #frame: AvFrame;
  readonly #packet: InstanceType<Ffmpeg['lib']['Packet']>;
  readonly #samples: number;
  readonly #frames: number;
  #context: Context | undefined;
  /** Memory of the frame. */
  #plane: Buffer | undefined;
  #framesIn = 0;

  constructor(ffmpeg: Ffmpeg, settings: EncoderSettings) {
    this.#ffmpeg = ffmpeg;
    this.#frames = settings.sampleRate / 50;
    this.#samples = this.#frames * settings.numberOfChannels;
    this.#context = openContext(ffmpeg, settings);
    this.#frame = periodFrame(ffmpeg, this.#context, this.#frames);
    this.#packet = new ffmpeg.lib.Packet();
    this.#packet.alloc();
  }

  encode(pcm: Int16Array): Uint8Array {
    const context = this.#open();
    if (pcm.length !== this.#samples) {
      throw new SluiceError(
        'SLUICE_FORMAT_MISMATCH',
        `${pcm.length} samples are not ${this.#samples}, a period of 20 ms`,
      );
    }
    const frame = this.#frame;
    if (!this.#plane || !frame.isWritable) {
      // Its memory may be another one afterwards.
      this.#check(frame.makeWritable());
      this.#plane = frame.data?.[0];
    }
    this.#plane?.set(new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength));
    frame.pts = BigInt(this.#framesIn);
    this.#framesIn += this.#frames;
    this.#check(context.sendFrameSync(frame));
    this.#check(context.receivePacketSync(this.#packet));
    const bytes = this.#packet.data;
    this.#packet.unref();
    if (!bytes) throw new SluiceError('SLUICE_CODEC_FAILED', `${FAILED}: it gave an empty packet`);
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  close(): void {
    if (!this.#context) return;
    this.#context.freeContext();
    this.#context = undefined;
    this.#frame.free();
    this.#packet.free();
  }

  #check(result: number): void {
    check(this.#ffmpeg, result, FAILED);
  }

  #open(): Context {
    if (!this.#context) throw new SluiceError('SLUICE_STATE_INVALID', 'the Opus encoder is closed');
    return this.#context;
  }
}

function openContext(ffmpeg: Ffmpeg, settings: EncoderSettings): Context {
  const { lib, c } = ffmpeg;
  const codec = lib.Codec.findEncoderByName(c.FF_ENCODER_LIBOPUS);
  if (!codec) throw new SluiceError('SLUICE_CODEC_UNAVAILABLE', 'this FFmpeg has no libopus');
  const context = new lib.CodecContext();
  context.allocContext3(codec);
  context.sampleRate = settings.sampleRate;
  context.sampleFormat = c.AV_SAMPLE_FMT_S16;
  context.channelLayout = settings.numberOfChannels === 1 ? c.AV_CHANNEL_LAYOUT_MONO : c.AV_CHANNEL_LAYOUT_STEREO;
  context.bitRate = BigInt(settings.bitrate);
  context.timeBase = new lib.Rational(1, settings.sampleRate);
  const options = {
    application: settings.application,
    compression_level: settings.complexity,
    // As libopus does by itself; FFmpeg would let single packets become larger.
    vbr: 'constrained',
    fec: settings.fec,
    packet_loss: settings.packetLossPercent,
    dtx: settings.dtx,
  };
  for (const [key, value] of Object.entries(options)) {
    check(ffmpeg, context.setOption(key, value), `the Opus encoder does not know ${key}`);
  }
  check(ffmpeg, context.open2Sync(codec), 'the Opus encoder cannot be opened');
  return context;
}

/** A frame with memory for one period. */
function periodFrame(ffmpeg: Ffmpeg, context: Context, frames: number): AvFrame {
  const frame = new ffmpeg.lib.Frame();
  frame.alloc();
  frame.nbSamples = frames;
  frame.format = context.sampleFormat;
  frame.sampleRate = context.sampleRate;
  frame.channelLayout = context.channelLayout;
  check(ffmpeg, frame.getBuffer(0), FAILED);
  return frame;
}
