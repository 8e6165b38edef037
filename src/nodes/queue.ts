import { z } from 'zod';
import { ANY_MEDIA } from '../media/format.js';
import { queueShape } from '../media/media-queue.js';
import { defineNode } from '../media/node.js';
import { QueueStream, queueInput } from '../media/queue-stream.js';

const Options = z.strictObject(queueShape);

/**
 * Holds media until its reader takes it, up to a limit, as `queue:` in front of a node does. Of encoded pictures whole
 * groups are dropped, and a key frame is asked for. What it drops is counted. Errors: SLUICE_QUEUE_OVERFLOW.
 */
export const queue = defineNode({
  type: 'queue',
  summary: 'Lets media wait for its reader, bounded in ms, with a choice of what happens when it is full.',
  options: Options,
  inputs: (options) => [queueInput(options)],
  outputs: (_options, inputs) => [{ name: 'out', formats: inputs.get('in') ?? ANY_MEDIA }],
  latency: ({ maxMs }) => ({ minMs: 0, maxMs }),
  example: `nodes:
  beep: { type: tone, durationMs: 500 }
  wait: { type: queue, from: beep, maxMs: 200, overflow: drop-oldest }
  file: { type: wav, from: wait, path: out/beep.wav }`,
  create: (limits, context) =>
    new QueueStream({
      limits,
      clock: context.clock,
      dropped: (reason, values) => {
        context.dropped(reason, values);
      },
    }),
});
