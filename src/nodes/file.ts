import { Readable } from 'node:stream';
import { z } from 'zod';
import { type MediaFile, type MediaFileReader, openMediaFile } from '../codecs/media-file.js';
import { SAMPLE_RATES } from '../media/audio-data.js';
import { SluiceError } from '../media/errors.js';
import { audioOptions } from '../media/format.js';
import { durationUs, type MediaValue } from '../media/media-value.js';
import { defineNode, type NodeContext, type NodePorts, type PortDef } from '../media/node.js';
import { pathFrom } from '../media/path-template.js';

const Options = z.strictObject({
  path: z
    .string()
    .min(1)
    .describe('File to read, relative to the pipeline file: any container and codec that FFmpeg reads.'),
  loop: z.boolean().default(false).describe('Start again at the end, without an end; timestamps go on.'),
  skipMissing: z
    .boolean()
    .default(false)
    .describe('An output that the file has nothing for ends at once; without it that is an error.'),
  encoded: z
    .boolean()
    .default(false)
    .describe('Give encoded chunks as they are in the file; it then has to hold Opus, VP8 or H.264.'),
  sampleRate: z
    .literal(SAMPLE_RATES)
    .default(48_000)
    .describe('Samples per second and channel of decoded audio, in Hz.'),
  channels: z.literal([1, 2]).default(2).describe('Channels of decoded audio: 1 for mono, 2 for stereo.'),
  maxWidth: z
    .int()
    .min(2)
    .max(1920)
    .default(1920)
    .describe('Wider pictures are made smaller, keeping their shape. In pixels.'),
  maxHeight: z
    .int()
    .min(2)
    .max(1920)
    .default(1080)
    .describe('Higher pictures are made smaller, keeping their shape. In pixels.'),
});
type FileOptions = z.output<typeof Options>;
type Kind = 'audio' | 'video';

/**
 * Reads a media file, as fast as it is asked. Each output reads the file on its own, so that neither waits for the
 * other; timestamps count from the start of the file, for both alike, and never go back. With `loop` the passes follow
 * each other by the length of the file; where one output only is linked, by the length of that.
 * Errors: SLUICE_FILE_NOT_FOUND; SLUICE_FILE_UNDECODABLE, also when what is linked is not in the file.
 */
export const file = defineNode({
  type: 'file',
  summary: 'Reads audio and video from a media file.',
  options: Options,
  inputs: [],
  outputs: outputsOf,
  adapts: audioOptions,
  needs: ({ path }, baseDir) => [{ kind: 'file', path: pathFrom(baseDir, path) }],
  example: `nodes:
  clip: { type: file, path: clip.mp4 }
  wav:  { type: wav, from: clip.audio, path: out/clip.wav }`,
  async create(options, context) {
    const path = pathFrom(context.baseDir, options.path);
    try {
      return new FileSource(await openMediaFile(path), options, context);
    } catch (error) {
      throw inPipeline(error);
    }
  },
});

function outputsOf({ encoded, sampleRate, channels }: FileOptions): readonly PortDef<Kind>[] {
  return [
    {
      name: 'audio',
      optional: true,
      formats: [
        encoded ? { kind: 'encoded-audio', codec: 'opus' } : { kind: 'audio', sampleRate, numberOfChannels: channels },
      ],
    },
    {
      name: 'video',
      optional: true,
      formats: [encoded ? { kind: 'encoded-video' } : { kind: 'video', format: 'YUV420P' }],
    },
  ];
}

/** The file is named in the message; the place is the node's, which is in another file. */
function inPipeline(error: unknown): Error {
  if (!(error instanceof SluiceError)) return error as Error;
  const { code, message, cause, mend } = error;
  return new SluiceError(code, message, { cause, ...(mend !== undefined && { mend }) });
}

class FileSource implements NodePorts {
  readonly #file: MediaFile;
  readonly #options: FileOptions;
  readonly #context: NodeContext;
  readonly #passes: Passes;

  constructor(source: MediaFile, options: FileOptions, context: NodeContext) {
    this.#file = source;
    this.#options = options;
    this.#context = context;
    this.#passes = new Passes(source.durationUs);
  }

