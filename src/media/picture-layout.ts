import type { Rect } from './yuv.js';

/** Pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A place of a custom layout. From 0 to 1 a part of the picture's side, above that pixels. */
export interface LayoutPlace {
  /** Name or id of the stream that it is for; when left out, the next one that has no place of its own. */
  readonly stream?: string | undefined;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A part of a picture, and where it goes. */
interface Fitted {
  readonly source: Rect;
  readonly target: Rect;
}

/** Who is to be placed. */
export interface LayoutStream {
  readonly name: string;
  readonly streamId?: string | undefined;
}

export type Layout = 'grid' | 'speaker' | readonly LayoutPlace[];

export interface LayoutOptions extends Size {
  /** Pixels between cells, even. */
  readonly gap: number;
  /** Index of the stream that is large in `speaker`. */
  readonly large: number;
}

/** Where one of the streams goes. */
export interface Placed {
  /** Of the stream. */
  readonly index: number;
  /** Even numbers, all inside of the picture. */
  readonly rect: Rect;
}

/** The shape that a grid is made for. */
const USUAL = { width: 16, height: 9 };
/** The part of a picture that the strip beside the speaker takes. */
const STRIP = 1 / 5;
/** The part of a side that nobody misses. */
const LEFT_OUT = 1 / 100;

/** Places in the order in which they are drawn: later ones lie on top. Who finds no room is not among them. Pure. */
export function arrange(layout: Layout, streams: readonly LayoutStream[], options: LayoutOptions): Placed[] {
  return placedIn(layout, streams, options).filter(({ rect }) => isInside(rect, options));
}

function placedIn(
  layout: Layout,
  streams: readonly LayoutStream[],
  { large, gap, ...canvas }: LayoutOptions,
): Placed[] {
  if (layout === 'grid') return gridLayout(streams.length, canvas, gap).map((rect, index) => ({ index, rect }));
  if (layout === 'speaker') {
    const others = streams.flatMap((_, index) => (index === large ? [] : [index]));
    const [first, ...strip] = speakerLayout(streams.length, canvas, gap);
    return [
      ...(first ? [{ index: large, rect: first }] : []),
      ...strip.flatMap((rect, at) => (others[at] === undefined ? [] : [{ index: others[at], rect }])),
    ];
  }
  const places = placesFor(streams, layout);
  return layout.flatMap((place, at) => {
    const index = places.indexOf(at);
    return index < 0 ? [] : [{ index, rect: placeRect(place, canvas) }];
  });
}

/**
 * Equal cells that show pictures of the usual shape as large as can be; a last row that is not full is centred. All
 * numbers are even, as are those of the other layouts: chroma is stored for blocks of 2x2. Pure.
 */
export function gridLayout(count: number, canvas: Size, gap: number): Rect[] {
  const { columns, width, height } = bestGrid(count, canvas, gap);
  const rows = Math.ceil(count / columns);
  const top = evenOffset((canvas.height - rows * height - (rows - 1) * gap) / 2);
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / columns);
    const inRow = row < rows - 1 ? columns : count - columns * (rows - 1);
    const left = evenOffset((canvas.width - inRow * width - (inRow - 1) * gap) / 2);
    return { x: left + (index % columns) * (width + gap), y: top + row * (height + gap), width, height };
  });
}

/** The first large, the others in a strip at the right, or below it in a picture that is higher than wide. Pure. */
export function speakerLayout(count: number, canvas: Size, gap: number): Rect[] {
  if (canvas.height > canvas.width) return speakerLayout(count, turned(canvas), gap).map(turnedRect);
  if (count <= 1) return Array.from({ length: count }, () => ({ x: 0, y: 0, ...canvas }));
  const width = even(canvas.width * STRIP);
  const others = count - 1;
  const room = even((canvas.height - gap * (others - 1)) / others);
  const height = Math.min(even((width * USUAL.height) / USUAL.width), room);
  const strip = Array.from({ length: others }, (_, index) => ({
    x: canvas.width - width,
    y: index * (height + gap),
    width,
    height,
  }));
  return [{ x: 0, y: 0, width: canvas.width - width - gap, height: canvas.height }, ...strip];
}

/**
 * For each stream the index of its place, or undefined where there is none for it: places with a name go to that
 * stream, the others in order to those that are left. Pure.
 */
export function placesFor(
  streams: readonly LayoutStream[],
  places: readonly LayoutPlace[],
): readonly (number | undefined)[] {
  const found = streams.map((stream) => {
    const index = places.findIndex(({ stream: wanted }) => wanted !== undefined && isStream(stream, wanted));
    return index < 0 ? undefined : index;
  });
  // Of two streams of one name the first has the place.
  const taken = found.map((index, at) => (found.indexOf(index) === at ? index : undefined));
  const free = places.flatMap(({ stream }, index) => (stream === undefined ? [index] : []));
  return taken.map((index) => index ?? free.shift());
}

