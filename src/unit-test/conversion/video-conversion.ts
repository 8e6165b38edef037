import {
  openVideoDecoder,
  openVideoEncoder,
  type ThreadedVideoDecoder,
  type ThreadedVideoEncoder,
} from '../../codecs/codec-thread.js';
import { createScaler, type Scaler } from '../../codecs/scaler.js';
import type { EncodedVideoChunk, VideoCodec } from '../../media/encoded-chunk.js';
import type { PixelFormat, VideoFrame } from '../../media/video-frame.js';

type VideoValue = VideoFrame | EncodedVideoChunk;

export interface VideoSize {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
}

/** What is wanted of video: encoded (raw pictures by this codec, encoded ones as they are), or raw pictures. */
export type VideoTarget =
  | { readonly codec: VideoCodec }
  | { readonly format: PixelFormat; /** Larger pictures are made smaller. */ readonly fitInto?: VideoSize };

export interface VideoConversionOptions {
  readonly target: VideoTarget;
  readonly onValue: (value: VideoValue) => void;
  readonly onError: (error: unknown) => void;
  /** A picture that can be decoded on its own is needed of who gives encoded ones. */
  readonly onKeyFrameWanted?: () => void;
}

const BITRATE = 1_000_000;
const FRAME_RATE = 30;

/** Turns video of any kind, which may change on the way, into one kind. Values keep their order and their time. */
export class VideoConversion {
  readonly #options: VideoConversionOptions;
  #encoder: { readonly codec: ThreadedVideoEncoder; readonly size: string } | undefined;
  #decoder: { readonly codec: ThreadedVideoDecoder; readonly name: VideoCodec } | undefined;
  #scaler: Scaler | undefined;
  #work: Promise<void> = Promise.resolve();
  #wantsKeyFrame = true;
  #closed = false;

  constructor(options: VideoConversionOptions) {
    this.#options = options;
  }

  /** Settles when the value is through. */
  push(value: VideoValue): Promise<void> {
    this.#work = this.#work.then(() => (this.#closed ? undefined : this.#convert(value))).catch(this.#options.onError);
    return this.#work;
  }

  /** Settles when everything that was pushed is through. */
  settled(): Promise<void> {
    return this.#work;
  }

  /** The next picture can be decoded on its own, where it is encoded here; who gives encoded ones is asked for one. */
  requestKeyFrame(): void {
    this.#wantsKeyFrame = true;
    if (!this.#encoder) this.#options.onKeyFrameWanted?.();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    void this.#work.then(async () => {
      this.#scaler?.close();
      await Promise.all([this.#encoder?.codec.close(), this.#decoder?.codec.close()]);
    });
  }

  async #convert(value: VideoValue): Promise<void> {
    const { target } = this.#options;
    if ('codec' in target) {
      if (value.kind === 'video') await this.#encode(value, target.codec);
      else this.#pass(value);
      return;
    }
    if (value.kind === 'video') this.#options.onValue(await this.#scale(value, target));
    else await this.#decode(value, target);
  }

  #pass(chunk: EncodedVideoChunk): void {
    if (this.#wantsKeyFrame && chunk.type !== 'key') {
      this.#options.onKeyFrameWanted?.();
      return;
    }
    this.#wantsKeyFrame = false;
    this.#options.onValue(chunk);
  }

  async #encode(frame: VideoFrame, codec: VideoCodec): Promise<void> {
    const { width, height } = frame;
    const size = `${width}x${height}`;
    if (this.#encoder?.size !== size) {
      await this.#encoder?.codec.close();
      const options = { codec, width, height, frameRate: FRAME_RATE, bitrate: BITRATE };
      const opened = await openVideoEncoder(options);
      this.#encoder = { codec: opened, size };
    }
    const { codec: encoder } = this.#encoder;
    await answered(encoder, (done) => {
      encoder.onChunk((chunk) => {
        this.#options.onValue(chunk);
      });
      encoder.onAnswer(done);
      encoder.encode(frame, this.#wantsKeyFrame);
      this.#wantsKeyFrame = false;
    });
  }

  async #decode(
    chunk: EncodedVideoChunk,
    { format, fitInto }: Exclude<VideoTarget, { codec: unknown }>,
  ): Promise<void> {
    if (this.#wantsKeyFrame && chunk.type !== 'key') {
      this.#options.onKeyFrameWanted?.();
      return;
    }
    this.#wantsKeyFrame = false;
    if (this.#decoder?.name !== chunk.codec) {
      await this.#decoder?.codec.close();
      const most = fitInto && { maxWidth: fitInto.width, maxHeight: fitInto.height };
      this.#decoder = { codec: await openVideoDecoder({ codec: chunk.codec, format, ...most }), name: chunk.codec };
    }
    const { codec: decoder } = this.#decoder;
    await answered(decoder, (done) => {
      decoder.onFrame((frame) => {
        this.#options.onValue(frame);
      });
      decoder.onAnswer(done);
      decoder.decode(chunk);
    });
  }

  async #scale(frame: VideoFrame, { format, fitInto }: Exclude<VideoTarget, { codec: unknown }>): Promise<VideoFrame> {
    const shrink = fitInto ? Math.min(1, fitInto.width / frame.width, fitInto.height / frame.height) : 1;
    if (shrink === 1 && frame.format === format) return frame;
    this.#scaler ??= await createScaler();
    const width = Math.max(1, Math.round(frame.width * shrink));
    return this.#scaler.scale(frame, { width, height: Math.max(1, Math.round(frame.height * shrink)), format });
  }
}

/** Settles with the codec's answer; rejects when it fails. */
function answered(codec: Pick<ThreadedVideoEncoder, 'onError'>, ask: (done: () => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    codec.onError(reject);
    ask(resolve);
  });
}
