import { Writable } from 'node:stream';
import { z } from 'zod';
import { AudioConverter } from '../codecs/audio-converter.js';
import { openNodeFile } from '../codecs/node-file.js';
import type { OutputFile } from '../codecs/output-file.js';
import type { AudioData } from '../media/audio-data.js';
import { SluiceError } from '../media/errors.js';
import { defineNode, type NodeContext } from '../media/node.js';
import { OutputPath } from '../media/path-template.js';
import { WAV_HEADER_BYTES, wavHeader } from '../media/wav-header.js';

const Options = z.strictObject({ path: OutputPath });

/**
 * Writes audio to a WAV file (16-bit PCM), in the sample rate and channels of the first chunk: what comes in another format
 * on the way is converted to it. Folders are made.
 * Chunks are put one after the other, whatever their timestamps. The sizes in the header are set at the end, also
 * when the graph is stopped or fails. In a branch, and when the node is made anew after a failure, an existing
 * file is kept and a number added to the name.
 *
 * Errors: SLUICE_FILE_WRITE.
 */
export const wav = defineNode({
  type: 'wav',
  summary: 'Writes audio to a WAV file.',
  options: Options,
  inputs: [{ name: 'in', formats: [{ kind: 'audio' }] }],
  outputs: [],
  example: `nodes:
  beep: { type: tone, durationMs: 1000, live: false }
  file: { type: wav, from: beep, path: out/beep.wav }`,
  create: async ({ path }, context) => new WavWriter(await openNodeFile(path, context), context),
});

/** A third of a second of stereo at 48 kHz. */
const WRITE_BYTES = 65_536;

class WavWriter extends Writable {
  readonly #file: OutputFile;
  readonly #context: NodeContext;
  #sampleRate = 48_000;
  #channels = 1;
  /** What is in the file, without its header. */
  #dataBytes = 0;
  /** What goes into the file next: a write for every chunk takes longer than all the rest. */
  readonly #gathered = new Uint8Array(WRITE_BYTES);
  #gatheredBytes = 0;
  /** Settles when the last chunk is written, where that had to wait. */
  #writing: Promise<void> | undefined;
  /** Made with the first chunk, whose format is that of the file. */
  #converter: AudioConverter | undefined;

  constructor(file: OutputFile, context: NodeContext) {
    super({ objectMode: true });
    this.#file = file;
    this.#context = context;
  }

  override _write(audio: AudioData, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (!this.#converter) {
      this.#sampleRate = audio.sampleRate;
      this.#channels = audio.numberOfChannels;
      this.#converter = new AudioConverter({ sampleRate: audio.sampleRate, numberOfChannels: audio.numberOfChannels });
    }
    try {
      this.#writing = this.#append(this.#converter, audio);
    } catch (error) {
      done(error as Error);
      return;
    }
    if (this.#writing)
      this.#writing.then(() => {
        done();
      }, done);
    else done();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#complete().then(() => {
      const { path } = this.#file;
      this.#context.log.info({ path, seconds: this.#dataBytes / (2 * this.#channels * this.#sampleRate) }, 'wrote');
      done();
    }, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#converter?.close();
    const rest = this.writableFinished ? Promise.resolve() : this.#salvage();
    void rest
      .then(() => this.#file.handle.close())
      .then(
        () => {
          done(error);
        },
        (closing: unknown) => {
          done(error ?? writeError(this.#file.path, closing));
        },
      );
  }

  /** A promise where it has to wait. */
  #append(converter: AudioConverter, audio: AudioData): Promise<void> | undefined {
    const converted = converter.convert(audio);
    if (converted instanceof Promise) return converted.then((chunks) => this.#writeAll(chunks));
    const [only] = converted;
    if (!only) return undefined;
    if (converted.length > 1 || !this.#hasRoomFor(only)) return this.#writeAll(converted);
    this.#gather(only);
    return undefined;
  }

  async #complete(): Promise<void> {
    await this.#writeAll(this.#converter?.flush() ?? []);
    await this.#writeRest();
  }

  async #writeAll(chunks: readonly AudioData[]): Promise<void> {
    for (const chunk of chunks) {
      if (!this.#hasRoomFor(chunk)) await this.#writeGathered();
      if (this.#hasRoomFor(chunk)) this.#gather(chunk);
      else await this.#writeData(bytesOf(chunk));
    }
  }

  #hasRoomFor({ data }: AudioData): boolean {
    return this.#gatheredBytes + data.byteLength <= WRITE_BYTES;
  }

  #gather(chunk: AudioData): void {
    this.#gathered.set(bytesOf(chunk), this.#gatheredBytes);
    this.#gatheredBytes += chunk.data.byteLength;
  }

  async #writeGathered(): Promise<void> {
    const bytes = this.#gathered.subarray(0, this.#gatheredBytes);
    this.#gatheredBytes = 0;
    await this.#writeData(bytes);
  }

  async #writeData(bytes: Uint8Array): Promise<void> {
    await this.#write(bytes, WAV_HEADER_BYTES + this.#dataBytes);
    this.#dataBytes += bytes.length;
  }

  /** As much of a file that will not be whole as can be written. */
  async #salvage(): Promise<void> {
    await this.#writing?.catch(() => undefined);
    await this.#writeRest().catch(() => undefined);
  }

  /** What is gathered, and the header, which tells how much there is. */
  async #writeRest(): Promise<void> {
    await this.#writeGathered();
    await this.#write(wavHeader(this.#sampleRate, this.#channels, this.#dataBytes), 0);
  }

  async #write(bytes: Uint8Array, position: number): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) {
        at += (await this.#file.handle.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
      }
    } catch (error) {
      throw writeError(this.#file.path, error);
    }
  }
}

function bytesOf({ data }: AudioData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function writeError(path: string, cause: unknown): SluiceError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SluiceError('SLUICE_FILE_WRITE', `cannot write ${path}: ${reason}`, { cause });
}
