import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { Duplex } from 'node:stream';
import { SluiceError } from '../media/errors.js';
import type { PipelineValue } from '../media/media-value.js';
import type { NodeContext } from '../media/node.js';
import { MAX_COMPLAINT, closing, endProgram, programFailure, startProgram } from './program.js';

export interface ProgramStreamOptions {
  readonly command: readonly string[];
  readonly context: NodeContext;
  /** What a value is for the program; nothing for what it does not get. */
  readonly encode: (value: PipelineValue) => Uint8Array | undefined;
  readonly decoder: OutputDecoder;
  /** Nothing is written to it: its input ends at once. */
  readonly isSource: boolean;
  /** Nobody reads what it writes. */
  readonly isSink: boolean;
  /** It is ended when it has not ended by itself so long after its input, in ms. */
  readonly endMs: number;
}

/** Makes values of what a program writes. */
export interface OutputDecoder {
  push(bytes: Uint8Array): readonly PipelineValue[];
  /** What is left when it has ended. */
  end(): readonly PipelineValue[];
}

/**
 * A program that runs as long as the stream: values go to its standard input, and what it writes comes out, each as fast as it is
 * taken. It ends with the program. Errors: SLUICE_PROGRAM_MISSING, SLUICE_PROGRAM_FAILED; whatever happens, nothing is left of it.
 */
export class ProgramStream extends Duplex {
  readonly #options: ProgramStreamOptions;
  #child: ChildProcessWithoutNullStreams | undefined;
  #closed: Promise<string | Error | undefined> = Promise.resolve(undefined);
  #complaint = '';
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ProgramStreamOptions) {
    super({ objectMode: true, readableHighWaterMark: 8, writableHighWaterMark: 8 });
    this.#options = options;
    if (options.isSink) this.resume();
  }

  override _construct(done: (error?: Error | null) => void): void {
    const { command, isSource, context } = this.#options;
    const [name = ''] = command;
    const child = startProgram(command);
    this.#child = child;
    this.#closed = closing(child);
    child.stdin.on('error', () => undefined);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-MAX_COMPLAINT);
      context.log.debug({ program: name, text: text.trimEnd().slice(-MAX_COMPLAINT) }, 'a program says');
    });
    child.stdout.on('data', (bytes: Uint8Array) => {
      this.#give(this.#options.decoder.push(bytes));
    });
    void this.#closed.then((failure) => {
      this.#ended(name, failure);
    });
    if (isSource) child.stdin.end();
    done();
  }

  override _write(value: PipelineValue, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const bytes = this.#options.encode(value);
    const stdin = this.#child?.stdin;
    if (!bytes) done();
    else if (this.#isOver || !stdin?.writable) {
      this.#options.context.dropped('the program has ended');
      done();
    } else {
      // A program that ends while it is written to is told of by its end.
      stdin.write(bytes, (error) => {
        if (error && !this.destroyed) this.#options.context.dropped('the program has ended');
        done();
      });
    }
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#child?.stdin.end();
    this.#awaitEnd();
    void this.#closed.then(() => {
      done();
    });
  }

  override _read(): void {
    this.#child?.stdout.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#timer);
    this.#isOver = true;
    if (this.#child) endProgram(this.#child);
    // What nobody reads would keep it open.
    this.#child?.stdout.destroy();
    this.#child?.stderr.destroy();
    void this.#closed.then(() => {
      done(error);
    });
  }

  #give(values: readonly PipelineValue[]): void {
    let wantsMore = true;
    for (const value of values) if (!this.push(value)) wantsMore = false;
    if (!wantsMore) this.#child?.stdout.pause();
  }

  /** A program that does not end is ended; one whose output nobody takes cannot. */
  #awaitEnd(): void {
    const { command, endMs } = this.#options;
    const [name = ''] = command;
    this.#timer = setTimeout(() => {
      if (this.#child?.stdout.isPaused() === true) {
        this.#awaitEnd();
        return;
      }
      this.destroy(late(name, endMs));
    }, endMs);
  }

  #ended(name: string, failure: string | Error | undefined): void {
    clearTimeout(this.#timer);
    if (this.destroyed || this.#isOver) return;
    this.#isOver = true;
    const { decoder, isSource } = this.#options;
    if (failure !== undefined) this.destroy(programFailure('SLUICE_PROGRAM_FAILED', name, failure, this.#complaint));
    else {
      this.#give(decoder.end());
      this.push(null);
      if (isSource) this.end();
    }
  }
}

function late(name: string, endMs: number): SluiceError {
  return new SluiceError('SLUICE_PROGRAM_FAILED', `"${name}" did not end within ${endMs} ms after its input had`, {
    mend: 'Give it more time (endMs), or let it end with its standard input.',
  });
}
