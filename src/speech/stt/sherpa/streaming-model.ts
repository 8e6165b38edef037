import type { ModelFolder, SherpaSttModel } from './model-folder.js';

/** Kinds of models that hear while somebody speaks. */
export const STREAMING_KINDS = [
  'streaming-transducer',
  'streaming-paraformer',
  'streaming-zipformer-ctc',
  'streaming-nemo-ctc',
] as const;
export type StreamingKind = (typeof STREAMING_KINDS)[number];

/** Which streaming model lies in a folder, as `offlineModel` does it. Pure. Errors: SLUICE_CONFIG_INVALID, with what is missing. */
export function streamingModel(folder: ModelFolder, kind: StreamingKind = kindOf(folder)): SherpaSttModel {
  const { tokens } = folder;
  switch (kind) {
    case 'streaming-transducer':
      return {
        transducer: { encoder: folder.encoder, decoder: folder.decoder, joiner: folder.joiner },
        tokens,
      };
    case 'streaming-paraformer':
      return { paraformer: { encoder: folder.encoder, decoder: folder.decoder }, tokens };
    case 'streaming-zipformer-ctc':
      return { zipformer2Ctc: { model: folder.path(SINGLE, 'model.onnx') }, tokens };
    case 'streaming-nemo-ctc':
      return { nemoCtc: { model: folder.path(SINGLE, 'model.onnx') }, tokens };
  }
}

/** Of kinds that are one file. */
const SINGLE = /^(?:ctc|model)\b.*\.onnx$/;

function kindOf(folder: ModelFolder): StreamingKind {
  if (folder.has(/joiner\b.*\.onnx$/)) return 'streaming-transducer';
  if (folder.has(/encoder\b.*\.onnx$/)) return 'streaming-paraformer';
  if (/nemo/i.test(folder.name)) return 'streaming-nemo-ctc';
  if (/zipformer/i.test(folder.name) || folder.has(/^ctc\b.*\.onnx$/)) return 'streaming-zipformer-ctc';
  throw folder.unusable('its files do not tell its kind');
}
