import type { Size } from '../media/picture-layout.js';
import { i420Planes, type I420Planes, type Plane, type Rect } from '../media/yuv.js';
import { frameSizeBytes } from '../media/video-frame.js';
import { type Ffmpeg, check } from './ffmpeg.js';

type Sws = InstanceType<Ffmpeg['lib']['SoftwareScaleContext']>;

/** swscale may read and write so many bytes behind the end of a row. */
const PADDING_BYTES = 64;
/** Rows of the tile begin at multiples of this. */
const ROW_BYTES = 64;

/** As swscale takes them. */
interface Planes {
  readonly buffers: Buffer[];
  readonly strides: number[];
}

/** Scales a part of a YUV420P picture into a part of another, in memory of JavaScript. Made for one pair of sizes. Synchronous. */
export class RectScaler {
  readonly #ffmpeg: Ffmpeg;
  readonly #source: Size;
  readonly #target: Size;
  readonly #copier: Sws;
  readonly #sws: Sws | undefined;
  /**
   * What swscale writes at the end of a row goes beyond it where the width is not a multiple of its vectors: it lands here,
   * not in the pictures beside. What is copied from here ends with the row.
   */
  readonly #tile: Planes | undefined;
  #lastPlane: Uint8Array | undefined;

  constructor(ffmpeg: Ffmpeg, source: Size, target: Size) {
    this.#ffmpeg = ffmpeg;
    this.#source = { width: source.width, height: source.height };
    this.#target = { width: target.width, height: target.height };
    this.#copier = this.#open(target, target);
    if (this.fits(target, target)) return;
    this.#sws = this.#open(source, target);
    this.#tile = tileOf(target);
  }

  /** Whether it was made for these sizes. */
  fits(source: Size, target: Size): boolean {
    return isSize(source, this.#source) && isSize(target, this.#target);
  }

  /** Errors: SLUICE_CODEC_FAILED. */
  scale(from: I420Planes, source: Rect, to: I420Planes, target: Rect): void {
    const whole = this.#sws && this.#tile ? { ...from, v: this.#padded(from.v) } : from;
    let ready: Planes = { buffers: buffersAt(whole, source), strides: stridesOf(from) };
    if (this.#sws && this.#tile) {
      this.#run(this.#sws, ready, source.height, this.#tile);
      ready = this.#tile;
    }
    this.#run(this.#copier, ready, target.height, { buffers: buffersAt(to, target), strides: stridesOf(to) });
  }

  close(): void {
    this.#copier.freeContext();
    this.#sws?.freeContext();
  }

  /** The plane that ends the picture, with room behind it. */
  #padded(plane: Plane): Plane {
    const size = plane.data.length + PADDING_BYTES;
    if (this.#lastPlane?.length !== size) this.#lastPlane = new Uint8Array(size);
    this.#lastPlane.set(plane.data);
    return { ...plane, data: this.#lastPlane };
  }

  #open(source: Size, target: Size): Sws {
    const { lib, c } = this.#ffmpeg;
    const sws = new lib.SoftwareScaleContext();
    const yuv = c.AV_PIX_FMT_YUV420P;
    // Means of areas where a picture becomes smaller, a fifth cheaper than FFmpeg's bilinear filter; bilinear where it grows.
    sws.getContext(source.width, source.height, yuv, target.width, target.height, yuv, c.SWS_AREA);
    return sws;
  }

  #run(sws: Sws, from: Planes, rows: number, to: Planes): void {
    const done = sws.scaleSync(from.buffers, from.strides, 0, rows, to.buffers, to.strides);
    check(this.#ffmpeg, done, 'a picture cannot be scaled');
  }
}

/** The same part in a chroma plane. */
export function halved({ x, y, width, height }: Rect): Rect {
  return { x: x >> 1, y: y >> 1, width: (width + 1) >> 1, height: (height + 1) >> 1 };
}

function isSize(a: Size, b: Size): boolean {
  return a.width === b.width && a.height === b.height;
}

/** Each plane from the first pixel of the rectangle on. */
function buffersAt({ y, u, v }: I420Planes, rect: Rect): Buffer[] {
  return [bufferAt(y, rect), bufferAt(u, halved(rect)), bufferAt(v, halved(rect))];
}

function bufferAt({ data, width }: Plane, { x, y }: Rect): Buffer {
  const skipped = y * width + x;
  return Buffer.from(data.buffer, data.byteOffset + skipped, data.length - skipped);
}

function stridesOf({ y, u, v }: I420Planes): number[] {
  return [y.width, u.width, v.width];
}

function tileOf({ width, height }: Size): Planes {
  const padded = { width: Math.ceil(width / (2 * ROW_BYTES)) * 2 * ROW_BYTES, height };
  const data = new Uint8Array(frameSizeBytes('YUV420P', padded.width, padded.height) + PADDING_BYTES);
  const planes = i420Planes({ data, ...padded });
  return { buffers: buffersAt(planes, { x: 0, y: 0, ...padded }), strides: stridesOf(planes) };
}
