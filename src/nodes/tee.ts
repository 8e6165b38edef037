import { Writable, type Readable } from 'node:stream';
import { z } from 'zod';
import { ANY_MEDIA } from '../media/format.js';
import { keyFrameRequester } from '../media/key-frame-source.js';
import { queueShape } from '../media/media-queue.js';
import type { StreamValue } from '../media/media-value.js';
import { defineNode, type NodeContext, type NodePorts } from '../media/node.js';
import { QueueStream, queueInput } from '../media/queue-stream.js';

const Options = z.strictObject({ maxMs: queueShape.maxMs, overflow: queueShape.overflow.default('block') });
type TeeOptions = z.output<typeof Options>;
type Done = (error?: Error | null) => void;

/**
 * Gives what comes in to each of its readers, over a queue of its own: one that is slow for a while holds nobody up. Values
 * are shared, never copied. When a queue is full, its `overflow` says whether the reader loses something, which is counted,
 * or all have to wait for it. Errors: SLUICE_QUEUE_OVERFLOW, for that reader.
 */
export const tee = defineNode({
  type: 'tee',
  summary: 'Gives the same media to several readers, each with a queue of its own.',
  options: Options,
  inputs: (options) => [queueInput(options)],
  outputs: (_options, inputs) => [{ name: 'out', many: true, formats: inputs.get('in') ?? ANY_MEDIA }],
  latency: ({ maxMs }) => ({ minMs: 0, maxMs }),
  example: `nodes:
  beep:  { type: tone, durationMs: 500 }
  split: { type: tee, from: beep, maxMs: 1000 }
  left:  { type: wav, from: split, path: out/left.wav }
  right: { type: wav, from: split, path: out/right.wav }`,
  create: (options, context) => new Tee(options, context),
});

class Tee implements NodePorts {
  readonly #options: TeeOptions;
  readonly #context: NodeContext;
  readonly #outputs = new Set<QueueStream>();
  readonly #input: Writable;
  readonly #requestKeyFrame: () => void;
  #waiting: Done | undefined;

  constructor(options: TeeOptions, context: NodeContext) {
    this.#options = options;
    this.#context = context;
    this.#input = new Writable({
      objectMode: true,
      highWaterMark: 1,
      write: (value: StreamValue, _encoding, done) => {
        this.#give(value, done);
      },
      final: (done) => {
        for (const output of this.#outputs) output.end();
        done();
      },
      destroy: (error, done) => {
        if (error) for (const output of this.#outputs) output.destroy(error);
        done(error);
      },
    });
    this.#requestKeyFrame = keyFrameRequester(this.#input);
  }

  input(): Writable {
    return this.#input;
  }

  output(): Readable {
    const output = new QueueStream({
      limits: this.#options,
      clock: this.#context.clock,
      dropped: (reason, values) => {
        this.#context.dropped(reason, values);
      },
      requestKeyFrame: this.#requestKeyFrame,
    });
    this.#outputs.add(output);
    output.on('drain', this.#goOn).once('close', () => {
      this.#outputs.delete(output);
      this.#goOn();
    });
    return output;
  }

  #give(value: StreamValue, done: Done): void {
    if (this.#outputs.size === 0) this.#context.dropped('reader gone');
    for (const output of this.#outputs) {
      if (output.destroyed) this.#context.dropped('reader gone');
      else output.write(value);
    }
    if (this.#isBlocked()) this.#waiting = done;
    else done();
  }

  readonly #goOn = (): void => {
    if (!this.#waiting || this.#isBlocked()) return;
    const done = this.#waiting;
    this.#waiting = undefined;
    done();
  };

  #isBlocked(): boolean {
    for (const output of this.#outputs) if (output.writableNeedDrain) return true;
    return false;
  }
}
