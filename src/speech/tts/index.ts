import { z } from 'zod';
import type { Need } from '../../media/need.js';
import type { EngineContext, EngineDef } from '../engine.js';
import { chosenEngine, chosenNeeds, choiceOf } from '../engine-choice.js';
import { FallbackVoice } from '../fallback-voice.js';
import type { Synthesiser } from '../synthesiser.js';
import { elevenlabsTts } from './elevenlabs.js';
import { execTts } from './exec.js';
import { openaiTts } from './openai.js';
import { sherpaTts } from './sherpa.js';

/** Engines that say texts; none loads anything before it is used. */
const ENGINES: readonly EngineDef<z.ZodType, Synthesiser>[] = [execTts, openaiTts, elevenlabsTts, sherpaTts];

const exec = choiceOf(execTts);
const openai = choiceOf(openaiTts);
const elevenlabs = choiceOf(elevenlabsTts);
const sherpa = choiceOf(sherpaTts);

/** An option beside those of every engine. */
export const fallbackShape = {
  fallback: z
    .array(z.discriminatedUnion('type', [exec, openai, elevenlabs, sherpa]))
    .min(1)
    .max(4)
    .optional()
    .describe(
      'Voices that take over, in order, where this one fails: each a `type` of node that says texts, with its options. The rest of the text is said, and the failed voice rests for 30 s.',
    ),
};

/** An option that takes a voice, with its options and those that take over: `{ type: tts-exec, preset: espeak-ng }`. */
export const ttsChoice = z.discriminatedUnion('type', [
  exec.safeExtend(fallbackShape),
  openai.safeExtend(fallbackShape),
  elevenlabs.safeExtend(fallbackShape),
  sherpa.safeExtend(fallbackShape),
]);
export type TtsChoice = z.output<typeof ttsChoice>;

/** Makes the voice that was chosen. Errors: SLUICE_CONFIG_INVALID. */
export function chosenTts({ fallback = [], ...choice }: TtsChoice, context: EngineContext): Synthesiser {
  const voices = [choice, ...fallback].map((one) => ({
    type: one.type,
    synthesiser: chosenEngine(ENGINES, one, context),
  }));
  const [first] = voices;
  return first && voices.length === 1 ? first.synthesiser : new FallbackVoice(voices, context);
}

/** What the voice that was chosen needs outside of the program. */
export function ttsNeeds({ fallback = [], ...choice }: TtsChoice, baseDir: string): readonly Need[] {
  return [choice, ...fallback].flatMap((one) => chosenNeeds(ENGINES, one, baseDir));
}
