import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type MediaValue, type VideoFrame, audioDurationUs } from '../../../src/index.js';
import { drawPattern, readPattern } from '../../../src/media/pattern.js';
import { isLoud } from '../live-room.js';

/** Without what is expected for so long there is a gap, in ms. */
const GAP_MS = 150;

/** Follows something that should go on all the time, and notes when it did not, on the wall clock. */
class FlowMeter {
  #lastMs = performance.now();
  #sinceMs = performance.now();
  #seen = false;
  #wake: (() => void)[] = [];
  readonly gaps: { readonly fromMs: number; readonly toMs: number }[] = [];

  /** It is there now. */
  note(): void {
    const nowMs = performance.now();
    if (this.#seen && nowMs - this.#lastMs > GAP_MS) {
      this.gaps.push({ fromMs: this.#lastMs, toMs: nowMs });
      this.#sinceMs = nowMs;
    }
    if (!this.#seen) this.#sinceMs = nowMs;
    this.#seen = true;
    this.#lastMs = nowMs;
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** Waits until it has been there for so long without a gap, the last of it after `afterMs`. */
  async steady(ms: number, afterMs = 0): Promise<void> {
    while (!this.#seen || this.#lastMs - Math.max(this.#sinceMs, afterMs) < ms) {
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  /** The longest gap that ended after `afterMs`; 0 when there was none. */
  longestMs(afterMs: number): number {
    const late = this.gaps.filter(({ toMs }) => toMs > afterMs);
    return Math.round(Math.max(0, ...late.map(({ fromMs, toMs }) => toMs - fromMs)));
  }

  /** How long after that moment it was there again for good. */
  backMs(afterMs: number): number {
    return Math.round(Math.max(0, ...this.gaps.map(({ toMs }) => toMs - afterMs)));
  }
}

/** Follows a tone. Time stamps must not go back, and pieces follow one another, tone or silence. */
export class ToneMeter extends FlowMeter {
  /** The longest time between the end of one piece and the beginning of the next, by their time stamps. */
  longestHoleMs = 0;
  wentBack = 0;
  #timestamp = -Infinity;
  #endUs = Infinity;

  follow(readable: Readable): this {
    readable.on('data', (value: MediaValue) => {
      if (value.kind !== 'audio') return;
      if (value.timestamp < this.#timestamp) this.wentBack++;
      this.longestHoleMs = Math.max(this.longestHoleMs, (value.timestamp - this.#endUs) / 1000);
      this.#timestamp = value.timestamp;
      this.#endUs = value.timestamp + audioDurationUs(value);
      if (isLoud(value)) this.note();
    });
    return this;
  }
}

/** Follows numbered pictures. */
export class PictureMeter extends FlowMeter {
  readonly numbers: number[] = [];
  wentBack = 0;

  follow(readable: Readable): this {
    readable.on('data', (frame: VideoFrame) => {
      const number = readPattern(frame);
      if (number === undefined) return;
      const last = this.numbers.at(-1) ?? -1;
      if (number < last) this.wentBack++;
      if (number > last) {
        this.numbers.push(number);
        this.note();
      }
    });
    return this;
  }
}

const SIZE = { width: 320, height: 240 } as const;
const FPS = 15;
export const PATTERN_VIDEO = { av: { videoPublisher: { resolution: SIZE, fps: FPS } } } as const;

/** Numbered pictures without an end, as fast as they are read. */
export function endlessPattern(): Readable {
  let number = 0;
  return new Readable({
    objectMode: true,
    highWaterMark: 1,
    read() {
      const timestamp = (number * 1_000_000) / FPS;
      const { width, height } = SIZE;
      this.push({ kind: 'video', format: 'YUV420P', ...SIZE, data: drawPattern(number++, width, height), timestamp });
    },
  });
}

/** Writes without an end; what ends the writing from outside is no fault here. */
export function write(source: Readable, target: NodeJS.WritableStream): void {
  pipeline(source, target).catch(() => undefined);
}
