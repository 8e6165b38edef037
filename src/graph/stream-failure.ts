import { SluiceError, type Place } from '../media/errors.js';
import { placed } from './placed.js';

/** Why a stream of a node has failed, with the place of the node: what it was destroyed with, or that it was, before it had ended. */
export function streamFailure(error: Error, place: Place): SluiceError {
  const isEarly = (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE';
  const failure = isEarly
    ? new SluiceError('SLUICE_NODE_FAILED', 'closed before it had ended', { cause: error })
    : error;
  return placed(failure, place);
}
