import { Transform, type TransformCallback } from 'node:stream';
import { z } from 'zod';
import { openVideoEncoder, type ThreadedVideoEncoder } from '../codecs/codec-thread.js';
import { type PictureSize, sizeFor } from '../codecs/picture-size.js';
import { VIDEO_CODECS } from '../media/encoded-chunk.js';
import { nearestIn, type FormatPattern } from '../media/format.js';
import { defineNode } from '../media/node.js';
import { MAX_PIXELS, type VideoFrame } from '../media/video-frame.js';

const SIDE = 'in pixels; when left out it follows from the other, keeping the shape of the picture. Even for h264';

const Options = z
  .strictObject({
    codec: z.enum(VIDEO_CODECS).default('vp8').describe('`vp8`, or `h264` (constrained baseline, Annex B).'),
    width: z.int().min(2).max(1920).optional().describe(`Width that comes out, ${SIDE}.`),
    height: z.int().min(2).max(1920).optional().describe(`Height that comes out, ${SIDE}.`),
    frameRate: z
      .number()
      .min(1)
      .max(60)
      .optional()
      .describe('Pictures per second; where others come, a graph converts them. When left out, 30 are expected.'),
    bitrate: z.int().min(50_000).max(20_000_000).default(1_000_000).describe('Bits per second.'),
    keyFrameIntervalMs: z
      .int()
      .min(100)
      .max(600_000)
      .default(10_000)
      .describe('Longest time between two key frames, in ms.'),
  })
  .refine(({ width = 2, height = 2 }) => width * height <= MAX_PIXELS, {
    path: ['width'],
    message: 'Too big: width times height must be at most 1920x1080 pixels',
  });
type VideoEncoderOptions = z.output<typeof Options>;

/** µs of one core for a picture of 640x480, about. */
const ENCODE_COST = 2500;

/** Pictures that may be in the codec thread at a time. */
const MAX_PENDING = 3;

/**
 * Encodes raw pictures in a codec thread, in their own size or in the one that is asked for; where that changes, a key frame
 * comes in the new size. `requestKeyFrame()` of its stream makes the next picture a key frame. Errors: SLUICE_FORMAT_MISMATCH, SLUICE_CODEC_FAILED, SLUICE_CODEC_UNAVAILABLE.
 */
export const videoEncoder = defineNode({
  type: 'video-encoder',
  summary: 'Encodes raw pictures to VP8 or H.264.',
  options: Options,
  inputs: ({ frameRate }) => [
    { name: 'in', formats: [{ kind: 'video', ...(frameRate !== undefined && { frameRate }) }], flow: 'pull' },
  ],
  outputs: ({ codec }) => [{ name: 'out', formats: [{ kind: 'encoded-video', codec }] }],
  latency: { minMs: 0, maxMs: 100 },
  adapts: (format) => encoderOptions(undefined, format),
  converts(from, to) {
    if (from.kind !== 'video' || to.kind !== 'encoded-video') return undefined;
    return { options: encoderOptions(from, to), cost: ENCODE_COST * (nearestIn(from.frameRate, undefined) ?? 30) };
  },
  example: `nodes:
  picture: { type: test-pattern, durationMs: 1000, live: false }
  vp8:     { type: video-encoder, from: picture, bitrate: 800000 }
  file:    { type: recorder, from: vp8, path: out/pattern.webm }`,
  create: (options) => new VideoEncoderStream(options),
});

/** The options that make an encoder fit between two formats. */
function encoderOptions(from: FormatPattern | undefined, to: FormatPattern): Readonly<Record<string, unknown>> {
  const codec = to.kind === 'encoded-video' ? nearestIn(to.codec, undefined) : undefined;
  const frameRate = from?.kind === 'video' ? nearestIn(from.frameRate, undefined) : undefined;
  return { ...(codec !== undefined && { codec }), ...(frameRate !== undefined && { frameRate }) };
}

class VideoEncoderStream extends Transform {
  readonly #options: VideoEncoderOptions;
  #encoder: ThreadedVideoEncoder | undefined;
  /** Of the pictures that come out. */
  #size: PictureSize = { width: 0, height: 0 };
  #wantsKey = false;
  /** Lets the next picture in: set while there is no room for it. */
  #waiting: (() => void) | undefined;

  constructor(options: VideoEncoderOptions) {
    super({ objectMode: true, readableHighWaterMark: 4, writableHighWaterMark: 2 });
    this.#options = options;
  }

  requestKeyFrame(): void {
    this.#wantsKey = true;
  }

  override _transform(frame: VideoFrame, _encoding: BufferEncoding, done: TransformCallback): void {
    const size = this.#sizeFor(frame);
    if (this.#encoder && size.width === this.#size.width && size.height === this.#size.height) {
      this.#encode(this.#encoder, frame, done);
      return;
    }
    this.#open(size).then(
      (encoder) => {
        this.#encode(encoder, frame, done);
      },
      (error: unknown) => {
        done(error as Error);
      },
    );
  }

  override _read(size: number): void {
    // Called before the value that makes room is taken out.
    this.#goOn(true);
    super._read(size);
  }

  override _flush(done: TransformCallback): void {
    if (!this.#encoder) done();
    else
      this.#encoder.flush().then(
        () => {
          done();
        },
        (error: unknown) => {
          done(error as Error);
        },
      );
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const encoder = this.#encoder;
    this.#encoder = this.#waiting = undefined;
    if (!encoder) done(error);
    else
      encoder.close().then(
        () => {
          done(error);
        },
        () => {
          done(error);
        },
      );
  }

  #sizeFor(frame: VideoFrame): PictureSize {
    const { width, height } = sizeFor(frame, this.#options);
    const even = this.#options.codec === 'h264' ? ~1 : ~0;
    return { width: Math.max(2, width & even), height: Math.max(2, height & even) };
  }

  /** Opens an encoder for another size, after what was given has come out. */
  async #open(size: PictureSize): Promise<ThreadedVideoEncoder> {
    const { codec, frameRate = 30, bitrate, keyFrameIntervalMs } = this.#options;
    const before = this.#encoder;
    await before?.flush();
    this.#encoder = undefined;
    await before?.close();
    this.#size = size;
    const encoder = await openVideoEncoder({
      codec,
      ...size,
      frameRate,
      bitrate,
      keyFrameIntervalFrames: Math.max(1, Math.round((keyFrameIntervalMs * frameRate) / 1000)),
    });
    encoder.onChunk((chunk) => {
      this.push(chunk);
    });
    encoder.onAnswer(() => {
      this.#goOn();
    });
    encoder.onError((error) => {
      this.destroy(error);
    });
    if (this.destroyed) await encoder.close();
    else this.#encoder = encoder;
    return encoder;
  }

  #encode(encoder: ThreadedVideoEncoder, frame: VideoFrame, done: TransformCallback): void {
    if (this.destroyed) return;
    encoder.encode(frame, this.#wantsKey);
    this.#wantsKey = false;
    this.#waiting = done;
    this.#goOn();
  }

  /** Takes the next picture when there is room in the thread and behind it: Transform does not count chunks that come between calls. */
  #goOn(hasRoom = this.readableLength < this.readableHighWaterMark): void {
    const pending = this.#encoder?.pending ?? 0;
    if (!this.#waiting || pending >= MAX_PENDING || !hasRoom) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting();
  }
}
