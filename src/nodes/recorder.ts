import { stat, unlink } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Writable } from 'node:stream';
import { z } from 'zod';
import { InStep } from '../codecs/in-step.js';
import type { MuxerOptions } from '../codecs/muxer.js';
import { openNodeFile } from '../codecs/node-file.js';
import { pictureSize } from '../codecs/picture-size.js';
import { RecorderInput } from '../codecs/recorder-input.js';
import { SegmentedRecording, tracksOf } from '../codecs/segmented-recording.js';
import type { ClockTimer } from '../media/clock.js';
import type { EncodedAudioChunk, EncodedVideoChunk, VideoCodec } from '../media/encoded-chunk.js';
import { SluiceError } from '../media/errors.js';
import { durationUs } from '../media/media-value.js';
import { defineNode, type NodeContext, type NodePorts, type PortDef } from '../media/node.js';
import { hasSegments, type TemplateUse } from '../media/path-template.js';

type Container = MuxerOptions['container'];

/** What kind of file a name stands for, and the video that it takes. */
const CONTAINERS: ReadonlyMap<string, { readonly container: Container; readonly codec?: VideoCodec }> = new Map([
  ['.webm', { container: 'webm', codec: 'vp8' }],
  ['.mp4', { container: 'mp4', codec: 'h264' }],
  ['.ogg', { container: 'ogg' }],
]);

const Options = z
  .strictObject({
    path: z
      .string()
      .min(1)
      .refine((path) => containerOf(path) !== undefined, { message: 'Must end in .webm, .mp4 or .ogg' })
      .meta({ examples: ['out/{name}.webm'], template: 'segments' satisfies TemplateUse })
      .describe(
        'File to write, relative to the pipeline file: .webm for Opus and VP8, .mp4 for Opus and H.264, .ogg for Opus. `{streamId}`, `{name}` and `{participant}` stand for the stream of a branch and who publishes it, `{segment}` for the number of the file.',
      ),
    segmentMs: z
      .int()
      .min(500)
      .max(86_400_000)
      .optional()
      .describe(
        'Begin another file after so much time, in ms, at the next key frame; `path` then has `{segment}`. When left out, one file.',
      ),
    alignStart: z
      .boolean()
      .default(true)
      .describe(
        'Begin the file where both audio and video have begun, and leave out what comes before; `false` keeps it.',
      ),
    waitMs: z
      .int()
      .min(0)
      .max(30_000)
      .default(3000)
      .describe('How long the first of audio and video waits for the other before the file begins without it, in ms.'),
  })
  .refine(({ path, segmentMs }) => segmentMs === undefined || hasSegments(path), {
    path: ['segmentMs'],
    message: 'The path must have {segment} in it, or each file would take the place of the one before',
  });
type RecorderOptions = z.output<typeof Options>;
type Kind = 'audio' | 'video';
type Chunk = EncodedAudioChunk | EncodedVideoChunk;

/** How long a disk may be busy before live media is lost, in ms. */
const SLOW_DISK_MS = 5000;

/** Chunks that may be on their way to the disk; then writers are held back. */
const MAX_PENDING = 64;

/**
 * Stores encoded audio and video in a file, as they are: nothing is encoded again. Timestamps place what is written,
 * so that both stay in step, and gaps stay gaps. Video begins with a key frame. What has no track in the file, because
 * it came after `waitMs`, is dropped, counted. In a branch, and when the node is made anew after a failure, an existing file is
 * kept and a number added to the name; when nothing came, there is no file. Media that comes faster than real time is held back so that
 * audio and video stay within a second of each other. A process that is killed leaves files that can be read, but for about the last second.
 *
 * With `{segment}` in its name a file is followed by another after `segmentMs`, and where pictures change their size; each begins
 * with a key frame, which is asked for, and plays by itself. Without, WebM goes on with pictures of another size, as VP8 can; an MP4
 * cannot, and is followed by another whose name has a number.
 *
 * Errors: SLUICE_CONFIG_INVALID (path; codec that the file cannot hold), SLUICE_FORMAT_MISMATCH (another codec on the way),
 * SLUICE_FILE_WRITE.
 */
export const recorder = defineNode({
  type: 'recorder',
  summary: 'Writes encoded audio and video to a WebM, MP4 or Ogg file, without encoding again.',
  options: Options,
  inputs: inputsOf,
  outputs: [],
  example: `nodes:
  beep: { type: tone, durationMs: 1000, live: false }
  opus: { type: opus-encoder, from: beep }
  file: { type: recorder, from: opus, path: out/beep.webm }`,
  async create(options, context) {
    // Taken now, so that two streams of one name do not share a file and a bad path is told at once.
    return new Recorder(await claimFile(options, context, 1), options, context);
  },
});

/** The path of file `number`, which then exists. Errors: SLUICE_CONFIG_INVALID, SLUICE_FILE_WRITE. */
async function claimFile({ path }: RecorderOptions, context: NodeContext, number: number): Promise<string> {
  const keep = number > 1 && !hasSegments(path);
  const claimed = await openNodeFile(path, context, { segment: number, keep });
  await claimed.handle.close();
  return claimed.path;
}

