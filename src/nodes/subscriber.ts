import { Readable } from 'node:stream';
import { z } from 'zod';
import { SAMPLE_RATES } from '../media/audio-data.js';
import { SluiceError } from '../media/errors.js';
import { audioOptions } from '../media/format.js';
import { isKeyFrameSource } from '../media/key-frame-source.js';
import type { StreamValue } from '../media/media-value.js';
import { defineNode, type NodeContext, type NodePorts, type PortDef } from '../media/node.js';
import type { SessionAccess, StreamInfo, SubscriberAccess, SubscribeRequest } from '../media/session-access.js';
import { StreamFilter, fitsFilter } from '../media/stream-filter.js';
import { watchStreams } from '../media/watch-streams.js';

const Options = z
  .strictObject({
    session: z.string().min(1).describe('Id of the session; may be left out where the graph has one.'),
    media: z.enum(['audio', 'video', 'both']).default('both').describe('What is received.'),
    streams: z
      .string()
      .min(1)
      .default('each')
      .describe(
        '`each` makes a branch for every stream; `speaker` follows who speaks; anything else is the name of one stream.',
      ),
    only: StreamFilter.optional().describe(
      'With `each`: makes a branch only for streams that fit, by name or metadata (by kind: `media`); in the texts `*` stands for any characters.',
    ),
    once: z
      .boolean()
      .default(false)
      .describe('End with the stream that was followed first, instead of waiting for another; not with `each`.'),
    captions: z.boolean().default(false).describe('Receive captions as well.'),
    encoded: z.boolean().default(false).describe('Give encoded chunks as they came, without decoding.'),
    sampleRate: z
      .literal(SAMPLE_RATES)
      .default(48_000)
      .describe('Samples per second and channel of decoded audio, in Hz.'),
    channels: z.literal([1, 2]).default(2).describe('Channels of decoded audio: 1 for mono, 2 for stereo.'),
    maxLagMs: z
      .number()
      .min(20)
      .max(60_000)
      .default(1000)
      .describe('How far the reader may fall behind before the oldest is dropped, in ms.'),
  })
  .refine(({ streams, only }) => streams === 'each' || only === undefined, {
    message: 'Only `streams: each` can be filtered',
    path: ['only'],
  });
type SubscriberOptions = z.output<typeof Options>;
type Kind = 'audio' | 'video' | 'captions';

/**
 * Receives streams of other participants. `each`: one branch a stream, which ends with it; who fits `only` is seen when a stream comes
 * or changes. `speaker` and a name: one
 * stream at a time without an end, empty while there is none; video switches at the first picture of the new stream
 * that can be decoded. Only outputs that are linked are received. What the reader is too slow for is dropped, counted.
 */
export const subscriber = defineNode({
  type: 'subscriber',
  summary: 'Receives the streams of other participants in a session.',
  options: Options,
  inputs: [],
  outputs: outputsOf,
  latency: { live: true, minMs: 20, maxMs: 220 },
  adapts: (format) => ({ encoded: format.kind.startsWith('encoded-'), ...audioOptions(format) }),
  branches: (options) => options.streams === 'each',
  watch: (options, context, events) =>
    watchStreams(context.session(options.session), context, events, (stream) => isWanted(options, stream)),
  example: `sessions:
  room: { sessionId: demo }
nodes:
  voices: { type: subscriber, session: room, media: audio, streams: each }
  files:  { type: wav, from: voices, path: "out/{streamId}.wav" }`,
  create: (options, context) =>
    options.streams === 'each' ? createBranch(options, context) : createFollower(options, context),
});

function isWanted({ media, only = {} }: SubscriberOptions, stream: StreamInfo): boolean {
  const hasMedia = media === 'both' || (media === 'audio' ? stream.hasAudio : stream.hasVideo);
  return hasMedia && fitsFilter(only, stream);
}

