import { Writable } from 'node:stream';
import { z } from 'zod';
import { ANY_VALUE } from '../media/format.js';
import { durationUs, type PipelineValue } from '../media/media-value.js';
import { defineNode } from '../media/node.js';

/** Takes everything at once and keeps nothing; at the end it logs how much there was. */
export const nullNode = defineNode({
  type: 'null',
  summary: 'Counts what comes in and throws it away.',
  options: z.strictObject({}),
  inputs: [{ name: 'in', formats: ANY_VALUE, flow: 'push' }],
  outputs: [],
  example: `nodes:
  beep: { type: tone, durationMs: 500 }
  end:  { type: 'null', from: beep }`,
  create(_options, context) {
    let chunks = 0;
    let mediaUs = 0;
    return new Writable({
      objectMode: true,
      write(value: PipelineValue, _encoding, done) {
        chunks++;
        mediaUs += durationUs(value);
        done();
      },
      final(done) {
        context.log.info({ chunks, mediaMs: mediaUs / 1000 }, 'counted');
        done();
      },
    });
  },
});
