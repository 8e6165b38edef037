import { SluiceError } from '../media/errors.js';

/** SLUICE_SPEECH_FAILED for words that a voice gave no sound for. */
export function silentVoice(): SluiceError {
  return new SluiceError('SLUICE_SPEECH_FAILED', 'a voice gave no sound for words', {
    retryable: true,
    mend: 'Look at the program or service; it may not know the language.',
  });
}

/** SLUICE_SPEECH_FAILED for sound that cannot be played. */
export function unplayable(why: {
  readonly found: string;
  readonly expected: string;
  readonly mend: string;
}): SluiceError {
  return new SluiceError('SLUICE_SPEECH_FAILED', 'the sound of a voice cannot be played', { ...why, retryable: false });
}
