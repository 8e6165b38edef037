import { Writable } from 'node:stream';
import type { EncodedAudioChunk, EncodedVideoChunk } from '../media/encoded-chunk.js';
import { keyFrameRequester } from '../media/key-frame-source.js';

type Done = (error?: Error | null) => void;

export interface RecorderInputOptions<C> {
  /** Takes a chunk; a promise where the writer has to wait. */
  take(chunk: C): Promise<void> | undefined;
  /** No more will come, however it ended. */
  over(): void;
  /** It has ended well; settles when what came is safe. */
  ended(): Promise<void>;
}

/** What comes for one track of a recording. */
export class RecorderInput<C extends EncodedAudioChunk | EncodedVideoChunk> extends Writable {
  /** Chunks that came before the file could begin. */
  readonly waiting: C[] = [];
  /** No more will come. */
  over = false;
  /** Asks whoever gives the video for a key frame, where that can be. */
  readonly askKeyFrame = keyFrameRequester(this);
  readonly #options: RecorderInputOptions<C>;

  constructor(options: RecorderInputOptions<C>) {
    super({ objectMode: true, highWaterMark: 16 });
    this.#options = options;
  }

  override _write(chunk: C, _encoding: BufferEncoding, done: Done): void {
    let wait: Promise<void> | undefined;
    try {
      wait = this.#options.take(chunk);
    } catch (error) {
      done(error as Error);
      return;
    }
    if (wait)
      wait.then(() => {
        done();
      }, done);
    else done();
  }

  override _final(done: Done): void {
    this.#finish();
    this.#options.ended().then(() => {
      done();
    }, done);
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#finish();
    done(error);
  }

  #finish(): void {
    if (this.over) return;
    this.over = true;
    this.#options.over();
  }
}
