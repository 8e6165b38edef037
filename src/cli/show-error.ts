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

/** `file:line:column: node "x": message [CODE]`, and the mend on a line of its own. */
export function errorText({ code, message, place, mend }: ErrorData): string {
  const where = formatPlace(place);
  const head = `${where === '' ? '' : `${where}: `}${message} [${code}]`;
  return mend === undefined ? head : `${head}\n  ${mend}`;
}
