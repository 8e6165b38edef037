import { Writable, type Readable } from 'node:stream';
import { z } from 'zod';
import type { FormatPattern } from '../media/format.js';
import { HeldOutput } from '../media/held-output.js';
import { defineNode, type NodePorts } from '../media/node.js';
import type { PipelineValue } from '../media/media-value.js';

const WORDS: readonly FormatPattern[] = [{ kind: 'transcript' }, { kind: 'text' }, { kind: 'captions' }];

/**
 * Brings the words of any number of inputs together, in the order in which they come; inputs come and go while it runs. The slowest
 * reader holds all of them back. Ends when no more inputs can come and all have ended.
 */
export const funnel = defineNode({
  type: 'funnel',
  summary: 'Brings transcripts, texts or captions of any number of inputs together, also those of branches.',
  options: z.strictObject({}),
  joins: true,
  inputs: [{ name: 'in', many: true, formats: WORDS, flow: 'pull' }],
  outputs: (_options, inputs) => [{ name: 'out', formats: inputs.get('in') ?? WORDS }],
  example: `sessions:
  room: { sessionId: demo }
nodes:
  voices: { type: subscriber, media: audio, streams: each }
  speech: { type: vad, from: voices }
  text:   { type: stt-exec, preset: pocketsphinx, from: [voices, speech] }
  all:    { type: funnel, from: text }
  file:   { type: jsonl, from: all, path: out/everyone.jsonl }`,
  create: () => new Funnel(),
});

class Funnel implements NodePorts {
  readonly #open = new Set<Writable>();
  readonly #output = new HeldOutput(16);
  #sealed = false;

  input(): Writable {
    const input = new Writable({
      objectMode: true,
      highWaterMark: 4,
      write: (value: PipelineValue, _encoding, done) => {
        this.#output.give(value, done);
      },
    });
    this.#open.add(input);
    input.once('close', () => {
      this.#open.delete(input);
      this.#endIfOver();
    });
    return input;
  }

  output(): Readable {
    return this.#output;
  }

  seal(): void {
    this.#sealed = true;
    this.#endIfOver();
  }

  #endIfOver(): void {
    if (this.#sealed && this.#open.size === 0 && !this.#output.destroyed) this.#output.push(null);
  }
}