function containerOf(path: string): { readonly container: Container; readonly codec?: VideoCodec } | undefined {
  return CONTAINERS.get(extname(path).toLowerCase());
}

function inputsOf({ path, waitMs }: RecorderOptions): readonly PortDef<Kind>[] {
  const codec = containerOf(path)?.codec;
  const queueMs = waitMs + SLOW_DISK_MS;
  return [
    { name: 'audio', optional: true, formats: [{ kind: 'encoded-audio', codec: 'opus' }], queueMs },
    ...(codec
      ? [{ name: 'video', optional: true, formats: [{ kind: 'encoded-video', codec }], queueMs } as const]
      : []),
  ];
}

class Recorder implements NodePorts {
  readonly #path: string;
  readonly #options: RecorderOptions;
  readonly #context: NodeContext;
  #audio: RecorderInput<EncodedAudioChunk> | undefined;
  #video: RecorderInput<EncodedVideoChunk> | undefined;
  #recording: SegmentedRecording | undefined;
  /** What the files have tracks for, once the first has begun. */
  #tracks: Pick<MuxerOptions, 'audio' | 'video'> = {};
  #hasKeyFrame = false;
  /** Sound that ends before is left out. It may come after the picture: it waits for jitter, the picture does not. */
  #soundFromUs = -Infinity;
  /** Runs while the first of audio and video waits for the other. */
  #patience: ClockTimer | undefined;
  #isPatient = true;
  /** Settles when the file has begun. */
  readonly #begun: Promise<void>;
  #begin!: (opening: Promise<void>) => void;
  #starting: Promise<void> | undefined;
  #finishing: Promise<void> | undefined;
  readonly #inStep: InStep<Kind>;

