import { openVideoDecoder, type ThreadedVideoDecoder } from '../../codecs/codec-thread.js';
import type { Clock } from '../../media/clock.js';
import type { EncodedVideoChunk, VideoCodec } from '../../media/encoded-chunk.js';
import { MediaBuffer } from '../../media/media-buffer.js';
import type { PixelFormat } from '../../media/video-frame.js';
import type { MediaReader } from '../media-reader.js';
import type { VideoSize } from '../video-preference.js';
import { NOMINAL_FRAME_US, type VideoConsumer, type VideoReceiver } from './video-receiver.js';

export interface VideoReadingOptions {
  readonly clock: Clock;
  readonly reader: MediaReader;
  readonly encoded: boolean;
  readonly pixelFormat: PixelFormat;
  /** Decoded pictures are made to fit, keeping their shape. */
  readonly maxSize?: VideoSize;
  readonly maxLagMs: number;
  readonly onError: (error: unknown) => void;
}

interface Waiting {
  readonly chunk: EncodedVideoChunk;
  readonly discardable: boolean;
  /** Nobody else reads it: its memory may be given away. */
  readonly exclusive: boolean;
}

/** Pictures to be shown that may be in the decoder at a time. */
const MAX_PENDING = 3;
/** Those that only others need, of which no picture is made. */
const MAX_HIDDEN = 60;
/** A reader that has not asked for anything for so long does not read, in µs. */
const STALLED_US = 1_000_000;

/**
 * One reader of a video track. Pictures wait as they came, encoded, and are decoded only when the reader asks. One that falls
 * further behind than it may goes on with the newest picture: what the decoder needs in between is decoded, not shown, until
 * it has caught up. One that does not read at all goes on at the next key frame. It is told how much it missed.
 */
export class VideoReading implements VideoConsumer {
  readonly #options: VideoReadingOptions;
  readonly #queue: MediaBuffer<Waiting>;
  #source: VideoReceiver | undefined;
  #decoder: ThreadedVideoDecoder | undefined;
  #codec: VideoCodec | undefined;
  #opening = false;
  #closed = false;
  #needsKey = true;
  #active = false;
  /** Fell behind and has not caught up: always gets the newest. */
  #late = false;
  #grantedUs = -Infinity;
  /** Whether each of the chunks in the decoder is to be shown. */
  #decoding: boolean[] = [];
  #shown = 0;
  #closedBusyUs = 0;
  framesDecoded = 0;
  framesDropped = 0;
  /** Of the picture decoded last. */
  width = 0;
  height = 0;

  constructor(options: VideoReadingOptions) {
    this.#options = options;
    this.#queue = new MediaBuffer<Waiting>(options.maxLagMs, 'drop-newest');
  }

  /** The reader has asked for pictures. */
  get active(): boolean {
    return this.#active;
  }

  /** Time spent decoding, in µs. */
  get totalDecodeUs(): number {
    return this.#closedBusyUs + (this.#decoder?.busyUs ?? 0);
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
    this.#grantedUs = this.#options.clock.nowUs();
    this.#options.reader.grant(values);
    if (!this.#active) {
      this.#active = true;
      this.#source?.add(this);
    } else if (this.#needsKey) this.#source?.requestKeyFrame();
    this.#pump();
  }

  requestKeyFrame(): void {
    this.#source?.requestKeyFrame();
  }

  encodedVideo(chunk: EncodedVideoChunk, discardable = false, exclusive = false): void {
    if (this.#needsKey && chunk.type !== 'key') {
      this.#drop(1);
      this.#askForKey();
      return;
    }
    if (this.#room < NOMINAL_FRAME_US && this.#queue.length > 0) this.#fallBehind(chunk);
    else if (this.#queue.length === 0 && this.#shown < this.#options.reader.credit) this.#late = false;
    if (this.#needsKey && chunk.type !== 'key') {
      this.#drop(1);
      this.#askForKey();
      return;
    }
    if (this.#queue.push({ chunk, discardable, exclusive }, NOMINAL_FRAME_US) > 0) {
      this.#drop(1);
      if (discardable) return;
      this.#needsKey = true;
      this.#askForKey();
      return;
    }
    this.#needsKey = false;
    this.#pump();
  }

  close(): void {
    this.#closed = true;
    this.detach();
    this.#closeDecoder();
  }

  /** Media time for which there is room, in µs. */
  get #room(): number {
    return this.#options.maxLagMs * 1000 - this.#queue.heldUs;
  }

  get #stalled(): boolean {
    return this.#options.clock.nowUs() - this.#grantedUs > STALLED_US;
  }

  /** One that reads gets a key frame at once; one that does not gets it when it does. */
  #askForKey(): void {
    if (this.#options.reader.credit > 0 || !this.#stalled) this.#source?.requestKeyFrame();
  }

  /** There is no room for what came now. */
  #fallBehind(chunk: EncodedVideoChunk): void {
    this.#late = !this.#options.encoded;
    if (chunk.type === 'key') {
      // It makes what waits before it dispensable.
      this.#drop(this.#queue.clear());
    } else if (!this.#options.encoded && !this.#stalled && this.#decoder && this.#codec === chunk.codec) {
      this.#skipTo(0, this.#decoder);
    } else if (!this.#options.encoded) {
      this.#drop(this.#queue.clear());
      this.#needsKey = true;
    }
  }

