import { frameSizeBytes, type VideoFrame } from './video-frame.js';

/** The smallest picture that carries a number: its blocks are 16 pixels wide and high. */
export const PATTERN_MIN_WIDTH = 192;
export const PATTERN_MIN_HEIGHT = 128;
/** Frame numbers count from 0 and start again here. */
const PATTERN_NUMBERS = 65_536;

/*
 * The number strip: two rows of twelve blocks over the top quarter of the picture, white for 1, black for 0:
 * white marker, black marker, 16 bits of the number from the highest on, 6 bits of its checksum.
 */
const COLUMNS = 12;
const ROWS = 2;
const BLACK = 16;
const WHITE = 235;
/** Luma, Cb and Cr of the bars below, in BT.601 limited range. */
const BARS = [
  [180, 128, 128],
  [162, 44, 142],
  [131, 156, 44],
  [112, 72, 58],
  [84, 184, 198],
  [65, 100, 212],
  [35, 212, 114],
  [50, 128, 128],
] as const;
const PIXELS_PER_FRAME = 4;

/** Draws picture `frameNumber` of the numbered moving pattern as YUV420P planes. Pure. */
export function drawPattern(frameNumber: number, width: number, height: number): Uint8Array {
  const picture = new Uint8Array(frameSizeBytes('YUV420P', width, height));
  const cells = cellsOf(((frameNumber % PATTERN_NUMBERS) + PATTERN_NUMBERS) % PATTERN_NUMBERS);
  const stripRows = stripHeight(height);
  for (let row = 0; row < ROWS; row++) {
    const top = row * stripRows * width;
    for (let column = 0; column < COLUMNS; column++) {
      const luma = cells[row * COLUMNS + column] === 1 ? WHITE : BLACK;
      picture.fill(luma, top + edge(column, width), top + edge(column + 1, width));
    }
    repeatRow(picture, top, width, stripRows);
  }
  const barTop = ROWS * stripRows;
  drawBars(picture, barTop * width, width, height - barTop, 0, width, frameNumber);
  drawChroma(picture, width, height, barTop, frameNumber);
  return picture;
}

/** Reads the number back from a YUV420P picture of any size; undefined when the picture carries none. Pure. */
export function readPattern(frame: Pick<VideoFrame, 'data' | 'width' | 'height'>): number | undefined {
  let bits = 0;
  for (let cell = 0; cell < COLUMNS * ROWS; cell++) {
    const luma = meanLuma(frame, cell);
    if (luma > 96 && luma < 155) return undefined;
    bits = (bits << 1) | (luma >= 155 ? 1 : 0);
  }
  const markers = bits >>> 22;
  const number = (bits >>> 6) & 0xffff;
  return markers === 0b10 && checksum(number) === (bits & 0x3f) ? number : undefined;
}

function cellsOf(number: number): readonly number[] {
  const bits = (0b10 << 22) | (number << 6) | checksum(number);
  return Array.from({ length: COLUMNS * ROWS }, (_, index) => (bits >>> (COLUMNS * ROWS - 1 - index)) & 1);
}

/** CRC-6 of ITU-T G.704 (x^6 + x + 1) over the 16 bits, inverted so that 0 has ones in it. */
function checksum(number: number): number {
  let rest = 0;
  for (let bit = 15; bit >= 0; bit--) {
    const carry = ((rest >> 5) ^ (number >> bit)) & 1;
    rest = ((rest << 1) & 0x3f) ^ (carry ? 0b000011 : 0);
  }
  return rest ^ 0x3f;
}

function meanLuma(frame: Pick<VideoFrame, 'data' | 'width' | 'height'>, cell: number): number {
  const { data, width, height } = frame;
  const column = cell % COLUMNS;
  const rowHeight = height / 8;
  const top = Math.floor(cell / COLUMNS) * rowHeight;
  const left = (column * width) / COLUMNS;
  let sum = 0;
  let count = 0;
  // Only the middle half of a block: its edges are blurred by scaling and coding.
  for (let y = Math.ceil(top + rowHeight / 4); y < top + (rowHeight * 3) / 4; y++) {
    for (let x = Math.ceil(left + width / COLUMNS / 4); x < left + ((width / COLUMNS) * 3) / 4; x++) {
      sum += data[y * width + x] ?? 0;
      count++;
    }
  }
  return count === 0 ? 128 : sum / count;
}

function stripHeight(height: number): number {
  return Math.round(height / 8);
}

function edge(column: number, width: number): number {
  return Math.round((column * width) / COLUMNS);
}

function drawChroma(picture: Uint8Array, width: number, height: number, barTop: number, frameNumber: number): void {
  const chromaWidth = (width + 1) >> 1;
  const chromaHeight = (height + 1) >> 1;
  const chromaTop = (barTop + 1) >> 1;
  for (const plane of [1, 2] as const) {
    const start = width * height + (plane - 1) * chromaWidth * chromaHeight;
    picture.fill(128, start, start + chromaTop * chromaWidth);
    const top = start + chromaTop * chromaWidth;
    drawBars(picture, top, chromaWidth, chromaHeight - chromaTop, plane, width, frameNumber);
  }
}

/** Vertical bars that move left; `plane` picks luma, Cb or Cr. */
function drawBars(
  picture: Uint8Array,
  start: number,
  rowLength: number,
  rows: number,
  plane: 0 | 1 | 2,
  width: number,
  frameNumber: number,
): void {
  if (rows <= 0) return;
  const scale = plane === 0 ? 1 : 2;
  const offset = (frameNumber * PIXELS_PER_FRAME) % width;
  for (let x = 0; x < rowLength; x++) {
    const bar = BARS[Math.floor((((x * scale + offset) % width) * BARS.length) / width)];
    picture[start + x] = bar ? bar[plane] : BLACK;
  }
  repeatRow(picture, start, rowLength, rows);
}

function repeatRow(picture: Uint8Array, start: number, rowLength: number, rows: number): void {
  for (let row = 1; row < rows; row++) picture.copyWithin(start + row * rowLength, start, start + rowLength);
}
