import { SluiceError, type ErrorCode } from '../../../media/errors.js';

/** What the numbers mean that Vonage's SDKs give with an error. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  1004: 'SLUICE_TOKEN_INVALID',
  1005: 'SLUICE_CONFIG_INVALID',
  1006: 'SLUICE_CONNECT_FAILED',
  1010: 'SLUICE_SESSION_CLOSED',
  1011: 'SLUICE_CONFIG_INVALID',
  1015: 'SLUICE_STATE_INVALID',
  1021: 'SLUICE_CONNECT_TIMEOUT',
  1022: 'SLUICE_SESSION_LOST',
  1023: 'SLUICE_CONNECT_FAILED',
  1500: 'SLUICE_PERMISSION_DENIED',
  1542: 'SLUICE_SUBSCRIBE_FAILED',
  1600: 'SLUICE_SUBSCRIBE_FAILED',
  1604: 'SLUICE_STREAM_UNKNOWN',
  1610: 'SLUICE_PUBLISH_FAILED',
};

/**
 * What a client threw, or told by number, as an error of sluice; those of sluice's own client stay what they are.
 * `fallback`: the code of what has no number that is known.
 */
export function toSluiceError(error: unknown, fallback: ErrorCode, code = numberOf(error)): SluiceError {
  if (error instanceof SluiceError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new SluiceError((code === undefined ? undefined : CODES[code]) ?? fallback, message, { cause: error });
}

function numberOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'number' ? error.code : undefined;
}
