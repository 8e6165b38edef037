import { z } from 'zod';
import { PATTERN_MIN_HEIGHT, PATTERN_MIN_WIDTH } from '../media/pattern.js';
import { Expectations } from './expectation-schema.js';

const Ms = z.number().min(0).max(86_400_000);
const Name = z.string().min(1);

/** A stretch of what somebody says, or of what flows out of a source. */
export const AudioPart = z
  .strictObject({
    tone: z.int().min(20).max(20_000).optional().describe('A sine of so many Hz.'),
    level: z.number().min(-96).max(0).optional().describe('Peak level of the tone in dBFS. Default -12.'),
    file: z.string().min(1).optional().describe('The sound of a media file, relative to the test file.'),
    fromMs: Ms.default(0).describe('When it begins, in ms from the beginning of the test.'),
    toMs: Ms.optional().describe('When it ends, in ms; a file ends by itself, a tone without it never.'),
  })
  .superRefine((part, context) => {
    if ((part.tone === undefined) === (part.file === undefined))
      context.addIssue({ code: 'custom', message: 'Expected either a tone or a file' });
    if (part.level !== undefined && part.tone === undefined)
      context.addIssue({ code: 'custom', path: ['level'], message: 'Expected a level with a tone only' });
  });
export type AudioPart = z.output<typeof AudioPart>;

/** A stretch of what somebody shows. */
export const VideoPart = z.strictObject({
  picture: z
    .union([z.literal('pattern'), z.string().regex(/^#[0-9a-f]{6}$/i)], {
      error: 'Expected `pattern` or a colour such as "#c02020"',
    })
    .describe('`pattern`: numbered pictures, from 0 on; or one colour, as "#rrggbb".'),
  width: z.int().min(PATTERN_MIN_WIDTH).max(1920).default(320).describe('Width in pixels.'),
  height: z.int().min(PATTERN_MIN_HEIGHT).max(1080).default(240).describe('Height in pixels.'),
  fps: z.number().min(1).max(30).default(15).describe('Pictures per second.'),
  fromMs: Ms.default(0).describe('When it begins, in ms from the beginning of the test.'),
  toMs: Ms.optional().describe('When it ends, in ms; never when left out.'),
});
export type VideoPart = z.output<typeof VideoPart>;

const CaptionsPart = z.strictObject({
  atMs: Ms.describe('When, in ms from the beginning of the test.'),
  text: z.string().describe('The text.'),
  isFinal: z.boolean().default(true).describe('False while the segment may change.'),
});

const MutedTime = z.strictObject({
  media: z.enum(['audio', 'video']).describe('What is muted.'),
  fromMs: Ms.describe('From when on, in ms from the beginning of the test.'),
  toMs: Ms.optional().describe('Until when, in ms; to the end when left out.'),
});

/** Somebody in a session, and what they do. */
export const ParticipantConfig = z.strictObject({
  joinMs: Ms.default(0).describe('When they join, in ms from the beginning of the test.'),
  leaveMs: Ms.optional().describe('When they leave, in ms; never when left out.'),
  data: z.string().default('').describe('Metadata of their connection.'),
  audio: z
    .array(AudioPart)
    .optional()
    .describe('What they say; silence in between. They publish no audio when it is left out.'),
  video: z.array(VideoPart).optional().describe('What they show. They publish no video when it is left out.'),
  captions: z.array(CaptionsPart).default([]).describe('Captions that they send.'),
  muted: z.array(MutedTime).default([]).describe('When they are muted.'),
});
export type ParticipantConfig = z.output<typeof ParticipantConfig>;

const SessionScript = z.strictObject({
  participants: z
    .record(z.string().regex(/^[\w-]+$/, 'Invalid name: use letters, digits, _ and -'), ParticipantConfig)
    .default({})
    .describe('Who else is in the session, by name. The stream of `ann` has the id `ST_ann`.'),
  lostMs: Ms.optional().describe('When the session is lost, in ms from the beginning of the test.'),
});

/** What flows out of a source in place of what it would give itself. */
const InputScript = z.strictObject({
  audio: z.array(AudioPart).optional().describe('Sound, where the node has an output for it.'),
  video: z.array(VideoPart).optional().describe('Pictures, where the node has an output for them.'),
  texts: z.array(z.string()).optional().describe('Texts, where the node has an output for them.'),
});

const Environment = z.record(Name, z.string());

/** One test of a pipeline. */
export const TestCase = z
  .strictObject({
    environment: Environment.default({}).describe('Variables of this test, beside those of all.'),
    nodes: z
      .record(Name, z.record(Name, z.unknown()))
      .default({})
      .describe(
        'Options that nodes have in this test and not in the pipeline, by their ids: another program, for example. `null` takes one out.',
      ),
    inputs: z
      .record(Name, InputScript)
      .default({})
      .describe('What sources give instead of what they are written for, by the ids of their nodes.'),
    sessions: z
      .record(Name, SessionScript)
      .default({})
      .describe('What goes on in the sessions of the pipeline, by their ids. Nobody else is in one that is left out.'),
    stopMs: Ms.optional().describe('When the pipeline is told to stop, in ms; it ends by itself when left out.'),
    limitMs: Ms.default(600_000).describe('When it must have ended, in ms. Default: after ten minutes.'),
    expect: Expectations.describe('What must have come of it.'),
  })
  .refine(({ stopMs = 0, limitMs }) => stopMs <= limitMs, {
    message: 'Expected a time before `limitMs`, which is 600000 when left out',
    path: ['stopMs'],
  });
export type TestCase = z.output<typeof TestCase>;

/** A file of tests. */
export const TestFile = z.strictObject({
  pipeline: z
    .string()
    .min(1)
    .optional()
    .describe('The pipeline, relative to this file; the one beside it when left out (`x.yaml` of `x.test.yaml`).'),
  environment: Environment.default({}).describe(
    'Variables of all tests. Nothing else of the environment is seen, so that a test does the same everywhere.',
  ),
  tests: z
    .record(Name, TestCase)
    .refine((tests) => Object.keys(tests).length > 0, 'Too small: expected at least one test')
    .describe('Tests by name.'),
});
export type TestFile = z.output<typeof TestFile>;
