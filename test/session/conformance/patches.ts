import { Readable } from 'node:stream';
import { frameSizeBytes, type PixelFormat, type VideoFrame } from '../../../src/index.js';
import { i420Planes, type Plane } from '../../../src/media/yuv.js';

/** Colours as red, green, blue, and as BT.601 with limited range has them: y, u, v. */
const COLOURS = [
  { rgb: [255, 0, 0], yuv: [81, 90, 240] },
  { rgb: [0, 255, 0], yuv: [145, 54, 34] },
  { rgb: [0, 0, 255], yuv: [41, 240, 110] },
  { rgb: [255, 255, 255], yuv: [235, 128, 128] },
] as const;

/** How far a colour may be off after it was coded. */
const TOLERANCE = 12;

/** A picture of four patches, red, green, blue and white, as often as it is read. */
export function endlessPatches(format: PixelFormat, width: number, height: number, fps: number): Readable {
  const data = patches(format, width, height);
  let count = 0;
  return new Readable({
    objectMode: true,
    highWaterMark: 1,
    read() {
      const timestamp = (count++ * 1_000_000) / fps;
      this.push({ kind: 'video', format, width, height, data: data.slice(), timestamp });
    },
  });
}

/** More pictures are not waited for. */
const MOST_PICTURES = 100;

/** Reads until a picture shows the four patches, and gives it. */
export async function seePatches(pictures: Readable): Promise<VideoFrame> {
  let shown: string[] = [];
  let count = 0;
  for await (const frame of pictures.iterator({ destroyOnReturn: false }) as AsyncIterable<VideoFrame>) {
    if (COLOURS.every(({ yuv }, i) => isNear(colourAt(frame, i), yuv))) return frame;
    shown = COLOURS.map((_, i) => colourAt(frame, i).join());
    if (++count === MOST_PICTURES) break;
  }
  throw new Error(`no picture showed the four patches; the last was ${shown.join(' ')}`);
}

function patches(format: PixelFormat, width: number, height: number): Uint8Array {
  const data = new Uint8Array(frameSizeBytes(format, width, height));
  const colour = (x: number, y: number, sides: readonly [number, number]): (typeof COLOURS)[number] =>
    COLOURS[(x * 2 < sides[0] ? 0 : 1) + (y * 2 < sides[1] ? 0 : 2)]!;
  if (format === 'YUV420P') {
    for (const [index, plane] of planesOf({ data, width, height }).entries()) {
      const sides = [plane.width, plane.height] as const;
      for (let i = 0; i < plane.data.length; i++) {
        plane.data[i] = colour(i % plane.width, Math.floor(i / plane.width), sides).yuv[index]!;
      }
    }
    return data;
  }
  const bytes = format === 'RGB24' ? 3 : 4;
  for (let i = 0; i < width * height; i++) {
    const [red, green, blue] = colour(i % width, Math.floor(i / width), [width, height]).rgb;
    data.set(bytes === 3 ? [blue, green, red] : [blue, green, red, 255], i * bytes);
  }
  return data;
}

function planesOf(picture: Parameters<typeof i420Planes>[0]): readonly Plane[] {
  const { y, u, v } = i420Planes(picture);
  return [y, u, v];
}

/** Y, U and V in the middle of a patch. */
function colourAt(frame: VideoFrame, patch: number): readonly number[] {
  const [right, low] = [patch % 2, patch >> 1];
  return planesOf(frame).map((plane) => {
    const x = Math.floor(plane.width * (0.25 + right / 2));
    const y = Math.floor(plane.height * (0.25 + low / 2));
    return plane.data[y * plane.width + x]!;
  });
}

function isNear(colour: readonly number[], wanted: readonly number[]): boolean {
  return colour.every((value, i) => Math.abs(value - wanted[i]!) <= TOLERANCE);
}
