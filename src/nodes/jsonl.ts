import { z } from 'zod';
import type { PipelineValue } from '../media/media-value.js';
import { defineNode } from '../media/node.js';
import { OutputPath } from '../media/path-template.js';
import { textFile } from '../speech/text-file.js';

const Options = z.strictObject({ path: OutputPath });

/**
 * Writes what is said and when somebody speaks as JSON, one line a value, with its fields as they are; folders are made. In a branch, and
 * when the node is made anew after a failure, an existing file is kept and a number added to the name. Errors: SLUICE_FILE_WRITE.
 */
export const jsonl = defineNode({
  type: 'jsonl',
  summary: 'Writes transcripts, texts, captions, turns and voice activity as lines of JSON.',
  options: Options,
  inputs: [
    {
      name: 'in',
      formats: [
        { kind: 'transcript' },
        { kind: 'text' },
        { kind: 'captions' },
        { kind: 'voice-activity' },
        { kind: 'turn' },
      ],
    },
  ],
  outputs: [],
  example: `nodes:
  clip:   { type: file, path: speech.ogg }
  speech: { type: vad, from: clip.audio }
  times:  { type: jsonl, from: speech, path: out/speech.jsonl }`,
  create: ({ path }, context) => textFile(path, context, (value: PipelineValue) => `${JSON.stringify(value)}\n`),
});
