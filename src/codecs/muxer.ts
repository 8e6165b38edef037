import type { EncodedAudioChunk, EncodedVideoChunk } from '../media/encoded-chunk.js';
import { SluiceError } from '../media/errors.js';
import type { MediaValue } from '../media/media-value.js';
import { type HostedJob, type JobListener, openJob } from './codec-pool.js';
import type { Work } from './codec-port.js';
import type { MuxerOptions } from './mux-options.js';
import { packed } from './packed.js';

export type { MuxerOptions } from './mux-options.js';

type Chunk = EncodedAudioChunk | EncodedVideoChunk;

/** A media file that is being written, in a codec thread: no call waits for the disk. */
export interface Muxer {
  readonly path: string;
  /** Chunks that were given and are not in the file yet. */
  readonly pending: number;
  /**
   * Adds a chunk as it is, without encoding anything. Its timestamp places it: the file starts at the first
   * chunk, and audio and video keep their distance. Video begins with its first key chunk.
   * Errors: SLUICE_FORMAT_MISMATCH for a track that the file does not have, SLUICE_STATE_INVALID after `close`,
   * SLUICE_FILE_WRITE when writing failed since the last call.
   */
  write(chunk: Chunk): void;
  /** Resolves when nothing is pending. Errors: SLUICE_FILE_WRITE. */
  drained(): Promise<void>;
  /** Completes the file. Errors: SLUICE_FILE_WRITE, now or at an earlier write. */
  close(): Promise<void>;
}

/**
 * Starts a media file; folders are made, a file of that name is replaced.
 * Errors: SLUICE_CONFIG_INVALID for codecs that the container does not take, SLUICE_FILE_WRITE, SLUICE_CODEC_UNAVAILABLE.
 */
export async function createMuxer(path: string, options: MuxerOptions): Promise<Muxer> {
  checkOptions(options);
  const muxer = new ThreadedMuxer(path, options);
  await muxer.open();
  return muxer;
}

class ThreadedMuxer implements Muxer, JobListener {
  readonly path: string;
  pending = 0;
  readonly #options: MuxerOptions;
  #job: HostedJob | undefined;
  #closed: Promise<void> | undefined;
  #error: SluiceError | undefined;
  #waiting: (() => void)[] = [];
  /** Chunks of this turn of the event loop: to wake the thread takes longer than to write one. */
  #unsent: Chunk[] = [];
  #sending: NodeJS.Immediate | undefined;
  /** Chunks in each step of work that has no answer yet. */
  readonly #sizes: number[] = [];

  constructor(path: string, options: MuxerOptions) {
    this.path = path;
    this.#options = options;
  }

  async open(): Promise<void> {
    this.#job = await openJob({ kind: 'muxer', path: this.path, options: this.#options }, this);
  }

  write(chunk: Chunk): void {
    if (this.#closed || !this.#job) throw new SluiceError('SLUICE_STATE_INVALID', `${this.path} is closed`);
    if (this.#error) throw this.#error;
    const { audio, video } = this.#options;
    const fits = chunk.kind === 'encoded-audio' ? audio !== undefined : chunk.codec === video?.codec;
    if (!fits) {
      const what = chunk.kind === 'encoded-audio' ? 'audio' : `${chunk.codec} video`;
      throw new SluiceError('SLUICE_FORMAT_MISMATCH', `${this.path} was not set up for ${what}`);
    }
    this.#unsent.push(chunk);
    this.pending++;
    this.#sending ??= setImmediate(this.#send);
  }

  async drained(): Promise<void> {
    if (this.pending > 0 && !this.#error)
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    if (this.#error) throw this.#error;
  }

  close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  done(_values: readonly MediaValue[], _isEnd: boolean, error: SluiceError | undefined): void {
    this.pending -= this.#sizes.shift() ?? 0;
    this.#error ??= error;
    if (this.pending === 0 || this.#error) this.#wake();
  }

  lost(error: SluiceError): void {
    this.pending = 0;
    this.#error ??= error;
    this.#wake();
  }

  readonly #send = (): void => {
    clearImmediate(this.#sending);
    this.#sending = undefined;
    const chunks = this.#unsent;
    if (chunks.length === 0 || this.#error) return;
    this.#unsent = [];
    const { values, transfer } = packed(chunks);
    this.#work({ do: 'write', chunks: values }, chunks.length, transfer);
  };

  #work(work: Work, size: number, transfer?: readonly ArrayBuffer[]): void {
    this.#job?.work(work, transfer);
    this.#sizes.push(size);
  }

  async #finish(): Promise<void> {
    try {
      this.#send();
      this.#work({ do: 'flush' }, 1);
      this.pending++;
      while (this.pending > 0)
        await new Promise<void>((resolve) => {
          this.#waiting.push(resolve);
        });
    } catch (error) {
      this.#error ??= error as SluiceError;
    }
    await this.#job?.close();
    if (this.#error) throw this.#error;
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

function checkOptions({ container, audio, video }: MuxerOptions): void {
  if (!audio && !video) throw new SluiceError('SLUICE_CONFIG_INVALID', 'a media file needs audio or video');
  if (container === 'ogg' && video) {
    throw new SluiceError('SLUICE_CONFIG_INVALID', 'an Ogg file takes no video here', { mend: 'Use webm or mp4.' });
  }
  if (container === 'webm' && video?.codec === 'h264') {
    throw new SluiceError('SLUICE_CONFIG_INVALID', 'WebM takes no H.264', { mend: 'Use mp4, or VP8.' });
  }
  if (container === 'mp4' && video?.codec === 'vp8') {
    throw new SluiceError('SLUICE_CONFIG_INVALID', 'MP4 takes no VP8', { mend: 'Use webm, or H.264.' });
  }
}
