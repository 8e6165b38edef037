import { SluiceError } from '../media/errors.js';
import { fitPicture, isInside, type Size } from '../media/picture-layout.js';
import { frameSizeBytes, type VideoFrame } from '../media/video-frame.js';
import { fillRect, i420Planes, type Plane, type Rect, type YuvColour } from '../media/yuv.js';
import { type Ffmpeg, loadFfmpeg } from './ffmpeg.js';
import { type PictureLabel, drawLabel } from './picture-label.js';
import { RectScaler, halved } from './rect-scaler.js';

export interface ComposerOptions {
  /** Pixels, even. */
  readonly width: number;
  /** Pixels, even. */
  readonly height: number;
  /** Of everything that no picture covers. */
  readonly background: YuvColour;
  /** `contain` shows all of a picture, `cover` fills its cell. */
  readonly fit: 'contain' | 'cover';
}

/** Where the picture of one stream goes. */
export interface ComposerCell {
  /** Names the stream. */
  readonly id: number;
  /** Even numbers, inside of the picture. */
  readonly rect: Rect;
  /** Written into the lower left corner. */
  readonly label?: string | undefined;
}

/** A YUV420P picture of one stream. */
export interface ComposerPicture extends Size {
  readonly id: number;
  /** Rows and planes without padding. */
  readonly data: Uint8Array;
}

/** Draws pictures of several streams into one, in this thread. Synchronous: only what has changed is scaled. */
export interface PictureComposer {
  /** Another layout; what lies on top of others comes after them. Streams that are not in it are forgotten. Errors: SLUICE_INTERNAL. */
  arrange(cells: readonly ComposerCell[]): void;
  /** The picture of a stream from now on. It is read, and must not change, until another takes its place. */
  show(picture: ComposerPicture): void;
  /** What there is now; the same bytes as before where nothing has changed. Errors: SLUICE_CODEC_FAILED. */
  draw(timestamp: number): VideoFrame;
  close(): void;
}

/** Makes a composer. Errors: SLUICE_CODEC_UNAVAILABLE. */
export async function createPictureComposer(options: ComposerOptions): Promise<PictureComposer> {
  return new CellComposer(await loadFfmpeg(), options);
}

/** A label takes some milliseconds: where many are new, the others come with the next pictures. */
const LABELS_AT_ONCE = 4;
/** Height of a label: part of its cell, and limits in pixels. */
const LABEL_PART = 1 / 10;
const LABEL_LOWEST = 16;
const LABEL_HIGHEST = 48;
const LABEL_MOST_OF_CELL = 1 / 3;
const NO_COLOUR = 128;

class CellComposer implements PictureComposer {
  readonly #ffmpeg: Ffmpeg;
  readonly #options: ComposerOptions;
  readonly #canvas: Uint8Array;
  #cells: Cell[] = [];
  /** A copy of the canvas as it is; others have it as well. */
  #drawn: Uint8Array | undefined;

  constructor(ffmpeg: Ffmpeg, options: ComposerOptions) {
    this.#ffmpeg = ffmpeg;
    this.#options = options;
    this.#canvas = new Uint8Array(frameSizeBytes('YUV420P', options.width, options.height));
    this.#clear();
  }

