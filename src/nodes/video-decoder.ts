import { Transform, type TransformCallback } from 'node:stream';
import { z } from 'zod';
import { openVideoDecoder, type ThreadedVideoDecoder } from '../codecs/codec-thread.js';
import { type EncodedVideoChunk, VIDEO_CODECS, type VideoCodec } from '../media/encoded-chunk.js';
import { defineNode } from '../media/node.js';
import { PIXEL_FORMATS } from '../media/video-frame.js';

const Options = z.strictObject({
  format: z.enum(PIXEL_FORMATS).default('YUV420P').describe('Pixel format that comes out: YUV420P, RGB24 (B,G,R) or ARGB32 (B,G,R,A).'),
});
type VideoDecoderOptions = z.output<typeof Options>;

/** Chunks that may be in the codec thread at a time. */
const MAX_PENDING = 4;

/**
 * Decodes VP8 and H.264 in a codec thread; the codec may change at a key frame. What cannot be decoded is dropped,
 * counted, up to the next key frame.
 */
export const videoDecoder = defineNode({
  type: 'video-decoder',
  summary: 'Decodes VP8 or H.264 to raw pictures.',
  options: Options,
  inputs: [{ name: 'in', formats: [{ kind: 'encoded-video', codec: VIDEO_CODECS }] }],
  outputs: ({ format }) => [{ name: 'out', formats: [{ kind: 'video', format }] }],
  example: `nodes:
  picture: { type: test-pattern, durationMs: 1000, live: false }
  vp8:     { type: video-encoder, from: picture }
  again:   { type: video-decoder, from: vp8 }
  nowhere: { type: "null", from: again }`,
  create: (options, context) => new VideoDecoderStream(options, (reason) => { context.dropped(reason); }),
});

class VideoDecoderStream extends Transform {
  readonly #options: VideoDecoderOptions;
  readonly #dropped: (reason: string) => void;
  #decoder: ThreadedVideoDecoder | undefined;
  #codec: VideoCodec | undefined;
  #waiting: (() => void) | undefined;

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
      (decoder) => { this.#decode(decoder, chunk, done); },
      (error: unknown) => { done(error as Error); },
    );
  }

  override _flush(done: TransformCallback): void {
    if (!this.#decoder) done();
    else this.#decoder.flush().then(() => { done(); }, (error: unknown) => { done(error as Error); });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const decoder = this.#decoder;
    this.#decoder = undefined;
    if (!decoder) done(error);
    else decoder.close().then(() => { done(error); }, () => { done(error); });
  }

  async #open(codec: VideoCodec): Promise<ThreadedVideoDecoder> {
    await this.#decoder?.flush();
    await this.#decoder?.close();
    const decoder = await openVideoDecoder({ codec, format: this.#options.format });
    decoder.onFrame((frame) => { this.push(frame); });
    decoder.onAnswer(() => { this.#goOn(); });
    decoder.onError(() => { this.#dropped('broken chunk'); });
    this.#decoder = decoder;
    this.#codec = codec;
    return decoder;
  }

  #decode(decoder: ThreadedVideoDecoder, chunk: EncodedVideoChunk, done: TransformCallback): void {
    decoder.decode(chunk);
    if (decoder.pending < MAX_PENDING) done();
    else this.#waiting = done;
  }

  #goOn(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }
}
