import { Transform, type TransformCallback } from 'node:stream';
import { z } from 'zod';
import type { CaptionsData } from '../media/captions.js';
import { defineNode, type NodeContext } from '../media/node.js';
import { OpenSegments } from '../media/open-segments.js';
import type { Transcript } from '../media/transcript.js';

const Options = z.strictObject({});

/** µs of one core for a second of captions, about. */
const COST = 1;

/**
 * Makes transcripts of the captions that somebody sends, for what takes transcripts. Their times are those at which texts came, from
 * when the node was made: where a segment begins its first text came, where it ends its last one. In a branch they are of its
 * participant, unless they name another speaker.
 */
export const transcript = defineNode({
  type: 'transcript',
  summary: 'Makes transcripts of captions that others send.',
  options: Options,
  inputs: [{ name: 'in', formats: [{ kind: 'captions' }], flow: 'push' }],
  outputs: [{ name: 'out', formats: [{ kind: 'transcript' }] }],
  converts: (from, to) =>
    from.kind === 'captions' && to.kind === 'transcript' ? { options: {}, cost: COST } : undefined,
  example: `sessions:
  room: { sessionId: demo }
nodes:
  voices: { type: subscriber, media: audio, captions: true, streams: each }
  words:  { type: transcript, from: voices.captions }
  file:   { type: webvtt, from: words, path: "out/{name}.vtt" }`,
  create: (_options, context) => new Transcripts(context),
});

class Transcripts extends Transform {
  readonly #context: NodeContext;
  readonly #madeUs: number;
  /** When the first text came of each segment, by its id. */
  readonly #begun = new OpenSegments<number>();

  constructor(context: NodeContext) {
    super({ objectMode: true });
    this.#context = context;
    this.#madeUs = context.clock.nowUs();
  }

  override _transform(captions: CaptionsData, _encoding: BufferEncoding, done: TransformCallback): void {
    const { text, isFinal, segmentId = '', speaker } = captions;
    const { branch, clock } = this.#context;
    const end = Math.round(clock.nowUs() - this.#madeUs);
    const start = this.#begun.take(segmentId, isFinal, end);
    const who = speaker ?? branch;
    done(null, {
      kind: 'transcript',
      text,
      isFinal,
      start,
      end,
      ...(who && { participant: who.name }),
      ...(who?.streamId !== undefined && { streamId: who.streamId }),
    } satisfies Transcript);
  }
}
