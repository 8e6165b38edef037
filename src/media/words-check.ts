import { z } from 'zod';
import { checkCaptionsData } from './captions.js';
import { SluiceError } from './errors.js';
import type { MediaValue, PipelineValue } from './media-value.js';

const TIME_US = z.number();

/** What each kind needs; what it may have beside that is left to who reads it. */
const NEEDED = {
  text: z.looseObject({ text: z.string(), isFinal: z.boolean() }),
  transcript: z.looseObject({ text: z.string(), isFinal: z.boolean(), start: TIME_US, end: TIME_US }),
  'voice-activity': z.looseObject({ isSpeaking: z.boolean(), timestamp: TIME_US }),
};

/** Refuses words, and tidings of speech, whose fields are not what they should be. Errors: SLUICE_FORMAT_MISMATCH. */
export function checkWords(value: Exclude<PipelineValue, MediaValue>): void {
  if (value.kind === 'captions') {
    checkCaptionsData(value);
    return;
  }
  if (value.kind === 'turn') return;
  const { error } = NEEDED[value.kind].safeParse(value);
  const issue = error?.issues[0];
  if (!issue) return;
  throw new SluiceError('SLUICE_FORMAT_MISMATCH', `a ${value.kind} has no proper "${issue.path.join('.')}"`, {
    mend: `Give each ${value.kind} these: ${Object.keys(NEEDED[value.kind].shape).join(', ')}; times in µs.`,
  });
}
