import { z } from 'zod';
import { defineNode } from '../media/node.js';
import { OutputPath } from '../media/path-template.js';
import type { TextData } from '../media/text.js';
import type { Transcript } from '../media/transcript.js';
import { textFile } from '../speech/text-file.js';

const Options = z.strictObject({ path: OutputPath });

/**
 * Writes texts and final transcripts as plain text, each on a line of its own; folders are made. In a branch, and when the node is made
 * anew after a failure, an existing file is kept and a number added to the name. Errors: SLUICE_FILE_WRITE.
 */
export const txt = defineNode({
  type: 'txt',
  summary: 'Writes texts and transcripts as plain text.',
  options: Options,
  inputs: [{ name: 'in', formats: [{ kind: 'text' }, { kind: 'transcript' }] }],
  outputs: [],
  example: `nodes:
  lines: { type: text-lines, path: lines.txt }
  file:  { type: txt, from: lines, path: out/lines.txt }`,
  create: ({ path }, context) => textFile(path, context, lineOf),
});

function lineOf(value: TextData | Transcript): string {
  if (value.kind === 'transcript') return value.isFinal ? `${value.text.trim()}\n` : '';
  return value.isFinal ? `${value.text}\n` : value.text;
}
