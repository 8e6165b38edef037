import { SluiceError } from '../media/errors.js';
import { type PixelFormat, type VideoFrame, frameSizeBytes } from '../media/video-frame.js';
import { type Ffmpeg, check } from './ffmpeg.js';

export type AvFrame = InstanceType<Ffmpeg['lib']['Frame']>;
type AvPixelFormat = Ffmpeg['c']['AV_PIX_FMT_YUV420P'];

/**
 * Brings pictures from JavaScript into FFmpeg and to another size and format. Holds one staging buffer
 * and one target for the sizes seen last: what it gives is good until its next call.
 */
export class PictureConverter {
  readonly #ffmpeg: Ffmpeg;
  #staging: AvFrame | undefined;
  /** Its planes, as views of FFmpeg's memory. */
  #planes: readonly Uint8Array[] = [];
  #stagingKey = '';
  #target: AvFrame | undefined;
  #sws: InstanceType<Ffmpeg['lib']['SoftwareScaleContext']> | undefined;
  #swsKey = '';

  constructor(ffmpeg: Ffmpeg) {
    this.#ffmpeg = ffmpeg;
  }

  /** The picture as an FFmpeg frame of the same size and format. */
  load(frame: VideoFrame): AvFrame {
    const { width, height, format, data } = frame;
    const key = `${width}x${height} ${format}`;
    const size = frameSizeBytes(format, width, height);
    if (data.length !== size) {
      throw new SluiceError(
        'SLUICE_FORMAT_MISMATCH',
        `${data.length} bytes do not make a ${format} picture of ${width}x${height}`,
        {
          mend: `The buffer must hold ${size} bytes.`,
        },
      );
    }
    if (!this.#staging || key !== this.#stagingKey) {
      this.#staging?.free();
      this.#staging = this.#allocate(width, height, avPixelFormat(this.#ffmpeg, format));
      // Rows without padding, in memory that an encoder takes as it is instead of copying it once more.
      check(this.#ffmpeg, this.#staging.getBuffer(1), 'no memory for a picture');
      this.#stagingKey = key;
      this.#planes = this.#staging.data ?? [];
    } else if (!this.#staging.isWritable) {
      check(this.#ffmpeg, this.#staging.makeWritable(), 'no memory for a picture');
      this.#planes = this.#staging.data ?? [];
    }
    let at = 0;
    for (const plane of this.#planes) {
      plane.set(data.subarray(at, at + plane.length));
      at += plane.length;
    }
    return this.#staging;
  }

  /** The picture in another size and format; the same frame where nothing changes. */
  convert(source: AvFrame, width: number, height: number, format: PixelFormat): AvFrame {
    const target = avPixelFormat(this.#ffmpeg, format);
    if (source.width === width && source.height === height && source.format === target) return source;
    const from = source.format as AvPixelFormat;
    const key = `${source.width}x${source.height} ${from} ${width}x${height} ${target}`;
    if (!this.#sws || !this.#target || key !== this.#swsKey) {
      this.#freeTarget();
      const sws = new this.#ffmpeg.lib.SoftwareScaleContext();
      sws.getContext(source.width, source.height, from, width, height, target, this.#ffmpeg.c.SWS_BILINEAR);
      this.#sws = sws;
      this.#target = this.#allocate(width, height, target);
      check(this.#ffmpeg, this.#target.getBuffer(), 'no memory for a picture');
      this.#swsKey = key;
    } else {
      // An encoder may still refer to what was given last.
      check(this.#ffmpeg, this.#target.makeWritable(), 'no memory for a picture');
    }
    check(this.#ffmpeg, this.#sws.scaleFrameSync(this.#target, source), 'a picture cannot be converted');
    return this.#target;
  }

  close(): void {
    this.#staging?.free();
    this.#staging = undefined;
    this.#planes = [];
    this.#freeTarget();
  }

  #freeTarget(): void {
    this.#target?.free();
    this.#target = undefined;
    this.#sws?.freeContext();
    this.#sws = undefined;
  }

  #allocate(width: number, height: number, format: AvPixelFormat): AvFrame {
    const frame = new this.#ffmpeg.lib.Frame();
    frame.alloc();
    frame.width = width;
    frame.height = height;
    frame.format = format;
    return frame;
  }
}

/** A copy of an FFmpeg frame in one tight buffer of its own. The frame must be in `format` already. */
export function copyOut(frame: AvFrame, format: PixelFormat, timestamp: number): VideoFrame {
  const copy = frame.toBuffer();
  const data = new Uint8Array(copy.buffer, copy.byteOffset, copy.byteLength);
  return { kind: 'video', data, width: frame.width, height: frame.height, format, timestamp };
}

/** FFmpeg's name for a pixel format: RGB24 is B,G,R and ARGB32 is B,G,R,A in memory. */
function avPixelFormat({ c }: Ffmpeg, format: PixelFormat): AvPixelFormat {
  switch (format) {
    case 'YUV420P':
      return c.AV_PIX_FMT_YUV420P;
    case 'RGB24':
      return c.AV_PIX_FMT_BGR24;
    case 'ARGB32':
      return c.AV_PIX_FMT_BGRA;
  }
}

/** The largest size of the same shape, in whole even pixels, that fits; the size itself when it fits already. */
export function fitInside(
  width: number,
  height: number,
  limits: { readonly maxWidth: number; readonly maxHeight: number; readonly maxPixels: number },
): { width: number; height: number } {
  const factor = Math.min(
    1,
    limits.maxWidth / width,
    limits.maxHeight / height,
    Math.sqrt(limits.maxPixels / (width * height)),
  );
  if (factor === 1) return { width, height };
  return {
    width: Math.max(2, Math.floor((width * factor) / 2) * 2),
    height: Math.max(2, Math.floor((height * factor) / 2) * 2),
  };
}
