import { Transform, type TransformCallback } from 'node:stream';
import { z } from 'zod';
import { sizeFor } from '../codecs/picture-size.js';
import { type Scaler, createScaler } from '../codecs/scaler.js';
import { nearestIn, pictureOptions, type FormatPattern } from '../media/format.js';
import { defineNode } from '../media/node.js';
import { MAX_PIXELS, PIXEL_FORMATS, type VideoFrame } from '../media/video-frame.js';

const SIDE = 'in pixels; when left out it follows from the other, keeping the shape';

const Options = z
  .strictObject({
    width: z.int().min(2).max(1920).optional().describe(`Width of the pictures that come out, ${SIDE}.`),
    height: z.int().min(2).max(1920).optional().describe(`Height of the pictures that come out, ${SIDE}.`),
    format: z
      .enum(PIXEL_FORMATS)
      .default('YUV420P')
      .describe('Pixel format that comes out: YUV420P, RGB24 (B,G,R) or ARGB32 (B,G,R,A).'),
  })
  .refine(({ width = 2, height = 2 }) => width * height <= MAX_PIXELS, {
    path: ['width'],
    message: 'Too big: width times height must be at most 1920x1080 pixels',
  });
type ScalerOptions = z.output<typeof Options>;

/** µs of one core for a picture, about: to change its pixels alone, and its size. */
const PIXELS_COST = 300;
const SCALE_COST = 500;
/** The shape of a picture whose size is not known may suffer: anything short of two codecs is better. */
const SHAPE_COST = 4000;

/** Changes the size and the pixel format of raw pictures. Errors: SLUICE_FORMAT_MISMATCH, SLUICE_CODEC_UNAVAILABLE. */
export const scaler = defineNode({
  type: 'scaler',
  summary: 'Changes size and pixel format of raw pictures.',
  options: Options,
  inputs: [{ name: 'in', formats: [{ kind: 'video' }] }],
  outputs: (options, inputs) => [{ name: 'out', formats: [scaledFormat(options, inputs.get('in')?.[0])] }],
  adapts: pictureOptions,
  converts(from, to) {
    if (from.kind !== 'video' || to.kind !== 'video') return undefined;
    const [width, height] = [nearestIn(from.width, to.width), nearestIn(from.height, to.height)];
    const format = nearestIn(from.format, to.format);
    const keepsSize = to.width === undefined && to.height === undefined;
    const perPicture = keepsSize ? PIXELS_COST : from.width === undefined ? SHAPE_COST : SCALE_COST;
    return {
      options: pictureOptions({
        kind: 'video',
        ...(format !== undefined && { format }),
        ...(to.width !== undefined && width !== undefined && { width }),
        ...(to.height !== undefined && height !== undefined && { height }),
      }),
      cost: perPicture * (nearestIn(from.frameRate, undefined) ?? 30),
    };
  },
  example: `nodes:
  picture: { type: test-pattern, durationMs: 1000, live: false }
  small:   { type: scaler, from: picture, width: 320, height: 240 }
  nowhere: { type: "null", from: small }`,
  create: (options) => new ScalerStream(options),
});

/** What comes out of pictures of this format; size and rate as far as they are known. */
function scaledFormat(options: ScalerOptions, input: FormatPattern | undefined): FormatPattern {
  const picture = input?.kind === 'video' ? input : undefined;
  const frameRate = picture?.frameRate;
  const [width, height] = [picture?.width, picture?.height];
  const size =
    typeof width === 'number' && typeof height === 'number'
      ? sizeFor({ width, height }, options)
      : { width: options.width, height: options.height };
  return {
    kind: 'video',
    format: options.format,
    ...(size.width !== undefined && { width: size.width }),
    ...(size.height !== undefined && { height: size.height }),
    ...(frameRate !== undefined && { frameRate }),
  };
}

class ScalerStream extends Transform {
  readonly #options: ScalerOptions;
  #scaler: Scaler | undefined;

  constructor(options: ScalerOptions) {
    super({ objectMode: true, readableHighWaterMark: 2, writableHighWaterMark: 2 });
    this.#options = options;
  }

  override _transform(frame: VideoFrame, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.#scaler) {
      this.#scale(this.#scaler, frame, done);
      return;
    }
    this.#open().then(
      (scaler) => {
        this.#scale(scaler, frame, done);
      },
      (error: unknown) => {
        done(error as Error);
      },
    );
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#scaler?.close();
    this.#scaler = undefined;
    done(error);
  }

  async #open(): Promise<Scaler> {
    const scaler = await createScaler();
    if (this.destroyed) scaler.close();
    else this.#scaler = scaler;
    return scaler;
  }

  #scale(scaler: Scaler, frame: VideoFrame, done: TransformCallback): void {
    if (this.destroyed) return;
    const { format } = this.#options;
    try {
      const { width, height } = sizeFor(frame, this.#options);
      done(null, scaler.scale(frame, { width, height, format }));
    } catch (error) {
      done(error as Error);
    }
  }
}
