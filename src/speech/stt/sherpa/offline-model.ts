import type { ModelFolder, SherpaSttModel } from './model-folder.js';

/** Kinds of offline models whose files are named alike; the folder's name tells them apart where it can. */
export const OFFLINE_KINDS = [
  'whisper',
  'moonshine',
  'transducer',
  'nemo-transducer',
  'sense-voice',
  'paraformer',
  'nemo-ctc',
  'zipformer-ctc',
] as const;
export type OfflineKind = (typeof OFFLINE_KINDS)[number];

/** Parts of the names of folders, as sherpa-onnx's own models have them, for kinds that are one file. */
const NAMES: readonly (readonly [RegExp, OfflineKind])[] = [
  [/sense-?voice/i, 'sense-voice'],
  [/paraformer/i, 'paraformer'],
  [/nemo|parakeet|giga-?am/i, 'nemo-ctc'],
  [/zipformer/i, 'zipformer-ctc'],
];

/**
 * Which offline model lies in a folder, by the names of its files, and by its own name where these say too little. `kind` is what the
 * user says; `language` is passed on to models that take one. Pure. Errors: SLUICE_CONFIG_INVALID, with what is missing.
 */
export function offlineModel(
  folder: ModelFolder,
  options: { readonly kind?: OfflineKind | undefined; readonly language?: string | undefined } = {},
): SherpaSttModel {
  const { tokens } = folder;
  const kind = options.kind ?? kindOf(folder);
  const language = options.language === undefined ? {} : { language: options.language };
  const single = (): { model: string } => ({ model: folder.path(/^(?:.*-)?model\b.*\.onnx$/, 'model.onnx') });
  switch (kind) {
    case 'whisper':
      return {
        whisper: { encoder: folder.encoder, decoder: folder.decoder, ...language },
        tokens,
      };
    case 'moonshine':
      return {
        moonshine: {
          preprocessor: folder.path(/^preprocess\b.*\.onnx$/, 'preprocess.onnx'),
          encoder: folder.path(/^encode\b.*\.onnx$/, 'encode.onnx'),
          uncachedDecoder: folder.path(/^uncached_decode\b.*\.onnx$/, 'uncached_decode.onnx'),
          cachedDecoder: folder.path(/^cached_decode\b.*\.onnx$/, 'cached_decode.onnx'),
        },
        tokens,
      };
    case 'transducer':
    case 'nemo-transducer':
      return {
        transducer: { encoder: folder.encoder, decoder: folder.decoder, joiner: folder.joiner },
        tokens,
        ...(kind === 'nemo-transducer' && { modelType: 'nemo_transducer' }),
      };
    case 'sense-voice':
      return { senseVoice: { ...single(), ...language }, tokens };
    case 'paraformer':
      return { paraformer: single(), tokens };
    case 'nemo-ctc':
      return { nemoCtc: single(), tokens };
    case 'zipformer-ctc':
      return { zipformerCtc: single(), tokens };
  }
}

function kindOf(folder: ModelFolder): OfflineKind {
  if (folder.has(/^preprocess\b.*\.onnx$/)) return 'moonshine';
  if (folder.has(/joiner\b.*\.onnx$/)) return /nemo|parakeet/i.test(folder.name) ? 'nemo-transducer' : 'transducer';
  const encoder = folder.find(/encoder\b.*\.onnx$/);
  if (encoder !== undefined && (/whisper/i.test(folder.name) || /-encoder/.test(encoder))) return 'whisper';
  const kind = NAMES.find(([pattern]) => pattern.test(folder.name))?.[1];
  if (kind === undefined) throw folder.unusable('its files do not tell its kind');
  return kind;
}
