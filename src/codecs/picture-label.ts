import { fileURLToPath } from 'node:url';
import { BLACK, WHITE } from '../media/yuv.js';
import { type Ffmpeg, check } from './ffmpeg.js';

/** A text in white on black: luma alone, in even pixels, rows without padding. */
export interface PictureLabel {
  readonly luma: Uint8Array;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

/** Only so much of a text is looked at, in characters. */
const LONGEST_TEXT = 80;

/**
 * Draws a text in one line, cut off at `maxWidth` pixels; undefined where there is nothing to see. Takes some milliseconds.
 * Errors: SLUICE_CODEC_FAILED.
 */
export function drawLabel(ffmpeg: Ffmpeg, text: string, height: number, maxWidth: number): PictureLabel | undefined {
  const line = [...text.replaceAll(/[\p{C}\p{Z}]+/gu, ' ').trim()].slice(0, LONGEST_TEXT).join('');
  const width = Math.floor(maxWidth / 2) * 2;
  if (line === '' || width < height) return undefined;
  const margin = Math.round(height / 4);
  const coverage = drawText(ffmpeg, line, { width, height, margin });
  const used = Math.min(width, Math.ceil((usedWidth(coverage, width, height) + margin) / 2) * 2);
  const luma = new Uint8Array(used * height);
  for (let row = 0; row < height; row++) {
    for (let x = 0; x < used; x++) {
      luma[row * used + x] = BLACK.y + ((WHITE.y - BLACK.y) * coverage[row * width + x]!) / 255;
    }
  }
  return { luma, width: used, height };
}

interface TextBox {
  readonly width: number;
  readonly height: number;
  /** To the left of the text. */
  readonly margin: number;
}

/** How much of each pixel the text covers, 0 to 255. */
function drawText(ffmpeg: Ffmpeg, text: string, { width, height, margin }: TextBox): Uint8Array {
  const { lib } = ffmpeg;
  const what = 'a label cannot be drawn';
  const graph = new lib.FilterGraph();
  const frame = new lib.Frame();
  graph.alloc();
  frame.alloc();
  /** Options are set one by one: in a graph that is written as text, the text of others would have to be escaped. */
  const add = (name: string, options: Readonly<Record<string, string | number>>) => {
    const filter = lib.Filter.getByName(name);
    const context = filter && graph.allocFilter(filter, name);
    if (!context) throw new Error(`FFmpeg has no filter ${name}`);
    check(ffmpeg, context.init(lib.Dictionary.fromObject(options).getNative()), what);
    return context;
  };
  try {
    const source = add('color', { color: 'black', size: `${width}x${height}` });
    const grey = add('format', { pix_fmts: 'gray' });
    const drawn = add('drawtext', {
      text,
      expansion: 'none',
      fontfile: fontPath(),
      fontsize: Math.round(height * 0.62),
      fontcolor: 'white',
      x: margin,
      y: '(h-line_h)/2',
      y_align: 'font',
    });
    const sink = add('buffersink', {});
    check(ffmpeg, source.link(0, grey, 0), what);
    check(ffmpeg, grey.link(0, drawn, 0), what);
    check(ffmpeg, drawn.link(0, sink, 0), what);
    check(ffmpeg, graph.configSync(), what);
    check(ffmpeg, sink.buffersinkGetFrameSync(frame), what);
    return new Uint8Array(frame.toBuffer());
  } finally {
    frame.free();
    graph.free();
  }
}

let font: string | undefined;

/** DejaVu Sans: Latin, Greek, Cyrillic, Arabic, Hebrew, Georgian, Armenian. */
function fontPath(): string {
  font ??= fileURLToPath(import.meta.resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf'));
  return font;
}

/** Up to the last column that the text touches. */
function usedWidth(coverage: Uint8Array, width: number, height: number): number {
  let used = 0;
  for (let row = 0; row < height; row++) {
    const last = coverage.subarray(row * width, (row + 1) * width).findLastIndex((value) => value > 0);
    used = Math.max(used, last + 1);
  }
  return used;
}
