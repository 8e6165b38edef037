import { type VideoFrame, frameSizeBytes } from './video-frame.js';

/** One plane of an I420 picture: a view, no copy. */
export interface Plane {
  readonly data: Uint8Array;
  /** Samples in a row. */
  readonly width: number;
  readonly height: number;
}

/** Luma and chroma of a YUV420P picture; chroma sizes round up. Views into the frame. */
export interface I420Planes {
  readonly y: Plane;
  readonly u: Plane;
  readonly v: Plane;
}

export interface Rect {
  /** Pixels from the left edge. */
  readonly x: number;
  /** Pixels from the top edge. */
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A colour as BT.601 limited range: y 16 to 235, u and v 16 to 240, 128 without colour. */
export interface YuvColour {
  readonly y: number;
  readonly u: number;
  readonly v: number;
}

export const BLACK: YuvColour = { y: 16, u: 128, v: 128 };
export const WHITE: YuvColour = { y: 235, u: 128, v: 128 };

/** The colour that `#rrggbb` stands for, in BT.601. Pure. */
export function yuvColour(hex: string): YuvColour {
  const rgb = Number.parseInt(hex.slice(1), 16);
  const [r, g, b] = [(rgb >> 16) / 255, ((rgb >> 8) & 0xff) / 255, (rgb & 0xff) / 255];
  const luma = 0.299 * r + 0.587 * g + 0.114 * b;
  return {
    y: Math.round(16 + 219 * luma),
    u: Math.round(128 + (112 * (b - luma)) / (1 - 0.114)),
    v: Math.round(128 + (112 * (r - luma)) / (1 - 0.299)),
  };
}

/** A YUV420P picture in one colour, black unless another is given. */
export function blackFrame(width: number, height: number, timestamp = 0, colour: YuvColour = BLACK): VideoFrame {
  const data = new Uint8Array(frameSizeBytes('YUV420P', width, height));
  const { y, u, v } = i420Planes({ data, width, height });
  y.data.fill(colour.y);
  u.data.fill(colour.u);
  v.data.fill(colour.v);
  return { kind: 'video', data, width, height, format: 'YUV420P', timestamp };
}

/** A YUV420P picture without colour whose brightness grows from left to right, 16 to 235. */
export function greyRamp(width: number, height: number, timestamp = 0): VideoFrame {
  const frame = blackFrame(width, height, timestamp);
  const { y } = i420Planes(frame);
  for (let x = 0; x < width; x++) y.data[x] = width === 1 ? 16 : 16 + Math.round((219 * x) / (width - 1));
  for (let row = 1; row < height; row++) y.data.copyWithin(row * width, 0, width);
  return frame;
}

/** The planes of a YUV420P buffer without padding. */
export function i420Planes(picture: {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}): I420Planes {
  const { data, width, height } = picture;
  const chromaWidth = (width + 1) >> 1;
  const chromaHeight = (height + 1) >> 1;
  const luma = width * height;
  const chroma = chromaWidth * chromaHeight;
  return {
    y: { data: data.subarray(0, luma), width, height },
    u: { data: data.subarray(luma, luma + chroma), width: chromaWidth, height: chromaHeight },
    v: { data: data.subarray(luma + chroma, luma + 2 * chroma), width: chromaWidth, height: chromaHeight },
  };
}

/**
 * Fills a rectangle of a YUV420P picture that is still being made (frames on a stream are not to be changed).
 * What lies outside is cut off; chroma covers the whole 2x2 blocks that the rectangle touches.
 */
export function fillRect(
  picture: { readonly data: Uint8Array; readonly width: number; readonly height: number },
  rect: Rect,
  colour: YuvColour,
): void {
  const left = Math.max(0, rect.x);
  const top = Math.max(0, rect.y);
  const right = Math.min(picture.width, rect.x + rect.width);
  const bottom = Math.min(picture.height, rect.y + rect.height);
  if (right <= left || bottom <= top) return;
  const { y, u, v } = i420Planes(picture);
  fillPlane(y, left, top, right, bottom, colour.y);
  fillPlane(u, left >> 1, top >> 1, (right + 1) >> 1, (bottom + 1) >> 1, colour.u);
  fillPlane(v, left >> 1, top >> 1, (right + 1) >> 1, (bottom + 1) >> 1, colour.v);
}

function fillPlane(plane: Plane, left: number, top: number, right: number, bottom: number, value: number): void {
  for (let row = top; row < bottom; row++) plane.data.fill(value, row * plane.width + left, row * plane.width + right);
}
