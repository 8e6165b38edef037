import { SluiceError, type Place } from '../media/errors.js';

/** Any error as a SluiceError that says which node it came from. */
export function placed(error: unknown, place: Place): SluiceError {
  if (error instanceof SluiceError) return error.at(place);
  const message = error instanceof Error ? error.message : String(error);
  return new SluiceError(place.node === undefined ? 'SLUICE_INTERNAL' : 'SLUICE_NODE_FAILED', message, {
    cause: error,
    place,
  });
}