  #drop(values: number): void {
    if (values === 0) return;
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
      const waiting = this.#queue.shift();
      if (!waiting) return;
      const { chunk } = waiting;
      // Not slice(): of a Buffer that is a view, and the picture belongs to all readers.
      const data = waiting.exclusive ? chunk.data : new Uint8Array(chunk.data);
      reader.push({ ...chunk, data }, NOMINAL_FRAME_US);
    }
  }

  #decode(): void {
    const decoder = this.#decoder;
    if (!decoder) {
      if (this.#queue.length > 0 && !this.#opening) this.#open().catch(this.#options.onError);
      return;
    }
    while (this.#shown < Math.min(MAX_PENDING, this.#options.reader.credit)) {
      if (this.#queue.length > 0 && this.#queue.peek()?.chunk.codec !== this.#codec) {
        this.#changeCodec(decoder);
        return;
      }
      if (this.#late) this.#skipTo(1, decoder);
      const waiting = this.#queue.shift();
      if (!waiting) return;
      this.#give(waiting, decoder, true);
    }
  }

  #give({ chunk, exclusive }: Waiting, decoder: ThreadedVideoDecoder, shown: boolean): void {
    decoder.decode(chunk, { transfer: exclusive }, !shown);
    this.#decoding.push(shown);
    if (shown) this.#shown++;
  }

  /** Goes past what waits, but for the last `keep` pictures: what they may need is decoded, but not shown. */
  #skipTo(keep: number, decoder: ThreadedVideoDecoder): void {
    while (this.#queue.length > keep) {
      const next = this.#queue.peek()!;
      if (next.chunk.codec !== this.#codec) return;
      if (decoder.pending >= MAX_HIDDEN) {
        this.#drop(this.#queue.clear());
        this.#needsKey = true;
        this.#askForKey();
        return;
      }
      this.#queue.shift();
      if (!next.discardable) this.#give(next, decoder, false);
      this.#drop(1);
    }
  }

  /** The sender went on in another codec: what is in the decoder comes out first. */
  #changeCodec(decoder: ThreadedVideoDecoder): void {
    if (decoder.pending > 0) return;
    this.#closeDecoder();
    this.#decode();
  }

  #closeDecoder(): void {
    this.#closedBusyUs = this.totalDecodeUs;
    this.#decoder?.close().catch(this.#options.onError);
    this.#decoder = undefined;
    this.#decoding = [];
    this.#shown = 0;
  }

  /** Another one is opened for the next key frame. */
  #loseDecoder(): void {
    this.#drop(this.#queue.clear());
    this.#needsKey = true;
    this.#closeDecoder();
  }

  async #open(): Promise<void> {
    const codec = this.#queue.peek()?.chunk.codec ?? 'vp8';
    this.#codec = codec;
    this.#opening = true;
    const { pixelFormat: format, maxSize } = this.#options;
    const limits = maxSize && { maxWidth: maxSize.width, maxHeight: maxSize.height };
    const decoder = await openVideoDecoder({ codec, format, ...limits });
    this.#opening = false;
    decoder.onFrame((frame) => {
      this.framesDecoded++;
      this.width = frame.width;
      this.height = frame.height;
      if (!this.#closed) this.#options.reader.push(frame, NOMINAL_FRAME_US);
    });
    decoder.onAnswer(() => {
      if (this.#decoding.shift() === true) this.#shown--;
      else this.framesDecoded++;
      this.#pump();
    });
    // Broken data costs a picture, not the reader.
    decoder.onError(() => {
      this.#drop(1);
      if (decoder.isLost) this.#loseDecoder();
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
