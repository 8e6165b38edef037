import { toErrorData } from '../media/errors.js';
import type { NodeLog } from '../media/node.js';
import type { CliIo } from './command.js';
import { errorText } from './show-error.js';

type Level = 'debug' | 'info' | 'warn' | 'error';

/** Log lines on standard error: warnings and errors, with `verbose` all; as JSON where asked for. */
export function cliLog(io: CliIo, options: { readonly verbose: boolean; readonly json: boolean }): NodeLog {
  const at =
    (level: Level) =>
    (fields: object, text: string): void => {
      if (!options.verbose && (level === 'debug' || level === 'info')) return;
      const plain = Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, plainValue(value)]));
      const line = options.json ? JSON.stringify({ level, text, ...plain }) : `${level}: ${text}${fieldsText(fields)}`;
      io.stderr.write(`${line}\n`);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function plainValue(value: unknown): unknown {
  return value instanceof Error ? toErrorData(value) : value;
}

function fieldsText(fields: object): string {
  return Object.entries(fields)
    .map(([key, value]) =>
      value instanceof Error
        ? `\n  ${errorText(toErrorData(value)).replaceAll('\n', '\n  ')}`
        : ` ${key}=${String(value)}`,
    )
    .join('');
}
