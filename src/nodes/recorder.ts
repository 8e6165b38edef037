import { stat, unlink } from 'node:fs/promises';
import { extname } from 'node:path';
import { Writable } from 'node:stream';
import { z } from 'zod';
import { InStep } from '../codecs/in-step.js';
import { type Muxer, type MuxerOptions, createMuxer } from '../codecs/muxer.js';
import { openOutputFile } from '../codecs/output-file.js';
import { opusChannels } from '../codecs/opus-packet.js';
import { pictureSize } from '../codecs/picture-size.js';
import type { ClockTimer } from '../media/clock.js';
import type { EncodedAudioChunk, EncodedVideoChunk, VideoCodec } from '../media/encoded-chunk.js';
import { durationUs } from '../media/media-value.js';
import { defineNode, type NodeContext, type NodePorts, type PortDef } from '../media/node.js';
import { expandPath } from '../media/path-template.js';

type Container = MuxerOptions['container'];

/** What kind of file a name stands for, and the video that it takes. */
const CONTAINERS: ReadonlyMap<string, { readonly container: Container; readonly codec?: VideoCodec }> = new Map([
  ['.webm', { container: 'webm', codec: 'vp8' }],
  ['.mp4', { container: 'mp4', codec: 'h264' }],
  ['.ogg', { container: 'ogg' }],
]);

