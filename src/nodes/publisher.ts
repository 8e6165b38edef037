import { z } from 'zod';
import { SAMPLE_RATES } from '../media/audio-data.js';
import { PUBLISHED_CODECS, VIDEO_CODECS } from '../media/encoded-chunk.js';
import { audioOptions, nearestIn, pictureOptions, type FormatPattern } from '../media/format.js';
import { defineNode, type NodeContext, type PortDef } from '../media/node.js';
import { expandName, type TemplateUse } from '../media/path-template.js';
import type { PublisherAccess, StreamInfo } from '../media/session-access.js';
import { MAX_PIXELS } from '../media/video-frame.js';

const Options = z
  .strictObject({
    session: z.string().min(1).describe('Id of the session; may be left out where the graph has one.'),
    name: z
      .string()
      .min(1)
      .optional()
      .describe(
        "Name of the stream; the participant's name when left out. `{name}`, `{participant}` and `{streamId}` stand for the stream of a branch.",
      )
      .meta({ template: 'name' satisfies TemplateUse }),
    audio: z.boolean().default(true).describe('Publish audio.'),
    video: z.boolean().default(false).describe('Publish video.'),
    captions: z
      .boolean()
      .default(false)
      .describe('Send captions beside it; audio need not be linked then, and is silence.'),
    sampleRate: z.literal(SAMPLE_RATES).default(48_000).describe('Samples per second and channel of raw audio, in Hz.'),
    channels: z.literal([1, 2]).default(2).describe('Channels of raw audio: 1 for mono, 2 for stereo.'),
    codec: z
      .enum(PUBLISHED_CODECS)
      .default('vp8')
      .describe(
        'Codec of the video that is sent; `source`: that of the first picture, before which there is no video (of raw ones, VP8).',
      ),
    width: z.int().min(1).max(MAX_PIXELS).default(640).describe('Width of raw pictures in pixels.'),
    height: z.int().min(1).max(MAX_PIXELS).default(480).describe('Height of raw pictures in pixels.'),
    fps: z
      .number()
      .min(1)
      .max(30)
      .optional()
      .describe('Raw pictures per second; where others come, a graph converts them. When left out, at most 30.'),
    simulcast: z
      .boolean()
      .default(true)
      .describe(
        'Send raw pictures of 640x360 and above in up to three sizes, so that each receiver gets what it bears.',
      ),
    muteWithSource: z
      .boolean()
      .default(false)
      .describe(
        'In the branch of a stream: mute what the participant there mutes or has not got, until they are heard or seen again.',
      ),
    bufferMs: z
      .number()
      .min(20)
      .max(60_000)
      .default(500)
      .describe('Media time that may wait to be sent, in ms; then the sender is held back.'),
  })
  .refine(({ audio, video }) => audio || video, {
    message: 'At least one of audio and video must be true',
    path: ['audio'],
  })
  .refine(({ width, height }) => width * height <= MAX_PIXELS, {
    message: 'Too big: at most 1920x1080 pixels in all',
    path: ['width'],
  });
type PublisherOptions = z.output<typeof Options>;

/**
 * Publishes audio, video or both as one stream of a session, raw or encoded, with or without captions; encoded media is sent as
 * it is. When a
 * receiver needs a key frame, a source that is piped in and has `requestKeyFrame()` is told. Ends when its inputs have
 * ended and everything has been sent. Errors: SLUICE_FORMAT_MISMATCH, SLUICE_PERMISSION_DENIED, SLUICE_PUBLISH_FAILED,
 * SLUICE_SESSION_CLOSED.
 */
export const publisher = defineNode({
  type: 'publisher',
  summary: 'Publishes audio and video in a session.',
  options: Options,
  inputs: portsOfPublisher,
  outputs: [],
  latency: ({ bufferMs }) => ({ live: true, minMs: 0, maxMs: bufferMs }),
  adapts: formatOptions,
  example: `sessions:
  room: { sessionId: demo }
nodes:
  beep: { type: tone, channels: 2 }
  bot:  { type: publisher, session: room, from: beep, name: Beeper }`,
  async create(options, context) {
    const { audio, video, sampleRate, channels, width, height, fps = 30 } = options;
    const name = options.name === undefined ? undefined : expandName(options.name, context.branch);
    const published = await context.session(options.session).publish({
      ...(name !== undefined && { name }),
      hasAudio: audio,
      hasVideo: video,
      enableCaptions: options.captions,
      audioFormat: { sampleRate, numberOfChannels: channels },
      videoFormat: { resolution: { width, height }, fps },
      videoCodec: options.codec,
      simulcast: options.simulcast,
      highWaterMarkMs: options.bufferMs,
    });
    if (options.muteWithSource) muteWithSource(published, context);
    // Its inputs are destroyed with the same error: there it is told.
    published.on('error', (error: Error) => {
      context.log.debug({ err: error }, 'the publisher failed');
    });
    return {
      input: (port: string) => published[port as 'audio' | 'video' | 'captions'],
      close: () =>
        new Promise<void>((resolve) => {
          if (published.closed) resolve();
          else published.once('close', resolve).destroy();
        }),
    };
  },
});

function muteWithSource(published: PublisherAccess, context: NodeContext): void {
  let [hasAudio, hasVideo] = [true, true];
  const turn = (stream: StreamInfo): void => {
    if (stream.hasAudio !== hasAudio) published.publishAudio((hasAudio = stream.hasAudio));
    if (stream.hasVideo !== hasVideo) published.publishVideo((hasVideo = stream.hasVideo));
  };
  context.onBranchUpdated?.(turn);
  if (context.branch) turn(context.branch);
}

function portsOfPublisher(options: PublisherOptions): readonly PortDef<'audio' | 'video' | 'captions'>[] {
  const { audio, video, sampleRate, channels, codec, width, height, fps } = options;
  const audioPort: PortDef<'audio'> = {
    name: 'audio',
    // Who has only words to say is silent.
    optional: options.captions,
    formats: [
      { kind: 'audio', sampleRate, numberOfChannels: channels },
      { kind: 'encoded-audio', codec: 'opus' },
    ],
  };
  const videoPort: PortDef<'video'> = {
    name: 'video',
    formats: [
      { kind: 'video', format: 'YUV420P', width, height, ...(fps !== undefined && { frameRate: fps }) },
      { kind: 'encoded-video', codec: codec === 'source' ? VIDEO_CODECS : codec },
    ],
  };
  const captionsPort: PortDef<'captions'> = { name: 'captions', formats: [{ kind: 'captions' }] };
  return [...(audio ? [audioPort] : []), ...(video ? [videoPort] : []), ...(options.captions ? [captionsPort] : [])];
}

function formatOptions(format: FormatPattern): Readonly<Record<string, unknown>> {
  const { width, height } = pictureOptions(format);
  const codec = format.kind === 'encoded-video' ? nearestIn(format.codec, undefined) : undefined;
  return {
    ...audioOptions(format),
    ...(width !== undefined && height !== undefined && { width, height }),
    ...(codec !== undefined && { codec }),
  };
}
