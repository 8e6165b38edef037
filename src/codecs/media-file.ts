import type { AudioData } from '../media/audio-data.js';
import type { EncodedAudioChunk, EncodedVideoChunk } from '../media/encoded-chunk.js';
import { SluiceError } from '../media/errors.js';
import type { MediaValue } from '../media/media-value.js';
import type { VideoFrame } from '../media/video-frame.js';
import { type HostedJob, type JobListener, openJob } from './codec-pool.js';
import type { AudioTrackInfo, FileInfo, FileReadOptions, VideoTrackInfo } from './file-options.js';

export type { FileInfo, FileReadOptions } from './file-options.js';

/** A media file whose contents are known. Holds nothing open. */
export interface MediaFile extends FileInfo {
  readonly path: string;
  /** A new pass from the start; each has its own position and may be read at its own pace. */
  read(options?: FileReadOptions): MediaFileReader;
}

/** One pass through a file, decoded in a codec thread. Reads as it is asked, ahead by at most some 400 ms, or 2 s of sound alone. */
export interface MediaFileReader extends AsyncIterable<MediaValue> {
  /** Timestamp of what was given last, in µs. */
  readonly positionUs: number;
  /**
   * The next value of all tracks in the order of their timestamps, which count from the start of the file;
   * undefined at the end. Audio has no gaps. Values belong to the caller. One call at a time.
   * Errors: SLUICE_FILE_NOT_FOUND, SLUICE_FILE_UNDECODABLE, SLUICE_STATE_INVALID after `close`.
   */
  next(): Promise<AudioData | VideoFrame | EncodedAudioChunk | EncodedVideoChunk | undefined>;
  /** What `next` would give, where it is here already; undefined otherwise. Not while `next` waits. */
  take(): AudioData | VideoFrame | EncodedAudioChunk | EncodedVideoChunk | undefined;
  /** Ends the pass; a `next` that waits gets undefined. Done by itself at the end. */
  close(): Promise<void>;
}

/**
 * Finds out what a file holds: any container and codec that FFmpeg reads. The start of each track is decoded,
 * so that what is listed can be played. Errors: SLUICE_FILE_NOT_FOUND, SLUICE_FILE_UNDECODABLE, SLUICE_CODEC_UNAVAILABLE.
 */
export async function openMediaFile(path: string): Promise<MediaFile> {
  const ignore: JobListener = { done: () => undefined, lost: () => undefined };
  const job = await openJob({ kind: 'probe', path }, ignore);
  await job.close();
  const info: { durationUs?: number; audio?: AudioTrackInfo; video?: VideoTrackInfo } = job.info ?? {};
  return { ...info, path, read: (options = {}) => new FileReader(path, options) };
}

interface Waiting {
  resolve(value: MediaValue | undefined): void;
  reject(error: unknown): void;
}

class FileReader implements MediaFileReader, JobListener {
  positionUs = 0;
  readonly #job: Promise<HostedJob>;
  /** The batch that is being given out, and the one after it. */
  #values: readonly MediaValue[] = [];
  #index = 0;
  #ahead: readonly MediaValue[] | undefined;
  #isAsking = false;
  #isEnded = false;
  #isClosed = false;
  #error: SluiceError | undefined;
  #waiting: Waiting | undefined;

  constructor(path: string, options: FileReadOptions) {
    this.#job = openJob({ kind: 'reader', path, options }, this);
    this.#job.catch((error: unknown) => {
      this.#fail(error);
    });
    this.#ask();
  }

  next(): Promise<MediaValue | undefined> {
    const fault = this.#waiting ? 'the file is already being read' : 'the file is closed';
    if (this.#waiting || (this.#isClosed && !this.#isEnded)) {
      return Promise.reject(new SluiceError('SLUICE_STATE_INVALID', fault));
    }
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#serve();
    });
  }

  take(): MediaValue | undefined {
    this.#turnOver();
    const value = this.#values[this.#index];
    if (!value) return undefined;
    this.#index++;
    this.positionUs = value.timestamp;
    return value;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#values = [];
    this.#index = 0;
    this.#ahead = undefined;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(undefined);
    const job = await this.#job.catch(() => undefined);
    await job?.close();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<MediaValue> {
    try {
      for (let value = await this.next(); value; value = await this.next()) yield value;
    } finally {
      await this.close();
    }
  }

  done(values: readonly MediaValue[], isEnd: boolean, error: SluiceError | undefined): void {
    this.#isAsking = false;
    if (error) {
      this.#fail(error);
      return;
    }
    this.#isEnded = isEnd;
    this.#ahead = values;
    if (isEnd) void this.#release();
    this.#serve();
  }

  lost(error: SluiceError): void {
    this.#fail(error);
  }

  #serve(): void {
    const waiting = this.#waiting;
    if (!waiting) {
      this.#turnOver();
      return;
    }
    const value = this.take();
    if (!value && !this.#isEnded && !this.#error) return;
    this.#waiting = undefined;
    if (value || !this.#error) waiting.resolve(value);
    else waiting.reject(this.#error);
  }

  /** Goes on with the batch that was read ahead. */
  #turnOver(): void {
    if (this.#index < this.#values.length || !this.#ahead) return;
    this.#values = this.#ahead;
    this.#index = 0;
    this.#ahead = undefined;
    this.#ask();
  }

  #ask(): void {
    if (this.#isAsking || this.#isEnded || this.#isClosed || this.#error || this.#ahead) return;
    this.#isAsking = true;
    this.#job.then(
      (job) => {
        if (!this.#isClosed) job.work({ do: 'next' });
      },
      () => undefined,
    );
  }

  #fail(error: unknown): void {
    this.#error = error instanceof SluiceError ? error : new SluiceError('SLUICE_INTERNAL', String(error));
    void this.#release();
    this.#serve();
  }

  /** Nothing more will come: the thread's side is not needed any longer. */
  async #release(): Promise<void> {
    const job = await this.#job.catch(() => undefined);
    await job?.close();
  }
}
