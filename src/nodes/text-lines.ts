import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { SluiceError } from '../media/errors.js';
import { defineNode, type NodeContext } from '../media/node.js';
import { pathFrom } from '../media/path-template.js';
import type { TextData } from '../media/text.js';

/** Longer lines are given in parts of so many characters: no source may fill the memory with one. */
const MAX_LINE = 4000;

const Options = z.strictObject({
  path: z
    .string()
    .min(1)
    .default('-')
    .describe('File to read, relative to the pipeline file; `-` is the standard input.'),
});

/**
 * Gives the lines of a text, one value a line, as they come: a text to be said. Empty lines are left out; a line of more than 4000
 * characters comes in parts. Ends with the file. Errors: SLUICE_FILE_NOT_FOUND.
 */
export const textLines = defineNode({
  type: 'text-lines',
  summary: 'Gives the lines of the standard input (stdin), or of a file, as texts.',
  options: Options,
  inputs: [],
  outputs: [{ name: 'out', formats: [{ kind: 'text' }] }],
  example: `nodes:
  lines: { type: text-lines, path: lines.txt }
  voice: { type: tts-exec, from: lines }
  file:  { type: wav, from: voice, path: out/lines.wav }`,
  create: ({ path }, context) => Readable.from(linesOf(path, context), { objectMode: true, highWaterMark: 4 }),
});

async function* linesOf(path: string, { baseDir, signal }: NodeContext): AsyncGenerator<TextData> {
  const file = path === '-' ? undefined : createReadStream(pathFrom(baseDir, path), { signal });
  const lines = createInterface({ input: file ?? process.stdin, crlfDelay: Infinity, ...(!file && { signal }) });
  try {
    for await (const line of lines) {
      const text = line.trim();
      for (let at = 0; at < text.length; at += MAX_LINE)
        yield { kind: 'text', text: text.slice(at, at + MAX_LINE), isFinal: at + MAX_LINE >= text.length };
    }
  } catch (cause) {
    if (signal.aborted) return;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SluiceError('SLUICE_FILE_NOT_FOUND', `cannot read ${path}: ${reason}`, { cause });
  } finally {
    lines.close();
    file?.destroy();
  }
}
