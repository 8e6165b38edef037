import { Readable } from 'node:stream';
import { type AudioData, audioDurationUs } from '../../media/audio-data.js';
import { MediaBuffer } from '../../media/media-buffer.js';

/** Sound for a reader that may be slow: so much of it waits, and what comes then is let go. */
export class SoundOutput extends Readable {
  readonly #waiting: MediaBuffer<AudioData>;
  #isHungry = false;
  #isOver = false;

  /** `maxLagMs`: sound that may wait, in ms. */
  constructor(maxLagMs: number) {
    super({ objectMode: true, highWaterMark: 1 });
    this.#waiting = new MediaBuffer(maxLagMs, 'drop-newest');
  }

  /** False where it is let go. */
  give(chunk: AudioData): boolean {
    if (this.#isHungry) this.#isHungry = this.push(chunk);
    else return this.#waiting.push(chunk, audioDurationUs(chunk)) === 0;
    return true;
  }

  /** No more comes; what waits still goes out. */
  finish(): void {
    this.#isOver = true;
    this.#endIfOver();
  }

  override _read(): void {
    this.#isHungry = true;
    for (let next = this.#waiting.shift(); next; next = this.#isHungry ? this.#waiting.shift() : undefined)
      this.#isHungry = this.push(next);
    this.#endIfOver();
  }

  #endIfOver(): void {
    if (this.#isOver && this.#waiting.length === 0 && !this.destroyed && !this.readableEnded) this.push(null);
  }
}
