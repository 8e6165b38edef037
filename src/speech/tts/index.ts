import { z } from 'zod';
import type { Need } from '../../media/need.js';
import type { EngineContext, EngineDef } from '../engine.js';
import { chosenEngine, chosenNeeds, choiceOf } from '../engine-choice.js';
import type { Synthesiser } from '../synthesiser.js';
import { execTts } from './exec.js';
import { openaiTts } from './openai.js';

/** Engines that say texts; none loads anything before it is used. */
const ENGINES: readonly EngineDef<z.ZodType, Synthesiser>[] = [execTts, openaiTts];

/** An option that takes one of them, with its options: `{ type: tts-exec, preset: espeak-ng }`. */
export const ttsChoice = z.discriminatedUnion('type', [choiceOf(execTts), choiceOf(openaiTts)]);

/** Makes the voice that was chosen. Errors: SLUICE_CONFIG_INVALID. */
export function chosenTts(choice: z.output<typeof ttsChoice>, context: EngineContext): Synthesiser {
  return chosenEngine(ENGINES, choice, context);
}

/** What it needs that was chosen. */
export function ttsNeeds(choice: z.output<typeof ttsChoice>, baseDir: string): readonly Need[] {
  return chosenNeeds(ENGINES, choice, baseDir);
}
