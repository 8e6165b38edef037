import { z } from 'zod';
import { pathFrom } from '../../media/path-template.js';
import { defineEngine } from '../engine.js';
import type { Recogniser, StreamingRecogniser } from '../recogniser.js';
import { sherpaNeeds } from '../sherpa-package.js';
import { readModelFolder } from './sherpa/model-folder.js';
import { OFFLINE_KINDS, type OfflineKind } from './sherpa/offline-model.js';
import { OfflineRecogniser } from './sherpa/offline.js';
import { STREAMING_KINDS, type StreamingKind } from './sherpa/streaming-model.js';
import { SherpaStreamingRecogniser } from './sherpa/streaming.js';

const Options = z.strictObject({
  model: z.string().min(1).describe('Folder of a model, streaming or offline, relative to the pipeline file.'),
  kind: z
    .enum([...OFFLINE_KINDS, ...STREAMING_KINDS])
    .optional()
    .describe('Kind of the model, where its files and the name of its folder do not tell.'),
  language: z
    .string()
    .min(2)
    .optional()
    .describe('What is spoken, as `en`, for models that take it (whisper, sense-voice); without it they find out.'),
  threads: z.int().min(1).max(64).default(1).describe('Threads that the model runs on.'),
  timeoutMs: z
    .number()
    .min(100)
    .max(600_000)
    .default(30_000)
    .describe('How long the model may take for an utterance, in ms; loading it, and those before, count.'),
});

/**
 * Understands speech by a model of sherpa-onnx. An offline one runs in this process, off the main thread, and understands utterances; a
 * streaming one in a process of its own, and writes along. Either is loaded with the first sound.
 */
export const sherpaStt = defineEngine({
  type: 'stt-sherpa',
  kind: 'stt',
  options: Options,
  needs: ({ model }, baseDir) => sherpaNeeds(pathFrom(baseDir, model)),
  create: ({ kind, ...options }, { baseDir }): Recogniser | StreamingRecogniser => {
    const model = pathFrom(baseDir, options.model);
    if (kind === undefined)
      return isStreamingFolder(model)
        ? new SherpaStreamingRecogniser({ ...options, model })
        : new OfflineRecogniser({ ...options, model });
    return isStreaming(kind)
      ? new SherpaStreamingRecogniser({ ...options, model, kind })
      : new OfflineRecogniser({ ...options, model, kind });
  },
});

function isStreaming(kind: OfflineKind | StreamingKind): kind is StreamingKind {
  return STREAMING_KINDS.some((one) => one === kind);
}

/** A folder that is not there is told of when it is needed. */
function isStreamingFolder(path: string): boolean {
  try {
    return readModelFolder(path).isStreaming;
  } catch {
    return false;
  }
}
