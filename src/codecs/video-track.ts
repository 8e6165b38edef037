import type { VideoFrame } from '../media/video-frame.js';
import type { Ffmpeg } from './ffmpeg.js';
import { type Track, openTrackDecoder } from './track.js';
import type { TrackInput } from './track-input.js';
import { PictureReader, type PictureReaderOptions } from './video-decoder.js';

/** The decoded pictures of a file. */
export class VideoTrack implements Track {
  readonly #input: TrackInput;
  readonly #context: InstanceType<Ffmpeg['lib']['CodecContext']>;
  readonly #pictures: PictureReader;
  #lastUs = 0;
  #isEnded = false;
  #next: VideoFrame | undefined;

  constructor(ffmpeg: Ffmpeg, input: TrackInput, path: string, options: PictureReaderOptions) {
    this.#input = input;
    this.#context = openTrackDecoder(ffmpeg, input, path);
    this.#pictures = new PictureReader(ffmpeg, options);
  }

  peek(): VideoFrame | undefined {
    this.#next ??= this.#decode();
    return this.#next;
  }

  take(): VideoFrame | undefined {
    const value = this.peek();
    this.#next = undefined;
    return value;
  }

  close(): void {
    this.#pictures.close();
    this.#context.freeContext();
    this.#input.close();
  }

  #decode(): VideoFrame | undefined {
    for (;;) {
      if (this.#pictures.receive(this.#context) >= 0) {
        this.#lastUs = Math.max(this.#lastUs, this.#input.toUs(this.#pictures.pts) ?? this.#lastUs);
        return this.#pictures.take(this.#lastUs);
      }
      if (this.#isEnded) return undefined;
      const packet = this.#input.read();
      this.#isEnded = packet === undefined;
      // What cannot be decoded is left out; pictures after it come again.
      this.#context.sendPacketSync(packet ?? null);
    }
  }
}
