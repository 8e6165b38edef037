import { openVideoDecoder, type ThreadedVideoDecoder } from '../../codecs/codec-thread.js';
import type { EncodedVideoChunk, VideoCodec } from '../../media/encoded-chunk.js';
import { MediaBuffer } from '../../media/media-buffer.js';
import type { PixelFormat } from '../../media/video-frame.js';
import type { MediaReader } from '../media-reader.js';
import { NOMINAL_FRAME_US, type VideoConsumer, type VideoReceiver } from './video-receiver.js';

export interface VideoReadingOptions {
  readonly reader: MediaReader;
  readonly encoded: boolean;
  readonly pixelFormat: PixelFormat;
  readonly maxLagMs: number;
  readonly onError: (error: unknown) => void;
}

/** Chunks that may be in the decoder at a time. */
const MAX_PENDING = 3;

/**
 * One reader of a video track. Pictures wait as they came, encoded, and are decoded only when the reader asks: one that
 * lags loses the oldest, goes on at the next key frame, and is told how much it missed.
 */
export class VideoReading implements VideoConsumer {
  readonly #options: VideoReadingOptions;
  readonly #queue: MediaBuffer<EncodedVideoChunk>;
  #source: VideoReceiver | undefined;
  #decoder: ThreadedVideoDecoder | undefined;
  #codec: VideoCodec | undefined;
  #opening = false;
  #closed = false;
  #needsKey = true;
  #active = false;
  framesDecoded = 0;
  framesDropped = 0;

  constructor(options: VideoReadingOptions) {
    this.#options = options;
    this.#queue = new MediaBuffer<EncodedVideoChunk>(options.maxLagMs, 'drop-newest');
  }

  /** Reads from this track from now on. */
  attach(source: VideoReceiver): void {
    if (this.#source === source) return;
    this.detach();
    this.#source = source;
    if (this.#active) source.add(this);
  }

  detach(): void {
    this.#source?.remove(this);
    this.#source = undefined;
    this.#queue.clear();
    this.#needsKey = true;
  }

  /** Nothing more comes; what waits stays there to be read. */
  end(): void {
    this.#source?.remove(this);
    this.#source = undefined;
  }

  /** Whether all that came has gone to the reader. */
  get isEmpty(): boolean {
    return (
      this.#queue.length === 0 &&
      !this.#opening &&
      (this.#decoder?.pending ?? 0) === 0 &&
      this.#options.reader.heldUs === 0
    );
  }

  /** The reader takes so many more pictures; the first time starts the reading. */
  grant(values: number): void {
    if (!this.#active) {
      this.#active = true;
      this.#source?.add(this);
    }
    this.#options.reader.grant(values);
    this.#pump();
  }

  requestKeyFrame(): void {
    this.#source?.requestKeyFrame();
  }

  encodedVideo(chunk: EncodedVideoChunk): void {
    if (this.#needsKey && chunk.type !== 'key') {
      this.#drop(1);
      this.#source?.requestKeyFrame();
      return;
    }
    if (this.#needsKey || chunk.type === 'key') this.#makeRoomFor(chunk);
    this.#needsKey = false;
    if (this.#queue.push(chunk, NOMINAL_FRAME_US) > 0) {
      this.#drop(1);
      this.#needsKey = true;
      this.#source?.requestKeyFrame();
      return;
    }
    this.#pump();
  }

  close(): void {
    this.#closed = true;
    this.detach();
    this.#decoder?.close().catch(this.#options.onError);
    this.#decoder = undefined;
  }

  /** A key frame makes what waits before it dispensable, once there is no room for both. */
  #makeRoomFor(key: EncodedVideoChunk): void {
    if (key.type !== 'key' || this.#queue.heldUs + NOMINAL_FRAME_US <= this.#options.maxLagMs * 1000) return;
    const values = this.#queue.clear();
    this.#drop(values);
  }

  #drop(values: number): void {
    this.framesDropped += values;
    this.#options.reader.overflow(values, values * NOMINAL_FRAME_US);
  }

  #pump(): void {
    if (this.#options.encoded) this.#pass();
    else this.#decode();
  }

  #pass(): void {
    const { reader } = this.#options;
    while (reader.credit > 0) {
      const chunk = this.#queue.shift();
      if (!chunk) return;
      // Not slice(): of a Buffer that is a view, and the picture belongs to all readers.
      reader.push({ ...chunk, data: new Uint8Array(chunk.data) }, NOMINAL_FRAME_US);
    }
  }

  #decode(): void {
    const decoder = this.#decoder;
    if (!decoder) {
      if (this.#queue.length > 0 && !this.#opening) this.#open().catch(this.#options.onError);
      return;
    }
    while (decoder.pending < Math.min(MAX_PENDING, this.#options.reader.credit)) {
      if (this.#queue.length > 0 && this.#queue.peek()?.codec !== this.#codec) {
        this.#changeCodec(decoder);
        return;
      }
      const chunk = this.#queue.shift();
      if (!chunk) return;
      decoder.decode(chunk);
    }
  }

  /** The sender went on in another codec: what is in the decoder comes out first. */
  #changeCodec(decoder: ThreadedVideoDecoder): void {
    if (decoder.pending > 0) return;
    this.#decoder = undefined;
    decoder.close().catch(this.#options.onError);
    this.#decode();
  }

  async #open(): Promise<void> {
    const codec = this.#queue.peek()?.codec ?? 'vp8';
    this.#codec = codec;
    this.#opening = true;
    const decoder = await openVideoDecoder({ codec, format: this.#options.pixelFormat });
    this.#opening = false;
    decoder.onFrame((frame) => {
      this.framesDecoded++;
      if (!this.#closed) this.#options.reader.push(frame, NOMINAL_FRAME_US);
    });
    decoder.onAnswer(() => {
      this.#pump();
    });
    // Broken data costs a picture, not the reader.
    decoder.onError(() => {
      this.#drop(1);
      this.#source?.requestKeyFrame();
    });
    if (this.#closed) {
      await decoder.close();
      return;
    }
    this.#decoder = decoder;
    this.#pump();
  }
}