  output(port: string): Readable {
    const kind: Kind = port === 'audio' ? 'audio' : 'video';
    if (!this.#file[kind] && this.#options.skipMissing) return Readable.from([]);
    this.#check(kind);
    this.#passes.outputs++;
    return new FileReadable(this.#file, kind, this.#options, { context: this.#context, passes: this.#passes });
  }

  #check(kind: Kind): void {
    const { path, [kind]: track } = this.#file;
    if (!track) {
      throw new SluiceError('SLUICE_FILE_UNDECODABLE', `${path} holds no ${kind}`, {
        mend: `Take the link from "${this.#context.id}.${kind}" out, or name another file.`,
      });
    }
    if (this.#options.encoded && !track.passThrough) {
      throw new SluiceError(
        'SLUICE_FILE_UNDECODABLE',
        `${path} holds ${kind} in ${track.codec}, which cannot be passed on encoded`,
        { mend: 'Leave `encoded` out.' },
      );
    }
  }
}

/** How far apart the passes of a loop are: the same for all outputs, so that they stay in step. */
class Passes {
  /** How many outputs are read. */
  outputs = 0;
  readonly #durationUs: number;
  #lengthUs: number | undefined;

  constructor(durationUs = 0) {
    this.#durationUs = durationUs;
  }

  /** The length of a pass; `endUs` is where the first one ended for who asks. */
  lengthUs(endUs: number): number {
    this.#lengthUs ??= Math.round(this.outputs === 1 ? endUs : Math.max(this.#durationUs, endUs));
    return this.#lengthUs;
  }
}

/** Media time of a picture where neither the file nor its pictures tell, in µs. */
const NOMINAL_PICTURE_US = 33_333;

class FileReadable extends Readable {
  readonly #file: MediaFile;
  readonly #kind: Kind;
  readonly #options: FileOptions;
  readonly #context: NodeContext;
  readonly #passes: Passes;
  readonly #progressText: string;
  #reader: MediaFileReader;
  #pass = 0;
  /** Added to timestamps: where the pass starts. */
  #shiftUs = 0;
  #lastUs = 0;
  /** Where the value before ends, not counting passes. */
  #endUs = 0;
  #isEmptyPass = true;
  #isReading = false;

  constructor(
    source: MediaFile,
    kind: Kind,
    options: FileOptions,
    { context, passes }: { readonly context: NodeContext; readonly passes: Passes },
  ) {
    super({ objectMode: true, highWaterMark: kind === 'audio' ? 8 : 2 });
    this.#file = source;
    this.#kind = kind;
    this.#options = options;
    this.#context = context;
    this.#passes = passes;
    this.#progressText = `reading ${source.path}`;
    this.#reader = this.#open();
  }

  override _read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    this.#pump().catch((error: unknown) => {
      this.destroy(inPipeline(error));
    });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#reader.close().then(
      () => {
        done(error);
      },
      () => {
        done(error);
      },
    );
  }

  async #pump(): Promise<void> {
    for (;;) {
      const value = this.#reader.take() ?? (await this.#reader.next());
      if (this.destroyed) return;
      if (value) {
        if (!this.#give(value)) break;
      } else if (!this.#rewind()) {
        this.push(null);
        return;
      }
    }
    this.#isReading = false;
  }

  #give(value: MediaValue): boolean {
    this.#isEmptyPass = false;
    this.#endUs = value.timestamp + (durationUs(value) || this.#pictureUs());
    this.#lastUs = Math.max(this.#lastUs, value.timestamp + this.#shiftUs);
    this.#progress(value.timestamp);
    return this.push(this.#lastUs === value.timestamp ? value : { ...value, timestamp: this.#lastUs });
  }

  /** Starts again, where that is wanted. A pass that gave nothing is not repeated. */
  #rewind(): boolean {
    if (!this.#options.loop || this.#isEmptyPass) return false;
    this.#isEmptyPass = true;
    this.#shiftUs = ++this.#pass * this.#passes.lengthUs(this.#endUs);
    this.#reader = this.#open();
    return true;
  }

  #pictureUs(): number {
    const frameRate = this.#file.video?.frameRate ?? 0;
    return frameRate > 0 ? Math.round(1_000_000 / frameRate) : NOMINAL_PICTURE_US;
  }

  #progress(timestampUs: number): void {
    const { durationUs: lengthUs } = this.#file;
    if (lengthUs === undefined || this.#options.loop) return;
    this.#context.progress(this.#progressText, Math.min(1, timestampUs / lengthUs));
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