  arrange(cells: readonly ComposerCell[]): void {
    const outside = cells.find(({ rect }) => !isInside(rect, this.#options));
    if (outside) throw new SluiceError('SLUICE_INTERNAL', 'a cell lies outside of the picture');
    const before = new Map(this.#cells.map((cell) => [cell.id, cell]));
    this.#cells = cells.map((place) => {
      const cell = before.get(place.id) ?? new Cell(this.#ffmpeg, place.id);
      before.delete(place.id);
      cell.place(place);
      return cell;
    });
    for (const gone of before.values()) gone.close();
    this.#clear();
  }

  show(picture: ComposerPicture): void {
    this.#cells.find(({ id }) => id === picture.id)?.show(picture);
  }

  draw(timestamp: number): VideoFrame {
    const { width, height } = this.#options;
    if (!this.#drawn || this.#cells.some((cell) => cell.isStale)) {
      this.#drawCells();
      this.#drawn = copyOf(this.#canvas);
    }
    return { kind: 'video', data: this.#drawn, width, height, format: 'YUV420P', timestamp };
  }

  close(): void {
    for (const cell of this.#cells.splice(0)) cell.close();
  }

  #drawCells(): void {
    const { width, height, background, fit } = this.#options;
    let labels = LABELS_AT_ONCE;
    this.#cells.forEach((cell, index) => {
      if (!cell.isStale) return;
      const mayWrite = !cell.isUnlabelled || labels-- > 0;
      cell.draw({ data: this.#canvas, width, height }, background, fit, mayWrite);
      for (const above of this.#cells.slice(index + 1)) if (overlaps(above.rect, cell.rect)) above.isStale = true;
    });
  }

  #clear(): void {
    this.#drawn = undefined;
    const { width, height, background } = this.#options;
    const whole = { x: 0, y: 0, width, height };
    fillRect({ data: this.#canvas, width, height }, whole, background);
  }
}

type Canvas = Pick<VideoFrame, 'data' | 'width' | 'height'>;

/** One stream in the picture. */
class Cell {
  readonly id: number;
  rect: Rect = { x: 0, y: 0, width: 0, height: 0 };
  /** What is drawn of it is not what should be there. */
  isStale = false;
  readonly #ffmpeg: Ffmpeg;
  #picture: ComposerPicture | undefined;
  #text = '';
  #label: { readonly key: string; readonly drawn?: PictureLabel | undefined } = { key: '' };
  #scaler: RectScaler | undefined;

  constructor(ffmpeg: Ffmpeg, id: number) {
    this.#ffmpeg = ffmpeg;
    this.id = id;
  }

  place({ rect, label = '' }: ComposerCell): void {
    this.rect = rect;
    this.#text = label;
    this.isStale = true;
  }

  show(picture: ComposerPicture): void {
    this.#picture = picture;
    this.isStale = true;
  }

  /** Its label has to be made, which takes a while. */
  get isUnlabelled(): boolean {
    return this.#label.key !== this.#labelKey();
  }

  /** With `mayWrite` false a label that is not made yet is left for the next time. */
  draw(canvas: Canvas, background: YuvColour, fit: 'contain' | 'cover', mayWrite: boolean): void {
    this.isStale = !mayWrite;
    const picture = this.#picture;
    if (!picture) return;
    const { source, target } = fitPicture(picture, this.rect, fit);
    if (target.width < this.rect.width || target.height < this.rect.height) fillRect(canvas, this.rect, background);
    this.#scale(picture, source, canvas, target);
    if (mayWrite) this.#drawLabel(canvas);
  }

  close(): void {
    this.#scaler?.close();
    this.#scaler = undefined;
    this.#picture = undefined;
  }

  #scale(picture: ComposerPicture, source: Rect, canvas: Canvas, target: Rect): void {
    if (!this.#scaler?.fits(source, target)) {
      this.#scaler?.close();
      this.#scaler = new RectScaler(this.#ffmpeg, source, target);
    }
    this.#scaler.scale(i420Planes(picture), source, i420Planes(canvas), target);
  }

  #drawLabel(canvas: Canvas): void {
    const { x, y, width, height } = this.rect;
    if (this.isUnlabelled) {
      const rows = this.#labelRows();
      const hasRoom = rows <= height * LABEL_MOST_OF_CELL;
      const drawn = hasRoom ? drawLabel(this.#ffmpeg, this.#text, rows, width) : undefined;
      this.#label = { key: this.#labelKey(), drawn };
    }
    const label = this.#label.drawn;
    if (!label) return;
    const box = { x, y: y + height - label.height, width: label.width, height: label.height };
    const { y: luma, u, v } = i420Planes(canvas);
    copyPlane({ data: label.luma, width: label.width, height: label.height }, luma, box);
    for (const plane of [u, v]) fillPlane(plane, halved(box), NO_COLOUR);
  }

  #labelRows(): number {
    return Math.floor(Math.min(LABEL_HIGHEST, Math.max(LABEL_LOWEST, this.rect.height * LABEL_PART)) / 2) * 2;
  }

  #labelKey(): string {
    return this.#text === '' ? '' : `${this.#labelRows()} ${this.rect.width} ${this.#text}`;
  }
}

/** A copy of its own; not set to zero first, since every byte is written. */
function copyOf(canvas: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafeSlow(canvas.length);
  copy.set(canvas);
  return new Uint8Array(copy.buffer, copy.byteOffset, copy.length);
}

function overlaps(a: Rect, b: Rect): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function copyPlane(from: Plane, to: Plane, { x, y }: Rect): void {
  for (let row = 0; row < from.height; row++) {
    to.data.set(from.data.subarray(row * from.width, (row + 1) * from.width), (y + row) * to.width + x);
  }
}

function fillPlane(plane: Plane, { x, y, width, height }: Rect, value: number): void {
  for (let row = y; row < y + height; row++)
    plane.data.fill(value, row * plane.width + x, row * plane.width + x + width);
}
