import { SluiceError } from '../media/errors.js';
import { MAX_PIXELS, PIXEL_FORMATS, type PixelFormat, type VideoFrame } from '../media/video-frame.js';
import { loadFfmpeg } from './ffmpeg.js';
import { PictureConverter, copyOut } from './picture.js';

export interface PictureTarget {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  readonly format: PixelFormat;
}

/** Changes size and pixel format of pictures. Made for one stream: it remembers the sizes seen last. */
export interface Scaler {
  /**
   * A new frame, or the same one when nothing changes. Fills the target, whatever the shape.
   * Errors: SLUICE_FORMAT_MISMATCH for a size or buffer that cannot be.
   */
  scale(frame: VideoFrame, target: PictureTarget): VideoFrame;
  close(): void;
}

/** Makes a scaler. Errors: SLUICE_CODEC_UNAVAILABLE. */
export async function createScaler(): Promise<Scaler> {
  const ffmpeg = await loadFfmpeg();
  const converter = new PictureConverter(ffmpeg);
  let closed = false;
  return {
    scale(frame, target) {
      if (closed) throw new SluiceError('SLUICE_STATE_INVALID', 'the scaler is closed');
      const { width, height, format } = target;
      if (frame.width === width && frame.height === height && frame.format === format) return frame;
      checkPictureTarget(target);
      return copyOut(converter.convert(converter.load(frame), width, height, format), format, frame.timestamp);
    },
    close() {
      closed = true;
      converter.close();
    },
  };
}

/** Refuses a size or format that no picture can have. Errors: SLUICE_FORMAT_MISMATCH. */
function checkPictureTarget({ width, height, format }: PictureTarget): void {
  const whole = Number.isInteger(width) && Number.isInteger(height) && width >= 1 && height >= 1;
  if (whole && width * height <= MAX_PIXELS && PIXEL_FORMATS.includes(format)) return;
  throw new SluiceError('SLUICE_FORMAT_MISMATCH', `a ${format} picture of ${width}x${height} is not supported`, {
    mend: `Use whole numbers from 1 on, at most 1920x1080 pixels in all, and one of ${PIXEL_FORMATS.join(', ')}.`,
  });
}
