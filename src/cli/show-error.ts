import { SluiceError, formatPlace, toErrorData, type ErrorData } from '../media/errors.js';
import type { CliIo } from './command.js';
import { EXIT_CODES, exitCodeOf } from './exit-codes.js';

/** Tells errors, as text on standard error or as JSON on standard output, and gives the exit code of the first. */
export function showErrors(errors: readonly unknown[], io: CliIo, json: boolean): number {
  const told = errors.map((error) => toErrorData(error));
  if (json) io.stdout.write(`${JSON.stringify({ errors: told })}\n`);
  else for (const data of told) io.stderr.write(`${errorText(data)}\n`);
  for (const error of errors) {
    // A fault of ours: where it happened is all that helps.
    if (!json && error instanceof Error && !(error instanceof SluiceError)) io.stderr.write(`${error.stack ?? ''}\n`);
  }
  return told[0] ? exitCodeOf(told[0].code) : EXIT_CODES.ok;
}

/** `file:line:column: node "x": message [CODE]`, and what was found, what was expected and the mend on lines of their own. */
export function errorText({ code, message, place, found, expected, mend }: ErrorData): string {
  const where = formatPlace(place);
  const lines = [`${where === '' ? '' : `${where}: `}${message} [${code}]`];
  if (found !== undefined) lines.push(`found: ${found}`);
  if (expected !== undefined) lines.push(`expected: ${expected}`);
  if (mend !== undefined) lines.push(mend);
  return lines.join('\n  ');
}
