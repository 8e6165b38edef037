import { basename, join } from 'node:path';
import { SluiceError } from '../../media/errors.js';

/** Kinds of offline models whose files are named alike; the folder's name tells them apart where it can. */
export const SHERPA_STT_KINDS = [
  'whisper',
  'moonshine',
  'transducer',
  'nemo-transducer',
  'sense-voice',
  'paraformer',
  'nemo-ctc',
  'zipformer-ctc',
] as const;
export type SherpaSttKind = (typeof SHERPA_STT_KINDS)[number];

/** As sherpa-onnx's configuration of an offline model has it: its kind, the paths of its files, and its tokens. */
export type SherpaSttModel = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

/** Parts of the names of folders, as sherpa-onnx's own models have them, for kinds that are one file. */
const NAMES: readonly (readonly [RegExp, SherpaSttKind])[] = [
  [/sense-?voice/i, 'sense-voice'],
  [/paraformer/i, 'paraformer'],
  [/nemo|parakeet|giga-?am/i, 'nemo-ctc'],
  [/zipformer/i, 'zipformer-ctc'],
];
const STREAMING = /streaming|chunk-\d+/i;

/**
 * Which offline model lies in a folder, by the names of its files, and by its own name where these say too little. `kind` is what the
 * user says; `language` is passed on to models that take one. Pure. Errors: SLUICE_CONFIG_INVALID, with what is missing.
 */
export function sherpaSttModel(
  folder: string,
  names: readonly string[],
  options: { readonly kind?: SherpaSttKind | undefined; readonly language?: string | undefined } = {},
): SherpaSttModel {
  const find = (pattern: RegExp): string | undefined => best(names.filter((name) => pattern.test(name)).sort());
  const path = (pattern: RegExp, what: string): string => {
    const name = find(pattern);
    if (name === undefined) throw unusable(folder, `${what} is missing`);
    return join(folder, name);
  };
  if (options.kind === undefined && (STREAMING.test(basename(folder)) || names.some((name) => STREAMING.test(name))))
    throw unusable(folder, 'it is a streaming one');
  const tokens = path(/^(?:.*-)?tokens\.txt$/, 'tokens.txt');
  const kind = options.kind ?? kindOf(folder, find);
  const language = options.language === undefined ? {} : { language: options.language };
  const [encoder, decoder] = [/^(?:.*-)?encoder\b.*\.onnx$/, /^(?:.*-)?decoder\b.*\.onnx$/];
  const single = (): { model: string } => ({ model: path(/^(?:.*-)?model\b.*\.onnx$/, 'model.onnx') });
  switch (kind) {
    case 'whisper':
      return {
        whisper: { encoder: path(encoder, 'an encoder'), decoder: path(decoder, 'a decoder'), ...language },
        tokens,
      };
    case 'moonshine':
      return {
        moonshine: {
          preprocessor: path(/^preprocess\b.*\.onnx$/, 'preprocess.onnx'),
          encoder: path(/^encode\b.*\.onnx$/, 'encode.onnx'),
          uncachedDecoder: path(/^uncached_decode\b.*\.onnx$/, 'uncached_decode.onnx'),
          cachedDecoder: path(/^cached_decode\b.*\.onnx$/, 'cached_decode.onnx'),
        },
        tokens,
      };
    case 'transducer':
    case 'nemo-transducer':
      return {
        transducer: {
          encoder: path(encoder, 'an encoder'),
          decoder: path(decoder, 'a decoder'),
          joiner: path(/^(?:.*-)?joiner\b.*\.onnx$/, 'a joiner'),
        },
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

function kindOf(folder: string, find: (pattern: RegExp) => string | undefined): SherpaSttKind {
  if (find(/^preprocess\b.*\.onnx$/) !== undefined) return 'moonshine';
  if (find(/joiner\b.*\.onnx$/) !== undefined)
    return /nemo|parakeet/i.test(basename(folder)) ? 'nemo-transducer' : 'transducer';
  const encoder = find(/encoder\b.*\.onnx$/);
  if (encoder !== undefined && (/whisper/i.test(basename(folder)) || /-encoder/.test(encoder))) return 'whisper';
  const kind = NAMES.find(([pattern]) => pattern.test(basename(folder)))?.[1];
  if (kind === undefined) throw unusable(folder, 'its files do not tell its kind (option `kind`)');
  return kind;
}

/** A model that was made smaller is taken where there is no other. */
function best(names: readonly string[]): string | undefined {
  return names.find((name) => !name.includes('int8')) ?? names[0];
}

function unusable(folder: string, reason: string): SluiceError {
  return new SluiceError('SLUICE_CONFIG_INVALID', `${folder} holds no offline model of sherpa-onnx: ${reason}`, {
    expected: `a folder as https://k2-fsa.github.io/sherpa/onnx/ has them: ${SHERPA_STT_KINDS.join(', ')}`,
    mend: 'Name the folder that holds the .onnx files and tokens.txt of an offline model.',
    retryable: false,
  });
}
