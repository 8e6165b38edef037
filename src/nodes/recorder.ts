import { extname } from 'node:path';
import { Writable } from 'node:stream';
import { z } from 'zod';
import { type Muxer, createMuxer } from '../codecs/muxer.js';
import { openOutputFile } from '../codecs/output-file.js';
import { opusChannels } from '../codecs/opus-packet.js';
import { pictureSize } from '../codecs/picture-size.js';
import type { EncodedAudioChunk, EncodedVideoChunk } from '../media/encoded-chunk.js';
import { SluiceError } from '../media/errors.js';
import { durationUs } from '../media/media-value.js';
import { defineNode, type NodeContext, type NodePorts } from '../media/node.js';
import { expandPath } from '../media/path-template.js';

const Options = z.strictObject({
  path: z
    .string()
    .min(1)
    .describe('File to write, ending in .webm, .mp4 or .ogg, relative to the pipeline file; `{streamId}` and `{name}` stand for the stream of a branch.'),
  alignStart: z.boolean().default(true).describe('Leave out what comes before both audio and video have begun; `false` keeps it.'),
  waitMs: z.int().min(0).max(30_000).default(3000).describe('How long the first of audio and video waits for the other before the file starts without it, in ms.'),
});
type RecorderOptions = z.output<typeof Options>;
type Kind = 'audio' | 'video';
type Chunk = EncodedAudioChunk | EncodedVideoChunk;
type Done = (error?: Error | null) => void;

const CONTAINERS: Readonly<Record<string, 'webm' | 'mp4' | 'ogg' | undefined>> = { '.webm': 'webm', '.mp4': 'mp4', '.ogg': 'ogg' };
/** Chunks that may be on their way to the disk; then writers are held back. */
const MAX_PENDING = 64;

/**
 * Stores encoded audio and video in one file, as they are: nothing is encoded again. Timestamps place what is written,
 * so that both stay in step, and gaps stay gaps. In a branch an existing file is kept and a number added to the name.
 *
 * Errors: SLUICE_CONFIG_INVALID (path, codec and container), SLUICE_FILE_WRITE, SLUICE_FORMAT_MISMATCH.
 */
export const recorder = defineNode({
  type: 'recorder',
  summary: 'Writes encoded audio and video to a WebM, MP4 or Ogg file, without encoding again.',
  options: Options,
  inputs: [
    { name: 'audio', optional: true, formats: [{ kind: 'encoded-audio', codec: 'opus' }] },
    { name: 'video', optional: true, formats: [{ kind: 'encoded-video' }] },
  ],
  outputs: [],
  example: `nodes:
  beep: { type: tone, durationMs: 1000, live: false }
  opus: { type: opus-encoder, from: beep }
  file: { type: recorder, from: opus, path: out/beep.webm }`,
  async create(options, context) {
    const container = CONTAINERS[extname(options.path).toLowerCase()];
    if (!container) {
      throw new SluiceError('SLUICE_CONFIG_INVALID', `"${options.path}" does not say what kind of file to write`, {
        mend: 'Let the path end in .webm, .mp4 or .ogg.',
      });
    }
    // Taken now, so that two streams of one name do not share a file and a bad path is told at once.
    const { path, handle } = await openOutputFile(expandPath(options.path, context.baseDir, context.branch), context.branch !== undefined);
    await handle.close();
    return new Recorder(path, container, options, context);
  },
});

