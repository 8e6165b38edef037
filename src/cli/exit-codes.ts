import type { ErrorCode } from '../media/errors.js';

/** What every command ends with. */
export const EXIT_CODES = {
  /** It did what was asked. */
  ok: 0,
  /** It tried and failed. */
  failed: 1,
  /** It was called with arguments that it does not take. */
  usage: 2,
  /** A pipeline, a setting or the environment is wrong, or names a file that is not there: trying again would not help. */
  badConfiguration: 78,
} as const;

const BAD_CONFIGURATION: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'SLUICE_CONFIG_INVALID',
  'SLUICE_CONFIG_SYNTAX',
  'SLUICE_FILE_NOT_FOUND',
  'SLUICE_NODE_UNKNOWN',
  'SLUICE_SESSION_UNKNOWN',
  'SLUICE_LINK_UNKNOWN',
  'SLUICE_LINK_CYCLE',
  'SLUICE_LINK_FORMATS',
  'SLUICE_LINK_STRICT',
  'SLUICE_LINK_DEADLOCK',
  'SLUICE_PORT_UNKNOWN',
  'SLUICE_PORT_AMBIGUOUS',
  'SLUICE_INPUT_MISSING',
  'SLUICE_INPUT_DOUBLED',
  'SLUICE_OUTPUT_UNREAD',
  'SLUICE_BRANCH_INVALID',
  'SLUICE_STREAM_MISSING',
  'SLUICE_KEYS_REQUIRED',
  'SLUICE_TOKEN_MISSING',
]);

/** The exit code that an error leads to. */
export function exitCodeOf(code: ErrorCode): number {
  if (code === 'SLUICE_USAGE') return EXIT_CODES.usage;
  return BAD_CONFIGURATION.has(code) ? EXIT_CODES.badConfiguration : EXIT_CODES.failed;
}
