import { readPattern } from '../../media/pattern.js';
import type { VideoFrame } from '../../media/video-frame.js';
import { i420Planes, type Plane } from '../../media/yuv.js';
import { colourText, parseColour, rgbOf, type Rgb } from '../colour.js';
import type { VideoExpectation } from '../expectation-schema.js';
import { judgeAmount, type Judge, type Shortfall } from './judgement.js';

/** Judges a stretch of YUV420P pictures: their number and size, the numbers of the pattern, their colour. */
export class PictureJudge implements Judge<VideoFrame> {
  readonly #expected: VideoExpectation;
  readonly #numbers: (number | undefined)[] = [];
  #count = 0;
  /** The first that was wrong. */
  #wrong: Shortfall | undefined;

  constructor(expected: VideoExpectation) {
    this.#expected = expected;
  }

  take(frame: VideoFrame): void {
    const { fromMs, toMs = Infinity, pattern, area } = this.#expected;
    const atMs = frame.timestamp / 1000;
    if (atMs < fromMs || atMs >= toMs) return;
    this.#count++;
    this.#wrong ??= this.#checkSize(frame, atMs);
    const part = partOf(frame, area ?? { x: 0, y: 0, width: 1, height: 1 });
    if (pattern) this.#numbers.push(readPattern({ data: part.y.data, width: part.y.width, height: part.y.height }));
    this.#wrong ??= this.#checkColour(part, atMs);
  }

  verdict(): Shortfall | undefined {
    const { count = { min: 1 } } = this.#expected;
    return judgeAmount(this.#count, count, 'count') ?? this.#wrong ?? this.#judgeNumbers();
  }

  #checkSize({ width, height }: VideoFrame, atMs: number): Shortfall | undefined {
    const { width: wantedWidth = width, height: wantedHeight = height } = this.#expected;
    if (width === wantedWidth && height === wantedHeight) return undefined;
    return { found: `${width}x${height} at ${Math.round(atMs)} ms`, expected: `${wantedWidth}x${wantedHeight}` };
  }

  #checkColour(part: Planes, atMs: number): Shortfall | undefined {
    const { colour, toleranceColour } = this.#expected;
    if (colour === undefined) return undefined;
    const seen = rgbOf({ y: meanOf(part.y), u: meanOf(part.u), v: meanOf(part.v) });
    const wanted = parseColour(colour);
    const isNear = (['r', 'g', 'b'] as const).every(
      (key: keyof Rgb) => Math.abs(seen[key] - wanted[key]) <= toleranceColour,
    );
    if (isNear) return undefined;
    return { field: 'colour', found: `${colourText(seen)} at ${Math.round(atMs)} ms`, expected: colour };
  }

  #judgeNumbers(): Shortfall | undefined {
    const { pattern } = this.#expected;
    if (!pattern) return undefined;
    const seen = this.#numbers.filter((number) => number !== undefined);
    const [first] = seen;
    const last = seen.at(-1);
    if (first === undefined || last === undefined) {
      return { field: 'pattern', found: `no numbers in ${this.#count} pictures`, expected: 'the numbered pattern' };
    }
    const back = seen.findIndex((number, i) => i > 0 && number < (seen[i - 1] ?? 0));
    if (back >= 0) {
      return {
        field: 'pattern',
        found: `${seen[back] ?? ''} after ${seen[back - 1] ?? ''}`,
        expected: 'numbers that grow',
      };
    }
    const present = new Set(seen).size / (last - first + 1);
    const { from = first, to = last, present: least } = pattern;
    if (first <= from && last >= to && present >= least) return undefined;
    return {
      field: 'pattern',
      found: `pictures ${first} to ${last}, ${Math.round(present * 100)} % of them`,
      expected: `${from} to ${to}, at least ${Math.round(least * 100)} % of them`,
    };
  }
}

interface Planes {
  readonly y: Plane;
  readonly u: Plane;
  readonly v: Plane;
}

interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function partOf(frame: VideoFrame, area: Area): Planes {
  const { y, u, v } = i420Planes(frame);
  return { y: cut(y, area), u: cut(u, area), v: cut(v, area) };
}

function cut(plane: Plane, area: Area): Plane {
  const left = Math.round(area.x * plane.width);
  const top = Math.round(area.y * plane.height);
  const width = Math.max(1, Math.min(plane.width - left, Math.round(area.width * plane.width)));
  const height = Math.max(1, Math.min(plane.height - top, Math.round(area.height * plane.height)));
  if (width === plane.width && height === plane.height) return plane;
  const data = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const start = (top + row) * plane.width + left;
    data.set(plane.data.subarray(start, start + width), row * width);
  }
  return { data, width, height };
}

function meanOf({ data }: Plane): number {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i]!;
  return sum / Math.max(1, data.length);
}