class Recorder implements NodePorts {
  readonly #path: string;
  readonly #container: 'webm' | 'mp4' | 'ogg';
  readonly #options: RecorderOptions;
  readonly #context: NodeContext;
  readonly #inputs = new Map<Kind, RecorderInput>();
  #muxer: Muxer | undefined;
  #starting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(path: string, container: 'webm' | 'mp4' | 'ogg', options: RecorderOptions, context: NodeContext) {
    this.#path = path;
    this.#container = container;
    this.#options = options;
    this.#context = context;
  }

  input(port: string): Writable {
    const kind: Kind = port === 'audio' ? 'audio' : 'video';
    const input = new RecorderInput({
      write: (chunk) => this.#write(kind, chunk),
      ended: () => this.#ended(),
    });
    this.#inputs.set(kind, input);
    return input;
  }

  async close(): Promise<void> {
    await this.#finish();
  }

  async #write(kind: Kind, chunk: Chunk): Promise<void> {
    if (this.#muxer) {
      await this.#put(this.#muxer, chunk);
      return;
    }
    if (kind === 'video' && chunk.kind === 'encoded-video' && chunk.type !== 'key' && this.#inputs.get('video')?.waiting.length === 0) {
      this.#context.dropped('before the first key frame');
      return;
    }
    this.#inputs.get(kind)?.waiting.push(chunk);
    if (this.#isComplete() || this.#waitedUs() >= this.#options.waitMs * 1000) await this.#start();
  }

  /** Everything that is linked has begun, or will not come. */
  #isComplete(): boolean {
    const { branch } = this.#context;
    for (const [kind, input] of this.#inputs) {
      const comes = branch === undefined || (kind === 'audio' ? branch.hasAudio : branch.hasVideo);
      if (comes && !input.over && input.waiting.length === 0) return false;
    }
    return true;
  }

  /** Media time that waits for the file to start. */
  #waitedUs(): number {
    let longest = 0;
    for (const { waiting } of this.#inputs.values()) {
      const [first] = waiting;
      const last = waiting.at(-1);
      if (first && last) longest = Math.max(longest, last.timestamp - first.timestamp + durationUs(last));
    }
    return longest;
  }

  #start(): Promise<void> {
    this.#starting ??= this.#open();
    return this.#starting;
  }

  async #open(): Promise<void> {
    const audio = this.#inputs.get('audio')?.waiting[0];
    const video = this.#inputs.get('video')?.waiting[0];
    if (!audio && !video) return;
    const size = video?.kind === 'encoded-video' ? await pictureSize(video) : undefined;
    const muxer = await createMuxer(this.#path, {
      container: this.#container,
      ...(audio && { audio: { codec: 'opus', numberOfChannels: opusChannels(audio.data) ?? 1 } }),
      ...(video?.kind === 'encoded-video' && size && { video: { codec: video.codec, ...size } }),
    });
    if (this.#options.alignStart && audio && video) this.#alignStart(Math.max(audio.timestamp, video.timestamp));
    for (let waiting = this.#takeWaiting(); waiting.length > 0; waiting = this.#takeWaiting()) {
      for (const chunk of waiting) await this.#put(muxer, chunk);
    }
    this.#muxer = muxer;
  }

  /** Lets go of audio from before the first picture. Pictures stay: those after a key frame need it. */
  #alignStart(startUs: number): void {
    const waiting = this.#inputs.get('audio')?.waiting ?? [];
    const count = waiting.filter((chunk) => chunk.timestamp + durationUs(chunk) <= startUs).length;
    if (count === 0) return;
    waiting.splice(0, count);
    this.#context.dropped('before the first picture', count);
  }

  #takeWaiting(): Chunk[] {
    const waiting = [...this.#inputs.values()].flatMap((input) => input.waiting.splice(0));
    return waiting.sort((a, b) => a.timestamp - b.timestamp);
  }

  async #put(muxer: Muxer, chunk: Chunk): Promise<void> {
    try {
      muxer.write(chunk);
    } catch (error) {
      if (!(error instanceof SluiceError) || (error as SluiceError).code !== 'SLUICE_FORMAT_MISMATCH') throw error;
      // A track that came after the file had started without it.
      this.#context.dropped(`${chunk.kind} came too late for the file`);
      return;
    }
    if (muxer.pending >= MAX_PENDING) await muxer.drained();
  }

  async #ended(): Promise<void> {
    if (!this.#muxer && this.#isComplete()) await this.#start();
    for (const input of this.#inputs.values()) if (!input.over) return;
    await this.#finish();
  }

  #finish(): Promise<void> {
    this.#closing ??= this.#complete();
    return this.#closing;
  }

  async #complete(): Promise<void> {
    await this.#start();
    await this.#muxer?.close();
    if (this.#muxer) this.#context.log.info({ path: this.#path }, 'wrote');
    else this.#context.log.warn({ path: this.#path }, 'nothing came to be recorded');
  }
}

interface RecorderInputOptions {
  write(chunk: Chunk): Promise<void>;
  ended(): Promise<void>;
}

class RecorderInput extends Writable {
  /** Chunks that came before the file could start. */
  readonly waiting: Chunk[] = [];
  over = false;
  readonly #options: RecorderInputOptions;

  constructor(options: RecorderInputOptions) {
    super({ objectMode: true, highWaterMark: 16 });
    this.#options = options;
  }

  override _write(chunk: Chunk, _encoding: BufferEncoding, done: Done): void {
    this.#options.write(chunk).then(() => { done(); }, done);
  }

  override _final(done: Done): void {
    this.over = true;
    this.#options.ended().then(() => { done(); }, done);
  }

  override _destroy(error: Error | null, done: Done): void {
    this.over = true;
    done(error);
  }
}
