import type { EncodedAudioChunk, EncodedVideoChunk } from '../media/encoded-chunk.js';
import { type Muxer, type MuxerOptions, createMuxer } from './muxer.js';

type Chunk = EncodedAudioChunk | EncodedVideoChunk;

/** A media file that takes chunks while it is still being opened. */
export class RecordedFile {
  /** Settles when it is open. Errors: those of `createMuxer` and of `path`. */
  readonly opened: Promise<void>;
  readonly #waiting: Chunk[] = [];
  #muxer: Muxer | undefined;

  /** `path` says where it is to be. */
  constructor(path: () => Promise<string>, options: MuxerOptions) {
    this.opened = this.#open(path, options);
    this.opened.catch(() => undefined);
  }

  /** Chunks that are not in the file yet. */
  get pending(): number {
    return this.#waiting.length + (this.#muxer?.pending ?? 0);
  }

  /** As `Muxer.write`; what is wrong while it is being opened is told by `opened`. */
  write(chunk: Chunk): void {
    if (this.#muxer) this.#muxer.write(chunk);
    else this.#waiting.push(chunk);
  }

  /** Settles when nothing is pending. Errors: SLUICE_FILE_WRITE, and those of `opened`. */
  async drained(): Promise<void> {
    await this.opened;
    await this.#muxer?.drained();
  }

  /** Completes the file; gives its path. Errors: those of `drained`. */
  async close(): Promise<string> {
    await this.opened;
    await this.#muxer?.close();
    return this.#muxer?.path ?? '';
  }

  async #open(path: () => Promise<string>, options: MuxerOptions): Promise<void> {
    const muxer = await createMuxer(await path(), options);
    try {
      for (const chunk of this.#waiting.splice(0)) muxer.write(chunk);
    } catch (error) {
      await muxer.close().catch(() => undefined);
      throw error;
    }
    this.#muxer = muxer;
  }
}
