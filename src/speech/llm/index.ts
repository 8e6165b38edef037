import { z } from 'zod';
import type { Need } from '../../media/need.js';
import type { EngineContext, EngineDef } from '../engine.js';
import { chosenEngine, chosenNeeds, choiceOf } from '../engine-choice.js';
import type { LanguageModel } from '../language-model.js';
import { execLlm } from './exec.js';
import { openaiLlm } from './openai.js';
import { rulesLlm } from './rules.js';

/** Language models; none loads or connects anything before it is used. */
const ENGINES: readonly EngineDef<z.ZodType, LanguageModel>[] = [rulesLlm, execLlm, openaiLlm];

/** An option that takes one of them, with its options: `{ type: rules, path: answers.yaml }`. */
export const llmChoice = z.discriminatedUnion('type', [choiceOf(rulesLlm), choiceOf(execLlm), choiceOf(openaiLlm)]);

/** Makes the language model that was chosen. Errors: SLUICE_CONFIG_INVALID, and those of the engine. */
export function chosenLlm(choice: z.output<typeof llmChoice>, context: EngineContext): LanguageModel {
  return chosenEngine(ENGINES, choice, context);
}

/** What it needs that was chosen. */
export function llmNeeds(choice: z.output<typeof llmChoice>, baseDir: string): readonly Need[] {
  return chosenNeeds(ENGINES, choice, baseDir);
}
