import { Readable, Writable } from 'node:stream';
import { z } from 'zod';
import { defineNode, type InputLink, type NodeContext, type NodePorts } from '../media/node.js';
import type { TextData } from '../media/text.js';
import type { Transcript } from '../media/transcript.js';

const Options = z.strictObject({
  maxCharacters: z
    .int()
    .min(100)
    .max(10_000_000)
    .default(200_000)
    .describe('So much is kept, in characters; of more the oldest lines are let go.'),
});

/**
 * Gathers the words of any number of inputs, and gives them as one text when no more can come and all have ended: a line for each final
 * transcript or text, in the order in which they came, with who said it in front where that is known. Inputs come and go while it runs.
 * Gives nothing where nothing was said.
 */
export const gather = defineNode({
  type: 'gather',
  summary: 'Gathers transcripts and texts, and gives them as one text at the end.',
  options: Options,
  joins: true,
  inputs: [{ name: 'in', many: true, formats: [{ kind: 'transcript' }, { kind: 'text' }], flow: 'push' }],
  outputs: [{ name: 'out', formats: [{ kind: 'text' }] }],
  example: `sessions:
  room: { sessionId: demo }
nodes:
  voices: { type: subscriber, media: audio, streams: each }
  speech: { type: vad, from: voices }
  text:   { type: stt-exec, preset: pocketsphinx, from: [voices, speech] }
  all:    { type: gather, from: text }
  file:   { type: txt, from: all, path: out/meeting.txt }`,
  create: ({ maxCharacters }, context) => new Gather(maxCharacters, context),
});

class Gather implements NodePorts {
  readonly #most: number;
  readonly #context: NodeContext;
  readonly #lines: string[] = [];
  #characters = 0;
  #open = 0;
  #sealed = false;
  readonly #output = new Readable({ objectMode: true, read: () => undefined });

  constructor(most: number, context: NodeContext) {
    this.#most = most;
    this.#context = context;
  }

  input(_port: string, { branch, name }: InputLink = {}): Writable {
    this.#open++;
    const speaker = branch === undefined ? undefined : name;
    /** Of a text that is not final. */
    let begun = '';
    const endText = (): void => {
      this.#add(begun, speaker);
      begun = '';
    };
    const input = new Writable({
      objectMode: true,
      write: (value: Transcript | TextData, _encoding, done) => {
        if (value.kind === 'text') begun += value.text;
        else if (value.isFinal) this.#add(value.text, value.participant ?? speaker);
        if (value.kind === 'text' && (value.isFinal || begun.length > this.#most)) endText();
        done();
      },
      final: (done) => {
        // What had begun was said.
        endText();
        done();
      },
    });
    input.once('close', () => {
      this.#open--;
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

  #add(text: string, speaker: string | undefined): void {
    const words = text.replaceAll(/\s+/g, ' ').trim();
    if (words === '') return;
    const line = speaker === undefined ? words : `${speaker}: ${words}`;
    this.#lines.push(line);
    this.#characters += line.length + 1;
    for (; this.#characters > this.#most && this.#lines.length > 1; this.#context.dropped('more than is kept'))
      this.#characters -= (this.#lines.shift()?.length ?? 0) + 1;
  }

  #endIfOver(): void {
    if (!this.#sealed || this.#open > 0 || this.#output.destroyed) return;
    if (this.#lines.length > 0)
      this.#output.push({ kind: 'text', text: this.#lines.join('\n'), isFinal: true } satisfies TextData);
    this.#output.push(null);
  }
}
