import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { SluiceError } from '../media/errors.js';
import { defineNode } from '../media/node.js';
import { pathFrom } from '../media/path-template.js';
import type { TextData } from '../media/text.js';
import { LineSplitter } from '../speech/line-splitter.js';

const Options = z.strictObject({
  path: z
    .string()
    .min(1)
    .default('-')
    .describe('File to read, relative to the pipeline file; `-` is the standard input.'),
});

/**
 * Gives the lines of a text, one value a line, as they come: a text to be said. Empty lines are left out; a line of more than 4000
 * characters comes in parts. Ends with the file. Errors: SLUICE_FILE_NOT_FOUND.
 */
export const textLines = defineNode({
  type: 'text-lines',
  summary: 'Gives the lines of the standard input (stdin), or of a file, as texts.',
  options: Options,
  inputs: [],
  outputs: [{ name: 'out', formats: [{ kind: 'text' }] }],
  example: `nodes:
  lines: { type: text-lines, path: lines.txt }
  voice: { type: tts-exec, from: lines }
  file:  { type: wav, from: voice, path: out/lines.wav }`,
  create: ({ path }, { baseDir }) => new TextLines(path === '-' ? undefined : pathFrom(baseDir, path)),
});

class TextLines extends Readable {
  /** Undefined for the standard input. */
  readonly #path: string | undefined;
  readonly #lines = new LineSplitter();
  #input: Readable | undefined;

  constructor(path: string | undefined) {
    super({ objectMode: true, highWaterMark: 4 });
    this.#path = path;
  }

  override _read(): void {
    if (this.#input) this.#input.resume();
    else this.#open();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const input = this.#input;
    input?.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onError);
    // Others may read on from the standard input.
    if (input === process.stdin) input.pause();
    else input?.on('error', () => undefined).destroy();
    done(error);
  }

  #open(): void {
    const input = this.#path === undefined ? process.stdin : createReadStream(this.#path);
    this.#input = input;
    if (input.readableEnded) this.#onEnd();
    else input.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onError);
  }

  readonly #onData = (bytes: Buffer): void => {
    if (!this.#give(this.#lines.push(bytes))) this.#input?.pause();
  };

  readonly #onEnd = (): void => {
    this.#give(this.#lines.end());
    this.push(null);
  };

  readonly #onError = (cause: Error): void => {
    const path = this.#path ?? 'the standard input';
    this.destroy(
      new SluiceError('SLUICE_FILE_NOT_FOUND', `cannot read ${path}: ${cause.message}`, {
        cause,
        mend: 'Check the path and its permissions.',
      }),
    );
  };

  /** Whether the reader wants more. */
  #give(texts: readonly TextData[]): boolean {
    let wantsMore = true;
    for (const text of texts) wantsMore = this.push(text);
    return wantsMore;
  }
}
