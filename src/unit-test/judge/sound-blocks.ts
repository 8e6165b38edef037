import type { AudioData } from '../../media/audio-data.js';

/** What sound is judged in: mono. */
export const JUDGED_RATE = 48_000;
const BLOCK_FRAMES = JUDGED_RATE / 10;

/**
 * Cuts a stretch of mono sound at JUDGED_RATE into tenths of a second, by its time stamps: what is missing is silence. `onBlock` gets
 * them in order; the samples are only lent.
 */
export class SoundBlocks {
  readonly #fromFrame: number;
  readonly #toFrame: number;
  readonly #onBlock: (samples: Int16Array) => void;
  readonly #block = new Int16Array(BLOCK_FRAMES);
  #index = 0;
  #isTouched = false;

  constructor(
    { fromMs, toMs = Infinity }: { readonly fromMs: number; readonly toMs?: number | undefined },
    onBlock: (samples: Int16Array) => void,
  ) {
    this.#fromFrame = (fromMs * JUDGED_RATE) / 1000;
    this.#toFrame = (toMs * JUDGED_RATE) / 1000;
    this.#onBlock = onBlock;
  }

  take({ data, timestamp }: AudioData): void {
    const first = Math.round((timestamp * JUDGED_RATE) / 1_000_000);
    for (let at = Math.max(0, this.#fromFrame - first); at < data.length && first + at < this.#toFrame;) {
      const position = first + at - this.#fromFrame;
      const index = Math.floor(position / BLOCK_FRAMES);
      while (this.#index < index) this.#next();
      const inBlock = position - index * BLOCK_FRAMES;
      const end = Math.min(data.length, at + BLOCK_FRAMES - inBlock, this.#toFrame - first);
      // What comes twice counts once.
      if (index === this.#index) this.#block.set(data.subarray(at, end), inBlock);
      this.#isTouched = true;
      at = end;
    }
  }

  /** Gives the rest, to the end of the stretch where it has one. */
  finish(): void {
    if (this.#toFrame === Infinity) {
      if (this.#isTouched) this.#next();
      return;
    }
    while (this.#fromFrame + this.#index * BLOCK_FRAMES < this.#toFrame) this.#next();
  }

  #next(): void {
    const left = this.#toFrame - this.#fromFrame - this.#index * BLOCK_FRAMES;
    this.#onBlock(left < BLOCK_FRAMES ? this.#block.subarray(0, left) : this.#block);
    this.#block.fill(0);
    this.#index++;
  }
}
