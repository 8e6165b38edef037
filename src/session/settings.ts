import { z } from 'zod';
import { SAMPLE_RATES } from '../media/audio-data.js';
import { PUBLISHED_CODECS } from '../media/encoded-chunk.js';
import { SluiceError } from '../media/errors.js';
import { MAX_PIXELS, PIXEL_FORMATS } from '../media/video-frame.js';
import { settingsProblem } from './settings-problem.js';

const LOG_LEVELS = ['ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE'] as const;

const FPS_RANGE = 'Expected a number from 1 to 30';
const fps = z.number(FPS_RANGE).min(1, FPS_RANGE).max(30, FPS_RANGE);
/** What is told of a picture that is too large. */
export const TOO_MANY_PIXELS = `Too big: expected at most ${MAX_PIXELS} pixels in all (1920x1080)`;
const SIDE_RANGE = 'Expected a whole number of pixels from 1 on';
const side = z.int(SIDE_RANGE).min(1, SIDE_RANGE);

/** Width and height in pixels, at most 1920 x 1080 pixels in all, in any shape. */
export const VideoResolution = z
  .strictObject({
    width: side.describe('Pixels.'),
    height: side.describe('Pixels.'),
  })
  .refine(({ width, height }) => width * height <= MAX_PIXELS, TOO_MANY_PIXELS);

/** Format of raw audio that is published or received. */
export const SessionAudioSettings = z.strictObject({
  sampleRate: z.literal(SAMPLE_RATES).default(48_000).describe('Hz.'),
  numberOfChannels: z.literal([1, 2]).default(2).describe('1 for mono, 2 for stereo.'),
});

/** Format of the mix of all audio. `ptimeMs` is an addition to the connector's settings. */
export const SessionAudioMixSettings = SessionAudioSettings.extend({
  ptimeMs: z.literal([10, 20]).default(20).describe('Length of the chunks, in ms: 10 or 20.'),
});

/** Format of raw video that is published. */
export const SessionVideoPublisherSettings = z.strictObject({
  resolution: VideoResolution.default({ width: 640, height: 480 }).describe('Size of every picture.'),
  fps: fps.default(30).describe('Frames per second, 1 to 30.'),
  format: eitherCase(PIXEL_FORMATS).default('YUV420P').describe('Layout of the pixels.'),
});

export const SessionAVSettings = z.strictObject({
  audioPublisher: withDefaults(SessionAudioSettings).describe('Raw audio that publishers take.'),
  audioSubscribersMix: withDefaults(SessionAudioMixSettings).describe('Raw audio of the mix and of subscribers.'),
  videoPublisher: withDefaults(SessionVideoPublisherSettings).describe('Raw video that publishers take.'),
});

export const LoggingSettings = z.strictObject({
  level: eitherCase(LOG_LEVELS).default('WARN').describe('The least severe that is written.'),
});

/** How a session is set up. Unknown keys are refused. */
export const SessionSettings = z.strictObject({
  enableMigration: z
    .boolean()
    .default(false)
    .describe('Go to another server when this one shuts down or is lost; the streams of the session see a gap.'),
  av: withDefaults(SessionAVSettings),
  logging: withDefaults(LoggingSettings),
});

export const PublisherAudioSettings = z.strictObject({
  enableStereoMode: z.boolean().default(true).describe('Send two channels.'),
  enableOpusDtx: z.boolean().default(false).describe('Send nothing while there is silence.'),
});

/** How a stream is published. `audioFormat` to `silenceToleranceMs` are additions to the connector's settings. */
export const PublisherSettings = z
  .strictObject({
    name: z
      .string()
      .min(1, 'Expected at least one character')
      .optional()
      .describe("Name of the stream; the participant's when left out."),
    hasAudio: z.boolean().default(true),
    hasVideo: z.boolean().default(true),
    enableCaptions: z.boolean().default(false).describe('Captions may be written; others get them beside the stream.'),
    audioSettings: withDefaults(PublisherAudioSettings),
    audioFormat: SessionAudioSettings.optional().describe(
      'Raw audio of this publisher, where it is not that of the session.',
    ),
    videoFormat: SessionVideoPublisherSettings.optional().describe(
      'Raw video of this publisher, where it is not that of the session.',
    ),
    videoCodec: eitherCase(PUBLISHED_CODECS, 'lower')
      .default('vp8')
      .describe(
        'What raw pictures are encoded to, and encoded ones must be; `source`: that of the first picture, before which there is no video.',
      ),
    simulcast: z
      .boolean()
      .default(true)
      .describe('Raw pictures of 640x360 and above go out in up to three sizes; those that nobody takes cost nothing.'),
    highWaterMarkMs: z
      .number()
      .min(20)
      .max(60_000)
      .default(500)
      .describe('Media time that may wait to be sent, of audio and video each, in ms.'),
    silenceToleranceMs: z
      .number()
      .min(0)
      .max(10_000)
      .default(200)
      .describe('How long nothing is sent after audio stops, before silence is, in ms.'),
  })
  .refine(
    ({ hasAudio, hasVideo }) => hasAudio || hasVideo,
    'Expected at least one of hasAudio and hasVideo to be true',
  );