  constructor(path: string, options: RecorderOptions, context: NodeContext) {
    this.#path = path;
    this.#options = options;
    this.#context = context;
    this.#inStep = new InStep(context.clock);
    this.#begun = new Promise((resolve) => {
      this.#begin = resolve;
    });
    this.#begun.catch(() => undefined);
  }

  input(port: string): Writable {
    if (port === 'audio') {
      return (this.#audio = new RecorderInput({
        take: (chunk) => this.#takeAudio(chunk),
        over: () => this.#over('audio'),
        ended: () => this.#ended(),
      }));
    }
    return (this.#video = new RecorderInput({
      take: (chunk) => this.#takeVideo(chunk),
      over: () => this.#over('video'),
      ended: () => this.#ended(),
    }));
  }

  async close(): Promise<void> {
    await this.#finish();
  }

  /** A promise where the writer has to wait. */
  #takeAudio(chunk: EncodedAudioChunk): Promise<void> | undefined {
    if (this.#recording) return this.#put(this.#recording, chunk) ?? this.#inStep.hold('audio');
    this.#audio?.waiting.push(chunk);
    return this.#startIfReady();
  }

  #takeVideo(chunk: EncodedVideoChunk): Promise<void> | undefined {
    if (this.#recording) return this.#put(this.#recording, chunk) ?? this.#inStep.hold('video');
    // Nothing before it could be shown, and the file needs its size.
    if (!this.#hasKeyFrame && !pictureSize(chunk)) {
      this.#context.dropped('before the first key frame');
      return undefined;
    }
    this.#hasKeyFrame = true;
    this.#video?.waiting.push(chunk);
    return this.#startIfReady();
  }

  #startIfReady(): Promise<void> | undefined {
    if (this.#starting || this.#isComplete()) return this.#start();
    this.#patience ??= this.#context.clock.after(this.#options.waitMs, () => {
      this.#isPatient = false;
      if (this.#hasWaited()) void this.#start().catch(() => undefined);
    });
    if (!this.#hasWaited()) return undefined;
    // Of media there is enough, but it may come faster than the clock goes: its writer is held back meanwhile.
    return this.#isPatient ? this.#begun : this.#start();
  }

  /** Everything that is linked has begun, or will not come. */
  #isComplete(): boolean {
    const { branch } = this.#context;
    const audioMissing = this.#audio && !this.#audio.over && this.#audio.waiting.length === 0;
    const videoMissing = this.#video && !this.#video.over && this.#video.waiting.length === 0;
    return !(audioMissing && branch?.hasAudio !== false) && !(videoMissing && branch?.hasVideo !== false);
  }

  #hasWaited(): boolean {
    return Math.max(spanUs(this.#audio?.waiting), spanUs(this.#video?.waiting)) >= this.#options.waitMs * 1000;
  }

  #start(): Promise<void> {
    if (!this.#starting) {
      this.#patience?.cancel();
      this.#starting = this.#open();
      this.#begin(this.#starting);
    }
    return this.#starting;
  }

  async #open(): Promise<void> {
    const audio = this.#audio?.waiting ?? [];
    const video = this.#video?.waiting ?? [];
    if (audio.length === 0 && video.length === 0) return;
    if (this.#options.alignStart) this.#alignStart(audio, video);
    this.#tracks = tracksOf(audio, video[0]);
    const recording = this.#newRecording();
    await recording.opened;
    try {
      for (let waiting = this.#takeWaiting(); waiting.length > 0; waiting = this.#takeWaiting()) {
        for (const chunk of waiting) await this.#put(recording, chunk);
      }
    } catch (error) {
      await recording.close().catch(() => undefined);
      throw error;
    }
    this.#recording = recording;
    for (const [kind, input] of [
      ['audio', this.#audio],
      ['video', this.#video],
    ] as const) {
      if (input?.over !== false) recording.end(kind);
    }
  }

  #newRecording(): SegmentedRecording {
    const { path, segmentMs = Infinity } = this.#options;
    const container = containerOf(path)?.container ?? 'webm';
    return new SegmentedRecording({
      container,
      ...this.#tracks,
      segmentUs: segmentMs * 1000,
      splitAtSize: hasSegments(path) || container === 'mp4',
      path: async (number) => (number === 1 ? this.#path : claimFile(this.#options, this.#context, number)),
      wantKeyFrame: () => this.#video?.askKeyFrame(),
      wrote: (written) => {
        this.#context.log.info({ path: written }, 'wrote');
      },
    });
  }

  /** Lets go of pictures from before the sound, as far as a later key frame allows, and of sound from before the pictures. */
  #alignStart(audio: EncodedAudioChunk[], video: EncodedVideoChunk[]): void {
    const [sound] = audio;
    if (!sound || video.length === 0) return;
    let key = 0;
    video.forEach((chunk, index) => {
      if (chunk.timestamp <= sound.timestamp && pictureSize(chunk)) key = index;
    });
    if (key > 0) this.#context.dropped('before the first sound', key);
    video.splice(0, key);
    const startUs = video[0]?.timestamp ?? 0;
    // Sound that ended before the pictures came is all there will be of it.
    const isAllSound = this.#audio?.over === true && audio.every((chunk) => endUs(chunk) <= startUs);
    if (!isAllSound) this.#soundFromUs = startUs;
  }

  #takeWaiting(): Chunk[] {
    const waiting: Chunk[] = [...(this.#audio?.waiting.splice(0) ?? []), ...(this.#video?.waiting.splice(0) ?? [])];
    return waiting.sort((a, b) => a.timestamp - b.timestamp);
  }

  #put(recording: SegmentedRecording, chunk: Chunk): Promise<void> | undefined {
    const { audio, video } = this.#tracks;
    if (chunk.kind === 'encoded-video' && video && chunk.codec !== video.codec) {
      throw new SluiceError(
        'SLUICE_FORMAT_MISMATCH',
        `${this.#path} holds ${video.codec}, and ${chunk.codec} came on the way`,
        {
          found: chunk.codec,
          expected: video.codec,
          mend: 'Put a video-decoder and a video-encoder in front of it.',
        },
      );
    }
    if (chunk.kind === 'encoded-audio' ? !audio : !video) {
      this.#context.dropped(chunk.kind === 'encoded-audio' ? NO_AUDIO_TRACK : NO_VIDEO_TRACK);
      return undefined;
    }
    if (chunk.kind === 'encoded-audio' && endUs(chunk) <= this.#soundFromUs) {
      this.#context.dropped('before the first picture');
      return undefined;
    }
    this.#inStep.note(chunk.kind === 'encoded-audio' ? 'audio' : 'video', chunk.timestamp);
    recording.write(chunk);
    return recording.pending >= MAX_PENDING ? recording.drained() : undefined;
  }

  #over(kind: Kind): void {
    this.#inStep.end(kind);
    this.#recording?.end(kind);
    if (this.#patience && !this.#starting && this.#isComplete()) void this.#start().catch(() => undefined);
  }

  async #ended(): Promise<void> {
    if (!this.#recording && this.#isComplete()) await this.#start();
    if (this.#audio?.over !== false && this.#video?.over !== false) await this.#finish();
  }

  #finish(): Promise<void> {
    this.#finishing ??= this.#complete();
    return this.#finishing;
  }

  async #complete(): Promise<void> {
    this.#inStep.close();
    try {
      await this.#start();
      await this.#recording?.close();
    } finally {
      if (!this.#recording) await this.#removeEmpty();
    }
    if (!this.#recording) this.#context.log.warn({ path: this.#path }, 'nothing came to be recorded');
  }

  async #removeEmpty(): Promise<void> {
    const found = await stat(this.#path).catch(() => undefined);
    if (found?.isFile() === true && found.size === 0) await unlink(this.#path).catch(() => undefined);
  }
}

const NO_AUDIO_TRACK = 'audio that the file has no track for';
const NO_VIDEO_TRACK = 'video that the file has no track for';

function endUs(chunk: EncodedAudioChunk): number {
  return chunk.timestamp + chunk.duration;
}

function spanUs(waiting: readonly Chunk[] = []): number {
  const [first] = waiting;
  const last = waiting.at(-1);
  return first && last ? last.timestamp - first.timestamp + durationUs(last) : 0;
}
