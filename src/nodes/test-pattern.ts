import { z } from 'zod';
import { nearestIn, pictureOptions, type FormatPattern } from '../media/format.js';
import { defineNode } from '../media/node.js';
import { PacedSource } from '../media/paced-source.js';
import { PATTERN_MIN_HEIGHT, PATTERN_MIN_WIDTH, drawPattern } from '../media/pattern.js';
import { MAX_PIXELS } from '../media/video-frame.js';

const Options = z
  .strictObject({
    width: z.int().min(PATTERN_MIN_WIDTH).max(4096).default(640).describe('Width in pixels.'),
    height: z
      .int()
      .min(PATTERN_MIN_HEIGHT)
      .max(4096)
      .default(480)
      .describe('Height in pixels; at most 1920x1080 pixels in all.'),
    fps: z.number().min(1).max(30).default(30).describe('Pictures per second.'),
    durationMs: z
      .number()
      .positive()
      .optional()
      .describe('Length in ms, rounded up to a whole picture; endless when left out.'),
    live: z
      .boolean()
      .default(true)
      .describe('`true` paces pictures in real time; `false` gives them as fast as they are read.'),
  })
  .refine((options) => options.width * options.height <= MAX_PIXELS, {
    path: ['width'],
    message: 'Too big: width times height must be at most 1920x1080 pixels',
  });

/** Pictures that carry their own number, from 0 on, in a strip that survives scaling and coding. */
export const testPattern = defineNode({
  type: 'test-pattern',
  summary: 'Makes a moving picture whose frames are numbered, readable by machines after coding and scaling.',
  options: Options,
  inputs: [],
  outputs: (options) => [
    {
      name: 'out',
      formats: [
        { kind: 'video', format: 'YUV420P', width: options.width, height: options.height, frameRate: options.fps },
      ],
    },
  ],
  latency: ({ live }) => ({ live, minMs: 0, maxMs: 0 }),
  adapts: sizeAndRate,
  example: `nodes:
  bars: { type: test-pattern, width: 320, height: 240, fps: 15, durationMs: 1000 }
  end:  { type: 'null', from: bars }`,
  create(options, context) {
    const { width, height, fps, durationMs, live } = options;
    return new PacedSource({
      clock: context.clock,
      live,
      intervalUs: 1_000_000 / fps,
      count: durationMs === undefined ? Infinity : Math.ceil((durationMs * fps) / 1000),
      make: (index) => ({
        kind: 'video',
        data: drawPattern(index, width, height),
        width,
        height,
        format: 'YUV420P',
        timestamp: Math.round((index * 1_000_000) / fps),
      }),
      dropped: () => {
        context.dropped('reader too slow');
      },
    });
  },
});

function sizeAndRate(format: FormatPattern): Readonly<Record<string, unknown>> {
  const { width, height } = pictureOptions(format);
  const fps = format.kind === 'video' ? nearestIn(format.frameRate, undefined) : undefined;
  return {
    ...(width !== undefined && { width }),
    ...(height !== undefined && { height }),
    ...(fps !== undefined && { fps }),
  };
}
