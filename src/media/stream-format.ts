import { z } from 'zod';
import { SAMPLE_RATES, checkAudioData } from './audio-data.js';
import { VIDEO_CODECS } from './encoded-chunk.js';
import { SluiceError } from './errors.js';
import { describeFormat, fits, type FormatPattern } from './format.js';
import { isMedia, type PipelineValue } from './media-value.js';
import { checkWords } from './words-check.js';
import { PIXEL_FORMATS, checkVideoFrame } from './video-frame.js';

const MEDIA = ['audio', 'video', 'encoded-audio', 'encoded-video'] as const;

/** What a program may give to a graph: media and words. */
export const STREAM_KINDS = [...MEDIA, 'captions', 'text', 'transcript', 'voice-activity'] as const;
type StreamKind = (typeof STREAM_KINDS)[number];

/** Which options belong to which kind of media. */
const FIELDS: Readonly<Record<StreamKind, readonly string[]>> = {
  audio: ['sampleRate', 'channels'],
  video: ['format', 'width', 'height', 'frameRate'],
  'encoded-audio': [],
  'encoded-video': ['codec'],
  captions: [],
  text: [],
  transcript: [],
  'voice-activity': [],
};

/** Options that say the format of a stream that a program and a graph share. */
export const formatShape = {
  media: z.enum(MEDIA).describe('Kind of media: `audio`, `video`, `encoded-audio` (Opus) or `encoded-video`.'),
  sampleRate: z.literal(SAMPLE_RATES).optional().describe('Of audio: samples per second and channel, in Hz.'),
  channels: z.literal([1, 2]).optional().describe('Of audio: 1 for mono, 2 for stereo.'),
  format: z
    .enum(PIXEL_FORMATS)
    .optional()
    .describe('Of video: pixel format YUV420P, RGB24 (B,G,R) or ARGB32 (B,G,R,A).'),
  width: z.int().min(2).max(1920).optional().describe('Of video: width in pixels.'),
  height: z.int().min(2).max(1920).optional().describe('Of video: height in pixels.'),
  frameRate: z.number().min(1).max(60).optional().describe('Of video: pictures per second.'),
  codec: z.enum(VIDEO_CODECS).optional().describe('Of encoded-video: its codec.'),
};

export interface FormatChoice {
  readonly media?: StreamKind | undefined;
  readonly sampleRate?: number | undefined;
  readonly channels?: number | undefined;
  readonly format?: (typeof PIXEL_FORMATS)[number] | undefined;
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly frameRate?: number | undefined;
  readonly codec?: (typeof VIDEO_CODECS)[number] | undefined;
}

/** The option that does not belong to the kind of media, where there is one. Pure. */
export function strayOption(choice: FormatChoice): string | undefined {
  const own = choice.media === undefined ? [] : FIELDS[choice.media];
  return Object.values(FIELDS)
    .flat()
    .find((name) => !own.includes(name) && choice[name as keyof FormatChoice] !== undefined);
}

/** The format that options stand for; what they leave out is left open. Pure. */
export function chosenFormat(media: StreamKind, choice: FormatChoice): FormatPattern {
  const { sampleRate, channels, format, width, height, frameRate, codec } = choice;
  switch (media) {
    case 'audio':
      return {
        kind: 'audio',
        ...(sampleRate !== undefined && { sampleRate }),
        ...(channels !== undefined && { numberOfChannels: channels }),
      };
    case 'video':
      return {
        kind: 'video',
        ...(format !== undefined && { format }),
        ...(width !== undefined && { width }),
        ...(height !== undefined && { height }),
        ...(frameRate !== undefined && { frameRate }),
      };
    case 'encoded-audio':
      return { kind: 'encoded-audio', codec: 'opus' };
    case 'encoded-video':
      return { kind: 'encoded-video', ...(codec !== undefined && { codec }) };
    default:
      return { kind: media };
  }
}

/** Refuses a value that does not have the format. Errors: SLUICE_FORMAT_MISMATCH. */
export function checkValue(value: PipelineValue, format: FormatPattern): void {
  const came = typeof value === 'object' ? formatOf(value) : undefined;
  if (!came || !fits(came, { ...format, ...(format.kind === 'video' && { frameRate: undefined }) } as FormatPattern)) {
    throw new SluiceError('SLUICE_FORMAT_MISMATCH', 'what came in does not have the format that was announced', {
      found: came ? describeFormat(came) : typeof value,
      expected: describeFormat(format),
      mend: 'Convert it before, or announce the format that it has.',
    });
  }
  if (value.kind === 'audio') checkAudioData(value);
  else if (value.kind === 'video') checkVideoFrame(value);
  else if (!isMedia(value)) checkWords(value);
}

/** The format that a value has; undefined for what a program does not give to a graph. Pure. */
export function formatOf(value: PipelineValue): FormatPattern | undefined {
  switch (value.kind) {
    case 'audio':
      return { kind: 'audio', sampleRate: value.sampleRate, numberOfChannels: value.numberOfChannels };
    case 'video':
      return { kind: 'video', format: value.format, width: value.width, height: value.height };
    case 'encoded-audio':
      return { kind: 'encoded-audio', codec: value.codec };
    case 'encoded-video':
      return { kind: 'encoded-video', codec: value.codec };
    case 'captions':
    case 'text':
    case 'transcript':
    case 'voice-activity':
      return { kind: value.kind };
    default:
      return undefined;
  }
}
