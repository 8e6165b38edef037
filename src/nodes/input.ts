import { Transform, pipeline, type TransformCallback } from 'node:stream';
import { z } from 'zod';
import type { FormatPattern } from '../media/format.js';
import type { PipelineValue } from '../media/media-value.js';
import { defineNode } from '../media/node.js';
import { STREAM_KINDS, checkValue, chosenFormat, formatShape, strayOption } from '../media/stream-format.js';

const Options = z
  .strictObject({
    ...formatShape,
    media: z
      .enum(STREAM_KINDS)
      .describe(
        'What comes: `audio`, `video`, `encoded-audio` (Opus), `encoded-video`, or words: `captions`, `text`, `transcript`, `voice-activity`.',
      ),
    live: z
      .boolean()
      .default(false)
      .describe('`true` when media comes by the clock and its giver does not wait: a queue then stands between.'),
  })
  .superRefine((options, context) => {
    const stray = strayOption(options);
    if (stray !== undefined)
      context.addIssue({ code: 'custom', path: [stray], message: `Expected no "${stray}" of ${options.media}` });
  });

/**
 * The stream of media or words that the program around the graph gives for this node, by its id (`runGraph(graph, { inputs })`). The
 * graph ends and destroys it, as `stream.pipeline` does. Errors: SLUICE_STREAM_MISSING; SLUICE_FORMAT_MISMATCH when what comes has another
 * format than was announced.
 */
export const input = defineNode({
  type: 'input',
  summary: 'Takes in the media, or words, of a stream that the program around the graph gives.',
  options: Options,
  given: 'input',
  inputs: [],
  outputs: (options) => [{ name: 'out', formats: [chosenFormat(options.media, options)] }],
  latency: ({ live }) => ({ live, minMs: 0, maxMs: 0 }),
  example: `nodes:
  speech: { type: input, media: audio, sampleRate: 16000, channels: 1 }
  file:   { type: wav, from: speech, path: out/speech.wav }`,
  create(options, context) {
    const checked = new CheckedStream(chosenFormat(options.media, options));
    // Whoever watches `checked` is told of every error.
    pipeline(context.given.input(), checked, () => undefined);
    return checked;
  },
});

class CheckedStream extends Transform {
  readonly #format: FormatPattern;

  constructor(format: FormatPattern) {
    super({ objectMode: true, readableHighWaterMark: 2, writableHighWaterMark: 1 });
    this.#format = format;
  }

  override _transform(value: PipelineValue, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      checkValue(value, this.#format);
      done(null, value);
    } catch (error) {
      done(error as Error);
    }
  }
}
