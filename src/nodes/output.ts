import { Writable } from 'node:stream';
import { z } from 'zod';
import { ANY_VALUE } from '../media/format.js';
import type { PipelineValue } from '../media/media-value.js';
import { defineNode } from '../media/node.js';
import { chosenFormat, formatShape, strayOption } from '../media/stream-format.js';

const Options = z
  .strictObject({
    ...formatShape,
    media: formatShape.media
      .optional()
      .describe(
        'Kind of media that the program wants: what comes is converted to it. Anything when left out, also words.',
      ),
  })
  .superRefine((options, context) => {
    const stray = strayOption(options);
    const kind = options.media ?? 'any media';
    if (stray !== undefined)
      context.addIssue({ code: 'custom', path: [stray], message: `Expected no "${stray}" of ${kind}` });
  });

/**
 * Gives media, or words, to the stream that the program around the graph gives for this node, by its id
 * (`runGraph(graph, { outputs })`). It is ended with the graph, and destroyed when that fails.
 * Errors: SLUICE_STREAM_MISSING.
 */
export const output = defineNode({
  type: 'output',
  summary: 'Gives media to a stream of the program around the graph.',
  options: Options,
  given: 'output',
  inputs: (options) => [
    {
      name: 'in',
      formats: options.media === undefined ? ANY_VALUE : [chosenFormat(options.media, options)],
      flow: 'pull',
    },
  ],
  outputs: [],
  example: `nodes:
  beep:  { type: tone, durationMs: 1000, live: false }
  sound: { type: output, from: beep, media: audio, sampleRate: 16000, channels: 1 }`,
  create: (_options, context) => new GivenOutput(context.given.output()),
});

/** Stands for the program's stream, and is done when that has taken everything, read or not. */
class GivenOutput extends Writable {
  readonly #given: Writable;

  constructor(given: Writable) {
    super({ objectMode: true, highWaterMark: 1 });
    this.#given = given;
    given.on('error', this.#failed).once('close', this.#closed);
  }

  override _write(value: PipelineValue, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    // A stream that has failed tells by its events.
    this.#given.write(value, (error) => {
      done(error);
    });
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#given.end(() => {
      done();
    });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#given.off('close', this.#closed);
    if (!this.#given.writableFinished) this.#given.destroy(error ?? undefined);
    done(error);
  }

  readonly #failed = (error: Error): void => {
    this.destroy(error);
  };

  readonly #closed = (): void => {
    this.destroy();
  };
}
