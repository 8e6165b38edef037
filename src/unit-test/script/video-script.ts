import { drawPattern } from '../../media/pattern.js';
import type { VideoFrame } from '../../media/video-frame.js';
import { blackFrame, type YuvColour } from '../../media/yuv.js';

/** A stretch of pictures. Times count from the beginning of the test. */
export interface VideoPart {
  readonly fromUs: number;
  /** Infinity for no end. */
  readonly toUs: number;
  /** The numbered pattern, which counts from 0 at the beginning of the part, or one colour. */
  readonly picture: 'pattern' | YuvColour;
  readonly width: number;
  readonly height: number;
  /** Pictures per second. */
  readonly fps: number;
}

/** What is seen of a scripted source. */
export class VideoScript {
  readonly #parts: readonly VideoPart[];

  constructor(parts: readonly VideoPart[]) {
    this.#parts = parts;
  }

  /** When the first picture at or after a time is due; undefined where no more comes. */
  nextUs(fromUs: number): number | undefined {
    const times = this.#parts.flatMap((part) => {
      const dueUs = timeOf(part, Math.max(0, Math.ceil(((fromUs - part.fromUs) * part.fps) / 1_000_000 - 1e-6)));
      return dueUs < part.toUs ? [dueUs] : [];
    });
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** The picture that is due at a time which `nextUs` gave. */
  draw(atUs: number): VideoFrame | undefined {
    const part = this.#parts.find(({ fromUs, toUs }) => fromUs <= atUs && atUs < toUs);
    if (!part) return undefined;
    const { picture, width, height, fromUs, fps } = part;
    if (picture !== 'pattern') return blackFrame(width, height, Math.round(atUs), picture);
    const number = Math.round(((atUs - fromUs) * fps) / 1_000_000);
    const data = drawPattern(number, width, height);
    return { kind: 'video', data, width, height, format: 'YUV420P', timestamp: Math.round(atUs) };
  }
}

function timeOf({ fromUs, fps }: VideoPart, index: number): number {
  return fromUs + (index * 1_000_000) / fps;
}