const Options = z.strictObject({
  path: z
    .string()
    .min(1)
    .refine((path) => containerOf(path) !== undefined, { message: 'Must end in .webm, .mp4 or .ogg' })
    .meta({ examples: ['out/{name}.webm'] })
    .describe(
      'File to write, relative to the pipeline file: .webm for Opus and VP8, .mp4 for Opus and H.264, .ogg for Opus. `{streamId}` and `{name}` stand for the stream of a branch.',
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
});
type RecorderOptions = z.output<typeof Options>;
type Kind = 'audio' | 'video';
type Chunk = EncodedAudioChunk | EncodedVideoChunk;
type Done = (error?: Error | null) => void;

/** How long a disk may be busy before live media is lost, in ms. */
const SLOW_DISK_MS = 5000;

/** Chunks that may be on their way to the disk; then writers are held back. */
const MAX_PENDING = 64;

/**
 * Stores encoded audio and video in one file, as they are: nothing is encoded again. Timestamps place what is written,
 * so that both stay in step, and gaps stay gaps. Video begins with a key frame. What has no track in the file, because
 * it came after `waitMs` or in another codec, is dropped, counted. In a branch an existing file is kept and a number
 * added to the name; when nothing came, there is no file. Media that comes faster than real time is held back so that
 * audio and video stay within a second of each other.
 *
 * Errors: SLUICE_CONFIG_INVALID (path; codec that the file cannot hold), SLUICE_FILE_WRITE.
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
    const wanted = expandPath(options.path, context.baseDir, context.branch);
    const { path, handle } = await openOutputFile(wanted, context.branch !== undefined);
    await handle.close();
    return new Recorder(path, options, context);
  },
});

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
  #muxer: Muxer | undefined;
  /** What the file has tracks for, once it has begun. */
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
    if (this.#muxer) return this.#put(this.#muxer, chunk) ?? this.#inStep.hold('audio');
    this.#audio?.waiting.push(chunk);
    return this.#startIfReady();
  }

  #takeVideo(chunk: EncodedVideoChunk): Promise<void> | undefined {
    if (this.#muxer) return this.#put(this.#muxer, chunk) ?? this.#inStep.hold('video');
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
    const container = containerOf(this.#path)?.container ?? 'webm';
    const muxer = await createMuxer(this.#path, { container, ...this.#tracks });
    try {
      for (let waiting = this.#takeWaiting(); waiting.length > 0; waiting = this.#takeWaiting()) {
        for (const chunk of waiting) await this.#put(muxer, chunk);
      }
    } catch (error) {
      await muxer.close().catch(() => undefined);
      throw error;
    }
    this.#muxer = muxer;
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

  #put(muxer: Muxer, chunk: Chunk): Promise<void> | undefined {
    const { audio, video } = this.#tracks;
    if (chunk.kind === 'encoded-audio' ? !audio : chunk.codec !== video?.codec) {
      this.#context.dropped(chunk.kind === 'encoded-audio' ? NO_AUDIO_TRACK : NO_VIDEO_TRACK);
      return undefined;
    }
    if (chunk.kind === 'encoded-audio' && endUs(chunk) <= this.#soundFromUs) {
      this.#context.dropped('before the first picture');
      return undefined;
    }
    this.#inStep.note(chunk.kind === 'encoded-audio' ? 'audio' : 'video', chunk.timestamp);
    muxer.write(chunk);
    return muxer.pending >= MAX_PENDING ? muxer.drained() : undefined;
  }

  #over(kind: Kind): void {
    this.#inStep.end(kind);
    if (this.#patience && !this.#starting && this.#isComplete()) void this.#start().catch(() => undefined);
  }

  async #ended(): Promise<void> {
    if (!this.#muxer && this.#isComplete()) await this.#start();
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
      await this.#muxer?.close();
    } finally {
      if (!this.#muxer) await this.#removeEmpty();
    }
    if (this.#muxer) this.#context.log.info({ path: this.#path }, 'wrote');
    else this.#context.log.warn({ path: this.#path }, 'nothing came to be recorded');
  }

  async #removeEmpty(): Promise<void> {
    const found = await stat(this.#path).catch(() => undefined);
    if (found?.isFile() === true && found.size === 0) await unlink(this.#path).catch(() => undefined);
  }
}

const NO_AUDIO_TRACK = 'audio that the file has no track for';
const NO_VIDEO_TRACK = 'video that the file has no track for';

function tracksOf(
  audio: readonly EncodedAudioChunk[],
  picture: EncodedVideoChunk | undefined,
): Pick<MuxerOptions, 'audio' | 'video'> {
  const size = picture && pictureSize(picture);
  // One packet in stereo is enough: a stereo file holds mono as well.
  const numberOfChannels = audio.some((chunk) => opusChannels(chunk.data) === 2) ? 2 : 1;
  return {
    ...(audio.length > 0 && { audio: { codec: 'opus', numberOfChannels } }),
    ...(size && { video: { codec: picture.codec, ...size } }),
  };
}

function endUs(chunk: EncodedAudioChunk): number {
  return chunk.timestamp + chunk.duration;
}

function spanUs(waiting: readonly Chunk[] = []): number {
  const [first] = waiting;
  const last = waiting.at(-1);
  return first && last ? last.timestamp - first.timestamp + durationUs(last) : 0;
}

interface RecorderInputOptions<C extends Chunk> {
  /** Takes a chunk; a promise where the writer has to wait. */
  take(chunk: C): Promise<void> | undefined;
  /** No more will come, however it ended. */
  over(): void;
  /** It has ended well; settles when what came is safe. */
  ended(): Promise<void>;
}

class RecorderInput<C extends Chunk> extends Writable {
  /** Chunks that came before the file could begin. */
  readonly waiting: C[] = [];
  /** No more will come. */
  over = false;
  readonly #options: RecorderInputOptions<C>;

  constructor(options: RecorderInputOptions<C>) {
    super({ objectMode: true, highWaterMark: 16 });
    this.#options = options;
  }

  override _write(chunk: C, _encoding: BufferEncoding, done: Done): void {
    let wait: Promise<void> | undefined;
    try {
      wait = this.#options.take(chunk);
    } catch (error) {
      done(error as Error);
      return;
    }
    if (wait)
      wait.then(() => {
        done();
      }, done);
    else done();
  }

  override _final(done: Done): void {
    this.#finish();
    this.#options.ended().then(() => {
      done();
    }, done);
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#finish();
    done(error);
  }

  #finish(): void {
    if (this.over) return;
    this.over = true;
    this.#options.over();
  }
}
