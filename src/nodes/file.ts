import { isAbsolute, join } from 'node:path';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { type MediaFile, type MediaFileReader, openMediaFile } from '../codecs/media-file.js';
import { SAMPLE_RATES } from '../media/audio-data.js';
import { SluiceError } from '../media/errors.js';
import type { MediaValue } from '../media/media-value.js';
import { defineNode, type NodeContext, type NodePorts, type PortDef } from '../media/node.js';

const Options = z.strictObject({
  path: z.string().min(1).describe('File to read, relative to the pipeline file: any container and codec that FFmpeg reads.'),
  loop: z.boolean().default(false).describe('Start again at the end, without an end; timestamps go on.'),
  encoded: z.boolean().default(false).describe('Give encoded chunks as they are in the file; it then has to hold Opus, VP8 or H.264.'),
  sampleRate: z.literal(SAMPLE_RATES).default(48_000).describe('Samples per second and channel of decoded audio, in Hz.'),
  channels: z.literal([1, 2]).default(2).describe('Channels of decoded audio: 1 for mono, 2 for stereo.'),
  maxWidth: z.int().min(2).max(1920).default(1920).describe('Wider pictures are made smaller, keeping their shape. In pixels.'),
  maxHeight: z.int().min(2).max(1920).default(1080).describe('Higher pictures are made smaller, keeping their shape. In pixels.'),
});
type FileOptions = z.output<typeof Options>;
type Kind = 'audio' | 'video';

/**
 * Reads a media file, as fast as it is asked. Each output reads the file on its own, so that neither waits for the
 * other; timestamps count from the start of the file, for both alike.
 * Errors: SLUICE_FILE_NOT_FOUND; SLUICE_FILE_UNDECODABLE, also when what is linked is not in the file.
 */
export const file = defineNode({
  type: 'file',
  summary: 'Reads audio and video from a media file.',
  options: Options,
  inputs: [],
  outputs: outputsOf,
  example: `nodes:
  clip: { type: file, path: clip.mp4 }
  wav:  { type: wav, from: clip.audio, path: out/clip.wav }`,
  async create(options, context) {
    const path = isAbsolute(options.path) ? options.path : join(context.baseDir, options.path);
    return new FileSource(await openMediaFile(path), options, context);
  },
});

function outputsOf({ encoded, sampleRate, channels }: FileOptions): readonly PortDef[] {
  return [
    {
      name: 'audio',
      optional: true,
      formats: [encoded ? { kind: 'encoded-audio', codec: 'opus' } : { kind: 'audio', sampleRate, numberOfChannels: channels }],
    },
    { name: 'video', optional: true, formats: [encoded ? { kind: 'encoded-video' } : { kind: 'video', format: 'YUV420P' }] },
  ];
}

class FileSource implements NodePorts {
  readonly #file: MediaFile;
  readonly #options: FileOptions;
  readonly #context: NodeContext;

  constructor(source: MediaFile, options: FileOptions, context: NodeContext) {
    this.#file = source;
    this.#options = options;
    this.#context = context;
  }

  output(port: string): Readable {
    const kind: Kind = port === 'audio' ? 'audio' : 'video';
    const track = this.#file[kind];
    if (!track) {
      throw new SluiceError('SLUICE_FILE_UNDECODABLE', `${this.#file.path} holds no ${kind}`, {
        mend: `Take the link from "${this.#context.id}.${kind}" out, or name another file.`,
      });
    }
    if (this.#options.encoded && !track.passThrough) {
      throw new SluiceError('SLUICE_FILE_UNDECODABLE', `${this.#file.path} holds ${kind} in ${track.codec}, which cannot be passed on encoded`, {
        mend: 'Leave `encoded` out.',
      });
    }
    return new FileReadable(this.#file, kind, this.#options, this.#context);
  }
}

class FileReadable extends Readable {
  readonly #file: MediaFile;
  readonly #kind: Kind;
  readonly #options: FileOptions;
  readonly #context: NodeContext;
  #reader: MediaFileReader;
  /** Added to timestamps: the length of the passes before this one. */
  #shiftUs = 0;
  #lastUs = -1;
  #reading = false;

  constructor(source: MediaFile, kind: Kind, options: FileOptions, context: NodeContext) {
    super({ objectMode: true, highWaterMark: kind === 'audio' ? 8 : 2 });
    this.#file = source;
    this.#kind = kind;
    this.#options = options;
    this.#context = context;
    this.#reader = this.#open();
  }

  override _read(): void {
    if (this.#reading) return;
    this.#reading = true;
    this.#pump().catch((error: unknown) => { this.destroy(error as Error); });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#reader.close().then(() => { done(error); }, () => { done(error); });
  }

  async #pump(): Promise<void> {
    for (;;) {
      const value = await this.#reader.next();
      if (this.destroyed) return;
      if (!value) {
        if (!this.#rewind()) return;
        continue;
      }
      this.#progress();
      if (!this.#give(value)) break;
    }
    this.#reading = false;
  }

  #give(value: MediaValue): boolean {
    this.#lastUs = value.timestamp + this.#shiftUs;
    return this.push(this.#shiftUs === 0 ? value : { ...value, timestamp: this.#lastUs });
  }

  /** At the end: starts again, or ends. */
  #rewind(): boolean {
    const { durationUs } = this.#file;
    if (!this.#options.loop || this.#lastUs < 0) {
      this.push(null);
      return false;
    }
    this.#shiftUs = durationUs === undefined ? this.#lastUs + 20_000 : this.#shiftUs + durationUs;
    this.#reader = this.#open();
    return true;
  }

  #progress(): void {
    const { durationUs } = this.#file;
    if (durationUs !== undefined && !this.#options.loop) {
      this.#context.progress(`reading ${this.#file.path}`, Math.min(1, this.#reader.positionUs / durationUs));
    }
  }

  #open(): MediaFileReader {
    const { encoded, sampleRate, channels, maxWidth, maxHeight } = this.#options;
    const isAudio = this.#kind === 'audio';
    return this.#file.read({
      encoded,
      audio: isAudio ? { sampleRate, numberOfChannels: channels } : false,
      video: isAudio ? false : { maxWidth, maxHeight },
    });
  }
}