export const SubscriberVideoSettings = z.strictObject({
  preferredResolution: VideoResolution.optional().describe(
    'Of a simulcast stream the layer nearest to it is received.',
  ),
  preferredFramerate: fps
    .optional()
    .describe(
      'Frames per second that are wanted, 1 to 30: of pictures in temporal layers, half or a quarter can be had.',
    ),
});

/** How a stream is read. `encoded` to `maxLagMs` are additions to the connector's settings. */
export const SubscriberSettings = z
  .strictObject({
    subscribeToAudio: z.boolean().default(true),
    subscribeToVideo: z.boolean().default(true),
    subscribeToCaptions: z.boolean().default(false),
    videoSettings: withDefaults(SubscriberVideoSettings),
    encoded: z.boolean().default(false).describe('Encoded chunks as they came, without decoding.'),
    audioFormat: SessionAudioSettings.optional().describe(
      "Decoded audio, where it is not the session's audioSubscribersMix.",
    ),
    pixelFormat: eitherCase(PIXEL_FORMATS).default('YUV420P').describe('Layout of decoded pictures.'),
    maxResolution: VideoResolution.optional().describe(
      'Decoded pictures are made smaller to fit into it, keeping their shape; where nothing else is preferred, the layer nearest to it is received.',
    ),
    maxLagMs: z
      .number()
      .min(20)
      .max(60_000)
      .default(1000)
      .describe('How far a reader may fall behind before the oldest is dropped, in ms.'),
  })
  .refine(
    ({ subscribeToAudio, subscribeToVideo }) => subscribeToAudio || subscribeToVideo,
    'Expected at least one of subscribeToAudio and subscribeToVideo to be true',
  );

/** Settings as they are written: everything may be left out. */
export type VideoResolution = z.input<typeof VideoResolution>;
export type SessionAudioSettings = z.input<typeof SessionAudioSettings>;
export type SessionAudioMixSettings = z.input<typeof SessionAudioMixSettings>;
export type SessionVideoPublisherSettings = z.input<typeof SessionVideoPublisherSettings>;
export type SessionSettings = z.input<typeof SessionSettings>;
export type PublisherSettings = z.input<typeof PublisherSettings>;
export type SubscriberVideoSettings = z.input<typeof SubscriberVideoSettings>;
export type SubscriberSettings = z.input<typeof SubscriberSettings>;

/** Settings with every default filled in. */
export type ResolvedSessionSettings = z.output<typeof SessionSettings>;
export type ResolvedPublisherSettings = z.output<typeof PublisherSettings>;
export type ResolvedSubscriberSettings = z.output<typeof SubscriberSettings>;
export type AudioFormat = z.output<typeof SessionAudioSettings>;
export type MixFormat = z.output<typeof SessionAudioMixSettings>;
export type VideoFormat = z.output<typeof SessionVideoPublisherSettings>;

/**
 * Checks settings and fills in defaults. The message names the path (`what` begins it), what was found and what is allowed.
 * Errors: SLUICE_CONFIG_INVALID.
 */
export function parseSettings<S extends z.ZodType>(schema: S, settings: unknown, what: string): z.output<S> {
  const result = schema.safeParse(settings);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const message = issue ? settingsProblem(schema, settings, issue, what) : `${what}: not allowed`;
  throw new SluiceError('SLUICE_CONFIG_INVALID', message, { cause: result.error });
}

/** An object that may be left out, with the defaults of its fields. */
function withDefaults<S extends z.ZodType>(schema: S): z.ZodPrefault<S> {
  return schema.prefault({} as z.input<S>);
}

/** One of a few words, written in upper or lower case; comes out in the case of the list. */
function eitherCase<const T extends string>(values: readonly T[], to: 'upper' | 'lower' = 'upper'): EitherCase<T> {
  const word = to === 'upper' ? z.string().toUpperCase() : z.string().toLowerCase();
  return word.pipe(z.enum(values)) as unknown as EitherCase<T>;
}

type EitherCase<T extends string> = z.ZodType<T, T | Lowercase<T> | Uppercase<T>>;
