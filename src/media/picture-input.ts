import { Writable } from 'node:stream';
import { SluiceError } from './errors.js';
import type { LayoutStream } from './picture-layout.js';
import type { PictureQueue } from './picture-queue.js';
import { checkVideoFrame, type VideoFrame } from './video-frame.js';

/** Takes YUV420P pictures into a queue, and holds their writer back while that is full. Errors: SLUICE_FORMAT_MISMATCH. */
export class PictureInput extends Writable {
  /** Tells inputs apart; never used again. */
  readonly id: number;
  /** Whose pictures they are. */
  readonly stream: LayoutStream;
  readonly pictures: PictureQueue;
  readonly #came: () => void;
  #waiting: (() => void) | undefined;

  /** `came` is called after every picture, and when no more come. */
  constructor(id: number, stream: LayoutStream, pictures: PictureQueue, came: () => void) {
    super({ objectMode: true, highWaterMark: 2 });
    this.id = id;
    this.stream = stream;
    this.pictures = pictures;
    this.#came = came;
  }

  /** Lets its writer go on where there is room again. */
  goOn(): void {
    if (!this.#waiting || this.pictures.isFull) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting();
  }

  override _write(frame: VideoFrame, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    try {
      checkVideoFrame(frame);
    } catch (error) {
      done(error as Error);
      return;
    }
    if (frame.format !== 'YUV420P') {
      done(
        new SluiceError('SLUICE_FORMAT_MISMATCH', `pictures must be YUV420P here, not ${frame.format}`, {
          found: frame.format,
          expected: 'YUV420P',
          mend: 'Put a scaler in front of it.',
        }),
      );
      return;
    }
    this.pictures.push(frame);
    if (this.pictures.isFull) this.#waiting = done;
    else done();
    this.#came();
  }

  override _final(done: () => void): void {
    this.pictures.end();
    done();
    this.#came();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.pictures.end();
    done(error);
    this.#came();
  }
}
