import { SluiceError } from './errors.js';

/** `YUV420P` is planar I420; `RGB24` is byte order B,G,R; `ARGB32` is byte order B,G,R,A. */
export const PIXEL_FORMATS = ['YUV420P', 'RGB24', 'ARGB32'] as const;
export type PixelFormat = (typeof PIXEL_FORMATS)[number];

/** The largest picture: 1920 x 1080 pixels, in any shape. */
export const MAX_PIXELS = 1920 * 1080;

/** One raw picture, rows and planes without padding. Immutable once it has been written to a stream. */
export interface VideoFrame {
  readonly kind: 'video';
  readonly data: Uint8Array;
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  readonly format: PixelFormat;
  /** Microseconds on the media clock of the source; never goes back. */
  readonly timestamp: number;
}

/** Bytes that a picture takes; the chroma planes of YUV420P round odd sizes up. */
export function frameSizeBytes(format: PixelFormat, width: number, height: number): number {
  if (format === 'RGB24') return width * height * 3;
  if (format === 'ARGB32') return width * height * 4;
  return width * height + 2 * (((width + 1) >> 1) * ((height + 1) >> 1));
}

/** Refuses a frame whose size, format and buffer contradict each other. Errors: SLUICE_FORMAT_MISMATCH. */
export function checkVideoFrame(frame: VideoFrame): void {
  const { width, height, format, data } = frame;
  if (!PIXEL_FORMATS.includes(format)) {
    throw new SluiceError('SLUICE_FORMAT_MISMATCH', `pixel format ${format as string} is not supported`, {
      mend: `Use one of ${PIXEL_FORMATS.join(', ')}.`,
    });
  }
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1 || width * height > MAX_PIXELS) {
    throw new SluiceError('SLUICE_FORMAT_MISMATCH', `a picture of ${width}x${height} is not supported`, {
      mend: 'Use whole numbers from 1 on, at most 1920x1080 pixels in all.',
    });
  }
  const size = frameSizeBytes(format, width, height);
  if (!(data instanceof Uint8Array) || data.length !== size) {
    throw new SluiceError(
      'SLUICE_FORMAT_MISMATCH',
      `${data.length} bytes do not make a ${format} picture of ${width}x${height}`,
      { mend: `The buffer must hold ${size} bytes.` },
    );
  }
}
