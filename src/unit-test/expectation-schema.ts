import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '../media/errors.js';

const Ms = z.number().min(0).max(86_400_000);
const Name = z.string().min(1);
const from = Ms.default(0).describe('Beginning of the stretch that is looked at, in ms.');
const to = Ms.optional().describe('Its end, in ms; the end of everything when left out.');

/** How many, or how much: a number, or between two. */
export const Amount = z.union(
  [
    z.number().min(0),
    z.strictObject({
      min: z.number().min(0).optional().describe('At least.'),
      max: z.number().min(0).optional().describe('At most.'),
    }),
  ],
  { error: 'Expected a number, or { min, max }' },
);
export type Amount = z.output<typeof Amount>;

const KINDS_OF_SOUND = ['tone', 'silence', 'like'] as const;

/** What a stretch of sound is. */
export const AudioExpectation = z
  .strictObject({
    fromMs: from,
    toMs: to,
    tone: z
      .union([z.int().min(20).max(20_000), z.array(z.int().min(20).max(20_000)).min(1)])
      .optional()
      .describe('A sine of so many Hz, or several at once, without a pause and with next to nothing beside it.'),
    silence: z.literal(true).optional().describe('Nothing is heard: no tenth of a second is louder than `level`.'),
    like: z.string().min(1).optional().describe('The sound of a media file, relative to the test file.'),
    startMs: Ms.optional().describe('With `like`: where the beginning of the file is, in ms. Default: `fromMs`.'),
    withinMs: z.number().min(0).max(1000).default(100).describe('With `like`: by how much it may be early or late.'),
    correlation: z.number().min(0).max(1).default(0.8).describe('With `like`: how alike it is at least, 0 to 1.'),
    level: z
      .number()
      .min(-127)
      .max(0)
      .optional()
      .describe('dBFS: the peak of each tone; the most of silence (default -60); otherwise the mean of everything.'),
    toleranceDb: z.number().min(0).max(60).default(3).describe('By how much a level may be off, in dB.'),
  })
  .superRefine((expected, context) => {
    const kinds = KINDS_OF_SOUND.filter((kind) => expected[kind] !== undefined);
    if (kinds.length > 1 || (kinds.length === 0 && expected.level === undefined))
      context.addIssue({ code: 'custom', message: 'Expected one of tone, silence and like, or a level' });
  });
export type AudioExpectation = z.output<typeof AudioExpectation>;

/** What a stretch of pictures is. */
export const VideoExpectation = z.strictObject({
  fromMs: from,
  toMs: to,
  pattern: z
    .strictObject({
      from: z.int().min(0).optional().describe('Number of the first picture at most.'),
      to: z.int().min(0).optional().describe('Number of the last picture at least.'),
      present: z.number().min(0).max(1).default(0.9).describe('Part of the numbers between that is there, 0 to 1.'),
    })
    .optional()
    .describe('The numbered pattern, whose numbers only grow.'),
  colour: z
    .string()
    .regex(/^#[0-9a-f]{6}$/i, 'Expected a colour such as "#c02020"')
    .optional()
    .describe('Mean colour of every picture, as "#rrggbb".'),
  toleranceColour: z.int().min(0).max(255).default(16).describe('By how much red, green and blue may be off.'),
  area: z
    .strictObject({
      x: z.number().min(0).max(1).describe('Left edge.'),
      y: z.number().min(0).max(1).describe('Upper edge.'),
      width: z.number().min(0).max(1).describe('Width.'),
      height: z.number().min(0).max(1).describe('Height.'),
    })
    .optional()
    .describe('Part of the picture that is looked at, as parts of its size; all of it when left out.'),
  width: z.int().min(1).optional().describe('Width of every picture in pixels.'),
  height: z.int().min(1).optional().describe('Height of every picture in pixels.'),
  count: Amount.optional().describe('How many pictures. At least one when left out.'),
});
export type VideoExpectation = z.output<typeof VideoExpectation>;

const mediaShape = {
  audio: z.array(AudioExpectation).default([]).describe('What is heard.'),
  video: z.array(VideoExpectation).default([]).describe('What is seen.'),
  captions: z.array(z.string()).optional().describe('The final texts, in order.'),
  count: Amount.optional().describe('How many chunks, pictures and texts.'),
  durationMs: Amount.optional().describe('From the first to the end of the last, in ms.'),
};

const MediaExpectation = z.strictObject(mediaShape);
export type MediaExpectation = z.output<typeof MediaExpectation>;

const MutedExpectation = z.strictObject({
  media: z.enum(['audio', 'video']).describe('What is muted.'),
  fromMs: Ms.describe('From when on, in ms from the beginning of the test; 50 ms more or less.'),
  toMs: Ms.optional().describe('Until when, in ms; to the end when left out.'),
});
export type MutedExpectation = z.input<typeof MutedExpectation>;

const PublishedExpectation = z.strictObject({
  ...mediaShape,
  muted: z.array(MutedExpectation).optional().describe('When it was muted, in all; `[]` for never.'),
});
export type PublishedExpectation = z.output<typeof PublishedExpectation>;

const FileExpectation = z.strictObject({
  ...mediaShape,
  exists: z.boolean().default(true).describe('Whether the file is there.'),
  contains: z.array(z.string()).default([]).describe('Texts that it contains, each behind the one before.'),
  tracks: z
    .array(z.enum(['audio', 'video']))
    .optional()
    .describe('What it holds, and nothing else.'),
});
export type FileExpectation = z.output<typeof FileExpectation>;

const CODES = Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]];

/** What must have come of a run. */
export const Expectations = z.strictObject({
  outcome: z
    .enum(['ended', 'stopped', 'failed'])
    .optional()
    .describe('How it ended. Without it, and without `error`, it must not have failed.'),
  error: z
    .strictObject({
      code: z.enum(CODES).describe('Its code.'),
      node: Name.optional().describe('The node that failed.'),
    })
    .optional()
    .describe('It fails so, in planning or in running.'),
  drops: Amount.optional().describe('Values that got lost, in nodes and on links.'),
  branches: Amount.optional().describe('How many branches were made.'),
  failedBranches: Amount.default(0).describe('How many of them failed. Default 0.'),
  sessions: z
    .record(
      Name,
      z.strictObject({
        published: z
          .record(Name, PublishedExpectation)
          .default({})
          .describe('What was published, by the names of the streams.'),
        attributes: z
          .record(Name, z.array(z.string()))
          .default({})
          .describe('Values that the pipeline gave its attributes there, one after the other, by their names.'),
      }),
    )
    .default({})
    .describe('What was done in the sessions of the pipeline, by their ids. Times are those of the test.'),
  nodes: z
    .record(Name, MediaExpectation)
    .default({})
    .describe(
      'What flowed into a sink, or out of another node, by its id; `id.port` is one of several ports, `id@name` one branch. Times are those of the time stamps.',
    ),
  files: z
    .record(Name, FileExpectation)
    .default({})
    .describe('Files that were written, by the paths in the pipeline. Times are those of the file.'),
});
export type Expectations = z.output<typeof Expectations>;
