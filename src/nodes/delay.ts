import { Transform, type TransformCallback } from 'node:stream';
import { z } from 'zod';
import { ANY_MEDIA } from '../media/format.js';
import { keyFrameRequester } from '../media/key-frame-source.js';
import type { MediaValue } from '../media/media-value.js';
import { defineNode } from '../media/node.js';

const Options = z.strictObject({
  ms: z
    .number()
    .min(0)
    .max(10_000)
    .describe('Delay in ms of media time, 0 to 10000. Raw video of that length is held in memory.'),
});

/**
 * Holds media back by media time: a value goes out when one has come in whose timestamp is `ms` later,
 * and carries a timestamp that is `ms` later. What is held at the end goes out then, nothing is lost.
 */
export const delay = defineNode({
  type: 'delay',
  summary: 'Holds media back by a fixed time.',
  options: Options,
  inputs: [{ name: 'in', formats: ANY_MEDIA }],
  outputs: (_options, inputs) => [{ name: 'out', formats: inputs.get('in') ?? ANY_MEDIA }],
  latency: ({ ms }) => ({ minMs: ms, maxMs: ms }),
  example: `nodes:
  beep: { type: tone, durationMs: 500 }
  late: { type: delay, from: beep, ms: 200 }
  file: { type: wav, from: late, path: out/late.wav }`,
  create: (options) => new Delay(options.ms * 1000),
});

class Delay extends Transform {
  readonly #delayUs: number;
  readonly #held: MediaValue[] = [];
  /** Asks whoever gives encoded pictures for one that can be decoded on its own. */
  readonly requestKeyFrame = keyFrameRequester(this);

  constructor(delayUs: number) {
    super({ objectMode: true });
    this.#delayUs = delayUs;
  }

  override _transform(value: MediaValue, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#held.push(value);
    for (
      let first = this.#held[0];
      first && first.timestamp + this.#delayUs <= value.timestamp;
      first = this.#held[0]
    ) {
      this.#release();
    }
    done();
  }

  override _flush(done: TransformCallback): void {
    while (this.#held.length > 0) this.#release();
    done();
  }

  #release(): void {
    const value = this.#held.shift();
    if (value) this.push({ ...value, timestamp: value.timestamp + this.#delayUs });
  }
}