function outputsOf({ media, captions, encoded, sampleRate, channels }: SubscriberOptions): readonly PortDef<Kind>[] {
  const audio: PortDef<Kind> = {
    name: 'audio',
    optional: true,
    formats: [
      encoded ? { kind: 'encoded-audio', codec: 'opus' } : { kind: 'audio', sampleRate, numberOfChannels: channels },
    ],
  };
  const video: PortDef<Kind> = {
    name: 'video',
    optional: true,
    formats: [encoded ? { kind: 'encoded-video' } : { kind: 'video', format: 'YUV420P' }],
  };
  const text: PortDef<Kind> = { name: 'captions', optional: true, formats: [{ kind: 'captions' }] };
  return [...(media === 'video' ? [] : [audio]), ...(media === 'audio' ? [] : [video]), ...(captions ? [text] : [])];
}

/** Captions come with a subscription to the rest; what is not read costs nothing. */
function requestOf(options: SubscriberOptions, kind: Kind | 'both'): SubscribeRequest {
  return {
    subscribeToAudio: kind !== 'video',
    subscribeToVideo: kind !== 'audio',
    subscribeToCaptions: options.captions,
    encoded: options.encoded,
    audioFormat: { sampleRate: options.sampleRate, numberOfChannels: options.channels },
    maxLagMs: options.maxLagMs,
  };
}

async function createBranch(options: SubscriberOptions, context: NodeContext): Promise<NodePorts> {
  const { branch } = context;
  if (!branch) throw new SluiceError('SLUICE_INTERNAL', 'a subscriber of each stream was made without its stream');
  const received = await subscribe(
    context.session(options.session),
    branch,
    requestOf(options, options.media),
    context,
  );
  if (!received) return { output: () => Readable.from([]) };
  return {
    output: (port) => received[port as Kind],
    close: () => void received.destroy(),
  };
}

/** A stream that has gone meanwhile is no error: undefined. */
async function subscribe(
  session: SessionAccess,
  stream: StreamInfo,
  request: SubscribeRequest,
  context: NodeContext,
): Promise<SubscriberAccess | undefined> {
  try {
    const received = await session.subscribe(stream, request);
    received.on('overflow', ({ values }: { readonly values: number }) => {
      context.dropped('reader too slow', values);
    });
    return received;
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'SLUICE_STREAM_UNKNOWN') return undefined;
    throw error;
  }
}

function createFollower(options: SubscriberOptions, context: NodeContext): NodePorts {
  return { output: (port) => new FollowedStream(options, context, port as Kind) };
}

/** One kind of media of the stream that is followed now. Timestamps never go back, whichever stream they are from. */
class FollowedStream extends Readable {
  readonly #options: SubscriberOptions;
  readonly #context: NodeContext;
  readonly #session: SessionAccess;
  readonly #kind: Kind;
  /** Where values come from now, and where they will come from after its first picture. */
  #source: Source | undefined;
  #next: Source | undefined;
  #started = false;
  #lastTimestamp = -Infinity;

  constructor(options: SubscriberOptions, context: NodeContext, kind: Kind) {
    super({ objectMode: true, highWaterMark: 2 });
    this.#options = options;
    this.#context = context;
    this.#session = context.session(options.session);
    this.#kind = kind;
  }

  /** Asks the stream that is followed for a picture that can be decoded on its own. */
  requestKeyFrame(): void {
    (this.#next ?? this.#source)?.requestKeyFrame();
  }

  override _read(): void {
    if (!this.#started) {
      this.#started = true;
      for (const event of ['speakerChanged', 'streamReceived', 'streamUpdated', 'streamDropped'])
        this.#listen(event, this.#choose);
      this.#listen('disconnected', this.#finish);
      this.#choose();
    }
    this.#source?.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    for (const event of ['speakerChanged', 'streamReceived', 'streamUpdated', 'streamDropped'])
      this.#session.off(event, this.#choose);
    this.#session.off('disconnected', this.#finish);
    this.#source?.close();
    this.#next?.close();
    done(error);
  }

  #listen(event: string, listener: () => void): void {
    this.#session.on(event as 'disconnected', listener);
  }

