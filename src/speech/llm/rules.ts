import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { SluiceError } from '../../media/errors.js';
import { pathFrom } from '../../media/path-template.js';
import { SourceMap, type Path } from '../../media/source-map.js';
import { defineEngine } from '../engine.js';
import type { Answer, AnswerRequest, LanguageModel } from '../language-model.js';
import { RuleSet, type WrittenRules, rulesShape } from './rule-set.js';

const Options = z.strictObject({
  ...rulesShape,
  path: z
    .string()
    .min(1)
    .optional()
    .describe(
      'YAML or JSON file with `rules` and `default`, relative to the pipeline file; its rules come after those here.',
    ),
});
type RulesOptions = z.output<typeof Options>;

const RulesFile = z.strictObject(rulesShape);

/** Answers by patterns: no network, no waiting, and the same every time. */
export const rulesLlm = defineEngine({
  type: 'rules',
  kind: 'llm',
  options: Options,
  needs: ({ path }, baseDir) => (path === undefined ? [] : [{ kind: 'file', path: pathFrom(baseDir, path) }]),
  create: (options, { baseDir }) => new RulesModel(new RuleSet(withFile(options, baseDir))),
});

class RulesModel implements LanguageModel {
  readonly #rules: RuleSet;

  constructor(rules: RuleSet) {
    this.#rules = rules;
  }

  answer({ messages, onText }: AnswerRequest, signal: AbortSignal): Promise<Answer> {
    return new Promise((resolve) => {
      signal.throwIfAborted();
      const text = this.#rules.answer(messages);
      for (const word of text.match(/\s*\S+/g) ?? []) {
        onText(word);
        signal.throwIfAborted();
      }
      resolve({ text, calls: [] });
    });
  }
}

function withFile({ path, ...own }: RulesOptions, baseDir: string): WrittenRules {
  if (path === undefined) return own;
  const file = readRules(pathFrom(baseDir, path));
  return { ...file, ...own, rules: [...own.rules, ...file.rules] };
}

/** Errors: SLUICE_FILE_NOT_FOUND; SLUICE_CONFIG_SYNTAX and SLUICE_CONFIG_INVALID with line and column. */
function readRules(file: string): WrittenRules {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SluiceError('SLUICE_FILE_NOT_FOUND', `cannot read ${file}: ${reason}`, {
      cause,
      mend: 'Check the path: it starts from the folder of the pipeline file.',
    });
  }
  const source = new SourceMap(text, file);
  const result = RulesFile.safeParse(source.values());
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = (issue?.path ?? []) as Path;
  const stray = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  throw new SluiceError('SLUICE_CONFIG_INVALID', `rules: ${issue?.message ?? 'invalid'}`, {
    place: stray === undefined ? source.placeOf(path) : source.placeOfKey([...path, stray]),
    mend: 'See `sluice inspect rules` for how rules are written.',
    cause: result.error,
  });
}
