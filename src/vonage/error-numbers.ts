import { SluiceError, type ErrorCode } from '../media/errors.js';

/** What is told of errors that have no number of their own. */
const INTERNAL_ERROR = 2000;

/**
 * The numbers that `onError` callbacks are given: those that Vonage's SDKs have for the same. They do not change; a code
 * that is not here has 2000.
 */
export const ERROR_NUMBERS = {
  SLUICE_TOKEN_MISSING: 1004,
  SLUICE_TOKEN_INVALID: 1004,
  SLUICE_TOKEN_EXPIRED: 1004,
  SLUICE_CONNECT_FAILED: 1006,
  SLUICE_SESSION_CLOSED: 1010,
  SLUICE_CONFIG_INVALID: 1011,
  SLUICE_FORMAT_MISMATCH: 1011,
  SLUICE_STATE_INVALID: 1015,
  SLUICE_CONNECT_TIMEOUT: 1021,
  SLUICE_SESSION_LOST: 1022,
  SLUICE_PERMISSION_DENIED: 1500,
  SLUICE_SUBSCRIBE_FAILED: 1600,
  SLUICE_STREAM_UNKNOWN: 1604,
  SLUICE_PUBLISH_FAILED: 1610,
} as const satisfies Partial<Record<ErrorCode, number>>;

/** Whether an error is the session's own, which is told once for all that belongs to it. */
export function isOfSession(error: unknown): boolean {
  return error instanceof SluiceError && error.code === 'SLUICE_SESSION_LOST';
}

/** Description and number of an error, as callbacks are given them. */
export function describeError(error: unknown): readonly [description: string, code: number] {
  if (!(error instanceof SluiceError)) {
    return [error instanceof Error ? error.message : String(error), INTERNAL_ERROR];
  }
  const numbers: Partial<Record<ErrorCode, number>> = ERROR_NUMBERS;
  const description = error.mend === undefined ? error.message : `${error.message} (${error.mend})`;
  return [description, numbers[error.code] ?? INTERNAL_ERROR];
}
