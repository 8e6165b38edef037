import { Transform, type TransformCallback } from 'node:stream';
import { z } from 'zod';
import { openVideoDecoder, type ThreadedVideoDecoder } from '../codecs/codec-thread.js';
import { type EncodedVideoChunk, VIDEO_CODECS, type VideoCodec } from '../media/encoded-chunk.js';
import type { SluiceError } from '../media/errors.js';
import { nearestIn, pictureOptions } from '../media/format.js';
import { defineNode } from '../media/node.js';
import { PIXEL_FORMATS, type VideoFrame } from '../media/video-frame.js';

const Options = z.strictObject({
  format: z
    .enum(PIXEL_FORMATS)
    .default('YUV420P')
    .describe('Pixel format that comes out: YUV420P, RGB24 (B,G,R) or ARGB32 (B,G,R,A).'),
});
type VideoDecoderOptions = z.output<typeof Options>;

/** µs of one core for a second of 640x480 at 30 fps, about. */
const DECODE_COST = 20_000;

/** Chunks that may be in the codec thread at a time. */
const MAX_PENDING = 4;

/**
 * Decodes VP8 and H.264 in a codec thread; the codec may change at a key frame. What cannot be decoded is dropped,
 * counted, up to the next key frame. Errors: SLUICE_CODEC_FAILED, SLUICE_CODEC_UNAVAILABLE.
 */
export const videoDecoder = defineNode({
  type: 'video-decoder',
  summary: 'Decodes VP8 or H.264 to raw pictures.',
  options: Options,
  inputs: [{ name: 'in', formats: [{ kind: 'encoded-video', codec: VIDEO_CODECS }], flow: 'pull' }],
  outputs: ({ format }) => [{ name: 'out', formats: [{ kind: 'video', format }] }],
  latency: { minMs: 0, maxMs: 100 },
  adapts(format) {
    const { format: pixels } = pictureOptions(format);
    return pixels === undefined ? {} : { format: pixels };
  },
  converts(from, to) {
    if (from.kind !== 'encoded-video' || to.kind !== 'video') return undefined;
    const format = nearestIn(to.format, undefined);
    return { options: format === undefined ? {} : { format }, cost: DECODE_COST };
  },
  example: `nodes:
  picture: { type: test-pattern, durationMs: 1000, live: false }
  vp8:     { type: video-encoder, from: picture }
  again:   { type: video-decoder, from: vp8 }
  nowhere: { type: "null", from: again }`,
  create: (options, context) =>
    new VideoDecoderStream(options, (reason) => {
      context.dropped(reason);
    }),
});

class VideoDecoderStream extends Transform {
  readonly #options: VideoDecoderOptions;
  readonly #dropped: (reason: string) => void;
  #decoder: ThreadedVideoDecoder | undefined;
  #codec: VideoCodec | undefined;
  /** Lets the next chunk in: set while there is no room for it. */
  #waiting: (() => void) | undefined;
  /** Nothing came out since the start, or since a broken chunk: chunks are left out up to a key frame. */
  #isLost = true;
  /** The chunk that is being answered gave a picture, or was counted. */
  #isAccounted = false;
  #lastError: SluiceError | undefined;

  constructor(options: VideoDecoderOptions, dropped: (reason: string) => void) {
    super({ objectMode: true, readableHighWaterMark: 4, writableHighWaterMark: 4 });
    this.#options = options;
    this.#dropped = dropped;
  }

  override _transform(chunk: EncodedVideoChunk, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.#decoder && chunk.codec === this.#codec) {
      this.#decode(this.#decoder, chunk, done);
      return;
    }
    this.#open(chunk.codec).then(
      (decoder) => {
        this.#decode(decoder, chunk, done);
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
    if (!this.#decoder) done();
    else
      this.#decoder.flush().then(
        () => {
          done();
        },
        (error: unknown) => {
          done(error as Error);
        },
      );
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const decoder = this.#decoder;
    this.#decoder = this.#waiting = undefined;
    if (!decoder) done(error);
    else
      decoder.close().then(
        () => {
          done(error);
        },
        () => {
          done(error);
        },
      );
  }

  async #open(codec: VideoCodec): Promise<ThreadedVideoDecoder> {
    const before = this.#decoder;
    await before?.flush();
    this.#decoder = undefined;
    await before?.close();
    const decoder = await openVideoDecoder({ codec, format: this.#options.format });
    decoder.onFrame(this.#onFrame);
    decoder.onError(this.#onError);
    decoder.onAnswer(this.#onAnswer);
    this.#codec = codec;
    this.#isLost = true;
    this.#isAccounted = false;
    if (this.destroyed) await decoder.close();
    else this.#decoder = decoder;
    return decoder;
  }

  readonly #onFrame = (frame: VideoFrame): void => {
    this.#isLost = false;
    this.#isAccounted = true;
    this.push(frame);
  };

  readonly #onError = (error: SluiceError): void => {
    this.#lastError = error;
    this.#isLost = true;
    this.#isAccounted = true;
    this.#dropped('broken chunk');
    // A thread that broke answers no more.
    this.#goOn();
  };

  readonly #onAnswer = (): void => {
    if (this.#isLost && !this.#isAccounted) this.#dropped('waiting for a key frame');
    this.#isAccounted = false;
    this.#goOn();
  };

  #decode(decoder: ThreadedVideoDecoder, chunk: EncodedVideoChunk, done: TransformCallback): void {
    if (this.destroyed) return;
    try {
      decoder.decode(chunk);
    } catch (error) {
      done(this.#lastError ?? (error as Error));
      return;
    }
    this.#waiting = done;
    this.#goOn();
  }

  /** Takes the next chunk when there is room in the thread and behind it: Transform does not count pictures that come between calls. */
  #goOn(hasRoom = this.readableLength < this.readableHighWaterMark): void {
    const pending = this.#decoder?.pending ?? 0;
    if (!this.#waiting || pending >= MAX_PENDING || !hasRoom) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting();
  }
}
