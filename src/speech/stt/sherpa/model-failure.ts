import { SluiceError } from '../../../media/errors.js';

/** SLUICE_SPEECH_FAILED for a model that takes too long. */
export function late(timeoutMs: number): SluiceError {
  return new SluiceError('SLUICE_SPEECH_FAILED', `a model gave no text within ${timeoutMs} ms`, {
    retryable: true,
    mend: 'Give it more time (timeoutMs) or threads, or take a smaller model.',
  });
}

/** SLUICE_SPEECH_FAILED for a model that cannot be loaded, or breaks. */
export function failed(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new SluiceError('SLUICE_SPEECH_FAILED', `a model failed: ${reason}`, {
    cause: error,
    mend: 'See that the folder holds a whole model, made for sherpa-onnx.',
  });
}
