import type { YuvColour } from '../media/yuv.js';

/** A colour as screens show it, 0 to 255 each. */
export interface Rgb {
  readonly r: number;
  readonly g: number;
  readonly b: number;
}

/** `#rrggbb` as a colour. Pure. */
export function parseColour(text: string): Rgb {
  const value = parseInt(text.slice(1), 16);
  return { r: value >> 16, g: (value >> 8) & 0xff, b: value & 0xff };
}

export function colourText({ r, g, b }: Rgb): string {
  return `#${[r, g, b].map((part) => Math.round(part).toString(16).padStart(2, '0')).join('')}`;
}

/** The colour in BT.601 limited range. Pure. */
export function yuvOf({ r, g, b }: Rgb): YuvColour {
  const luma = 0.299 * r + 0.587 * g + 0.114 * b;
  return {
    y: Math.round(16 + (219 * luma) / 255),
    u: Math.round(128 + (224 * (b - luma)) / (1.772 * 255)),
    v: Math.round(128 + (224 * (r - luma)) / (1.402 * 255)),
  };
}

/** The way back, cut off at what can be shown. Pure. */
export function rgbOf({ y, u, v }: YuvColour): Rgb {
  const luma = ((y - 16) * 255) / 219;
  const blue = ((u - 128) * 1.772 * 255) / 224;
  const red = ((v - 128) * 1.402 * 255) / 224;
  const green = (-0.114 * blue - 0.299 * red) / 0.587;
  return { r: shownAs(luma + red), g: shownAs(luma + green), b: shownAs(luma + blue) };
}

function shownAs(value: number): number {
  return Math.min(255, Math.max(0, value));
}
