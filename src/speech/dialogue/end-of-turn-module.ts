import { SluiceError } from '../../media/errors.js';
import { exportsOf } from '../user-module.js';
import type { EndOfTurnModel, OpenTurn } from './end-of-turn.js';

/**
 * The model that a module exports, under whatever name: an object with a function `likelihood`. A likelihood that is none counts as not
 * knowing. Errors: SLUICE_FILE_NOT_FOUND, SLUICE_CONFIG_SYNTAX, SLUICE_CONFIG_INVALID.
 */
export async function loadEndOfTurn(path: string): Promise<EndOfTurnModel> {
  const models = (await exportsOf(path, 'an end-of-turn model')).filter(isModel);
  const [model] = models;
  if (model && new Set(models).size === 1) return { likelihood: (turn) => judge(model, turn) };
  throw new SluiceError(
    'SLUICE_CONFIG_INVALID',
    `the module exports ${model ? 'several end-of-turn models' : 'no end-of-turn model'}`,
    {
      place: { file: path },
      found: model ? `${models.length} objects with a function likelihood` : 'no object with a function likelihood',
      expected: 'one object with a function likelihood',
      mend: 'Write `export const model = { likelihood: ({ text }) => (text.endsWith("?") ? 1 : 0.5) }`.',
    },
  );
}

async function judge(model: EndOfTurnModel, turn: OpenTurn): Promise<number> {
  const likelihood: unknown = await model.likelihood(turn);
  if (typeof likelihood === 'number' && likelihood >= 0 && likelihood <= 1) return likelihood;
  throw new SluiceError('SLUICE_CONFIG_INVALID', 'an end-of-turn model gave no likelihood', {
    found: String(likelihood),
    expected: 'a number from 0 to 1',
    retryable: false,
  });
}

function isModel(value: unknown): value is EndOfTurnModel {
  return typeof value === 'object' && value !== null && 'likelihood' in value && typeof value.likelihood === 'function';
}