  readonly #finish = (): void => {
    if (!this.destroyed) this.push(null);
  };

  readonly #choose = (): void => {
    const wanted = this.#pick();
    if (!wanted || wanted.streamId === (this.#next ?? this.#source)?.streamId) return;
    this.#next?.close();
    this.#next = undefined;
    if (wanted.streamId === this.#source?.streamId) return;
    this.#next = new Source(this.#session, wanted, this.#context, {
      kind: this.#kind,
      request: requestOf(this.#options, this.#kind),
      value: this.#take,
      ended: this.#ended,
    });
  };

  #pick(): StreamInfo | undefined {
    const usable = [...this.#session.streams.values()].filter((stream) =>
      this.#kind === 'captions' ? true : this.#kind === 'audio' ? stream.hasAudio : stream.hasVideo,
    );
    const { streams } = this.#options;
    const speaker = this.#session.currentSpeaker;
    const current = usable.find(({ streamId }) => streamId === (this.#next ?? this.#source)?.streamId);
    if (streams !== 'speaker') return current ?? usable.find(({ name }) => name === streams);
    return usable.find(({ streamId }) => streamId === speaker?.streamId) ?? current ?? usable[0];
  }

  readonly #take = (from: Source, value: StreamValue): void => {
    if (from === this.#next) {
      if (value.kind === 'encoded-video' && value.type !== 'key') {
        this.#context.dropped('waiting for a key frame');
        return;
      }
      this.#source?.close();
      this.#source = from;
      this.#next = undefined;
      if (value.kind !== 'captions') from.shiftUs = Math.max(0, this.#lastTimestamp - value.timestamp);
    }
    if (from !== this.#source) return;
    if (value.kind === 'captions') {
      if (!this.push(value)) from.pause();
      return;
    }
    const timestamp = value.timestamp + from.shiftUs;
    this.#lastTimestamp = timestamp;
    if (!this.push(from.shiftUs === 0 ? value : { ...value, timestamp })) from.pause();
  };

  readonly #ended = (source: Source): void => {
    const wasFollowed = source === this.#source;
    if (wasFollowed) this.#source = undefined;
    if (source === this.#next) this.#next = undefined;
    if (wasFollowed && this.#options.once) {
      this.#finish();
      return;
    }
    if (!this.destroyed && !this.readableEnded) this.#choose();
  };
}

interface SourceOptions {
  readonly kind: Kind;
  readonly request: SubscribeRequest;
  value(source: Source, value: StreamValue): void;
  ended(source: Source): void;
}

/** One stream that is read for as long as it is followed. */
class Source {
  readonly streamId: string;
  /** Added to its timestamps. */
  shiftUs = 0;
  #received: SubscriberAccess | undefined;
  /** What is read of it. */
  #part: Readable | undefined;
  #closed = false;

  constructor(session: SessionAccess, stream: StreamInfo, context: NodeContext, options: SourceOptions) {
    this.streamId = stream.streamId;
    subscribe(session, stream, options.request, context).then(
      (received) => {
        if (received) this.#start(received, context, options);
        else options.ended(this);
      },
      (error: unknown) => {
        context.log.warn({ err: error, streamId: stream.streamId }, 'cannot subscribe');
      },
    );
  }

  resume(): void {
    this.#part?.resume();
  }

  pause(): void {
    this.#part?.pause();
  }

  requestKeyFrame(): void {
    const part = this.#part;
    if (part && isKeyFrameSource(part)) part.requestKeyFrame();
  }

  close(): void {
    this.#closed = true;
    this.#received?.destroy();
  }

  #start(received: SubscriberAccess, context: NodeContext, options: SourceOptions): void {
    this.#received = received;
    if (this.#closed) {
      received.destroy();
      return;
    }
    const part = (this.#part = received[options.kind]);
    part.on('error', (error: Error) => {
      context.log.warn({ err: error, streamId: this.streamId }, 'a stream failed');
    });
    part.on('close', () => {
      if (!this.#closed) options.ended(this);
    });
    part.on('data', (value: StreamValue) => {
      options.value(this, value);
    });
    if (options.request.encoded === true && options.request.subscribeToVideo === true) this.requestKeyFrame();
  }
}
