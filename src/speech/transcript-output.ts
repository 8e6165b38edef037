import { Readable } from 'node:stream';
import type { NodeContext } from '../media/node.js';
import type { Passing } from '../media/passing.js';
import type { Transcript } from '../media/transcript.js';
import type { Heard } from './recogniser.js';

/** The output of nodes that turn speech into text. */
export class TranscriptOutput {
  readonly stream: Readable;
  readonly #context: NodeContext;
  readonly #abort = new AbortController();

  /** `close` is waited for when the stream is over, however it ended: nothing is left then. */
  constructor(context: NodeContext, close: () => Promise<void>) {
    this.#context = context;
    this.stream = new Readable({
      objectMode: true,
      read: () => undefined,
      destroy: (error, done) => {
        this.#abort.abort(error ?? new Error('the node has ended'));
        close().then(
          () => {
            done(error);
          },
          (closing: unknown) => {
            done(error ?? (closing as Error));
          },
        );
      },
    });
    const end = (): void => {
      this.#abort.abort(context.signal.reason);
    };
    context.signal.addEventListener('abort', end, { once: true });
    this.stream.once('close', () => {
      context.signal.removeEventListener('abort', end);
    });
  }

  /** Aborted when nothing is wanted any more. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Gives what was heard as a transcript of the node's speaker, which is `transcribed` now. */
  tell({ text, isFinal, startUs, endUs, words }: Heard, passed: readonly Passing[]): void {
    if (this.stream.destroyed) return;
    const { branch, clock } = this.#context;
    this.stream.push({
      kind: 'transcript',
      text,
      isFinal,
      start: startUs,
      end: endUs,
      ...(branch && { participant: branch.name, streamId: branch.streamId }),
      ...(words && { words }),
      passed: [...passed, { stage: 'transcribed', atUs: clock.nowUs() }],
    } satisfies Transcript);
  }

  end(): void {
    if (!this.stream.destroyed && !this.stream.readableEnded) this.stream.push(null);
  }
}