/** Whether a text names a stream: by its name, or by its id. Pure. */
export function isStream(stream: LayoutStream, wanted: string): boolean {
  return stream.name === wanted || stream.streamId === wanted;
}

/** A place in even pixels, cut off at the edges of the picture. Pure. */
export function placeRect(place: LayoutPlace, canvas: Size): Rect {
  const x = Math.min(evenOffset(pixels(place.x, canvas.width)), canvas.width - 2);
  const y = Math.min(evenOffset(pixels(place.y, canvas.height)), canvas.height - 2);
  return {
    x,
    y,
    width: Math.min(even(pixels(place.width, canvas.width)), canvas.width - x),
    height: Math.min(even(pixels(place.height, canvas.height)), canvas.height - y),
  };
}

/** Whether a cell has an area, all of it in the picture: with very many streams, or wide gaps, there is no room for the last. Pure. */
export function isInside({ x, y, width, height }: Rect, canvas: Size): boolean {
  return x >= 0 && y >= 0 && width > 0 && height > 0 && x + width <= canvas.width && y + height <= canvas.height;
}

/**
 * Which part of a picture is shown, and where: `contain` shows all of it, `cover` fills the cell. A hundredth of a side is left
 * out where the rest is a whole multiple of what it becomes: swscale takes a third less time for that. Pure.
 */
export function fitPicture(picture: Size, cell: Rect, fit: 'contain' | 'cover'): Fitted {
  const { source, target } = fitted(picture, cell, fit);
  const width = multiple(source.width, target.width);
  const height = multiple(source.height, target.height);
  const x = source.x + evenOffset((source.width - width) / 2);
  const y = source.y + evenOffset((source.height - height) / 2);
  return { source: { x, y, width, height }, target };
}

function fitted(picture: Size, cell: Rect, fit: 'contain' | 'cover'): Fitted {
  const across = cell.width / picture.width;
  const down = cell.height / picture.height;
  if (fit === 'contain') {
    const factor = Math.min(across, down);
    const width = Math.min(cell.width, nearestEven(picture.width * factor));
    const height = Math.min(cell.height, nearestEven(picture.height * factor));
    const x = cell.x + evenOffset((cell.width - width) / 2);
    const y = cell.y + evenOffset((cell.height - height) / 2);
    return { source: { x: 0, y: 0, ...picture }, target: { x, y, width, height } };
  }
  const factor = Math.max(across, down);
  const width = part(picture.width, cell.width / factor);
  const height = part(picture.height, cell.height / factor);
  const x = evenOffset((picture.width - width) / 2);
  const y = evenOffset((picture.height - height) / 2);
  return { source: { x, y, width, height }, target: cell };
}

function bestGrid(count: number, canvas: Size, gap: number): Size & { readonly columns: number } {
  let best = { columns: 1, width: 2, height: 2 };
  let bestScale = 0;
  let bestEmpty = 0;
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const width = even((canvas.width - gap * (columns - 1)) / columns);
    const height = even((canvas.height - gap * (rows - 1)) / rows);
    const scale = Math.min(width / USUAL.width, height / USUAL.height);
    const empty = rows * columns - count;
    if (scale < bestScale || (scale === bestScale && empty > bestEmpty)) continue;
    best = { columns, width, height };
    bestScale = scale;
    bestEmpty = empty;
  }
  return best;
}

function pixels(value: number, side: number): number {
  return value <= 1 ? value * side : value;
}

/** A length in even pixels, not more than it was where that is 2 or more. */
function even(value: number): number {
  return Math.max(2, evenOffset(value));
}

function evenOffset(value: number): number {
  return Math.max(0, Math.floor(value / 2) * 2);
}

function nearestEven(value: number): number {
  return Math.max(2, Math.round(value / 2) * 2);
}

/** So much of a side, in even pixels; all of it where that is as good as all. */
function part(side: number, wanted: number): number {
  return wanted > side - 2 ? side : Math.max(Math.min(2, side), evenOffset(wanted));
}

/** As much of a side as is a multiple of what it becomes, where that leaves out next to nothing. */
function multiple(side: number, target: number): number {
  const whole = Math.floor(side / target) * target;
  return side - whole <= side * LEFT_OUT ? whole : side;
}

function turned({ width, height }: Size): Size {
  return { width: height, height: width };
}

function turnedRect({ x, y, width, height }: Rect): Rect {
  return { x: y, y: x, width: height, height: width };
}
