import { join } from 'node:path';
import { SluiceError } from '../../media/errors.js';

/** As sherpa-onnx's configuration of a model has it: its kind, and the paths of its files. */
export type SherpaTtsModel = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * Which model lies in a folder, by the names of its files: Kokoro and Kitten have voices, Matcha a vocoder, and what has neither is VITS
 * (as Piper's voices are). Pure. Errors: SLUICE_CONFIG_INVALID, with what is missing.
 */
export function sherpaTtsModel(folder: string, names: readonly string[]): SherpaTtsModel {
  const has = (name: string): boolean => names.includes(name);
  const path = (name: string): string => join(folder, name);
  const models = names.filter((name) => name.endsWith('.onnx')).sort();
  // A model that was made smaller is taken where there is no other.
  const best = (among: readonly string[]): string | undefined =>
    among.find((name) => !name.includes('int8')) ?? among[0];
  const vocoder = best(models.filter((name) => /voco|hifigan/i.test(name)));
  const model = best(models.filter((name) => name !== vocoder && !/voco|hifigan/i.test(name)));
  if (model === undefined) throw incomplete(folder, 'a model (.onnx)');
  if (!has('tokens.txt')) throw incomplete(folder, 'tokens.txt');
  const lexicons = names.filter((name) => /^lexicon.*\.txt$/.test(name)).sort();
  const shared = {
    tokens: path('tokens.txt'),
    ...(lexicons.length > 0 && { lexicon: lexicons.map(path).join(',') }),
    ...(has('espeak-ng-data') && { dataDir: path('espeak-ng-data') }),
  };
  if (shared.lexicon === undefined && shared.dataDir === undefined)
    throw incomplete(folder, 'espeak-ng-data or lexicon.txt');
  if (has('voices.bin')) {
    const { lexicon, ...kitten } = shared;
    const isKitten = /kitten/i.test(folder);
    return {
      [isKitten ? 'kitten' : 'kokoro']: {
        ...(isKitten || lexicon === undefined ? kitten : shared),
        model: path(model),
        voices: path('voices.bin'),
      },
    };
  }
  if (vocoder !== undefined) return { matcha: { ...shared, acousticModel: path(model), vocoder: path(vocoder) } };
  return { vits: { ...shared, model: path(model) } };
}

function incomplete(folder: string, missing: string): SluiceError {
  return new SluiceError('SLUICE_CONFIG_INVALID', `${folder} holds no voice of sherpa-onnx: ${missing} is missing`, {
    expected: 'a folder as https://k2-fsa.github.io/sherpa/onnx/tts/ has them: VITS, Piper, Kokoro, Kitten or Matcha',
    mend: 'Name the folder that holds the .onnx file; a vocoder for Matcha goes into it too.',
    retryable: false,
  });
}
