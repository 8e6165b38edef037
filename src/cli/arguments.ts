import { parseArgs } from 'node:util';
import { SluiceError } from '../media/errors.js';
import { nearest } from '../graph/nearest.js';
import { COMMON_OPTIONS, type Command, type CommandArguments } from './command.js';

/** Reads the arguments of a command. Errors: SLUICE_USAGE. */
export function readArguments(command: Command, args: readonly string[]): CommandArguments {
  const known = { ...COMMON_OPTIONS, ...command.options };
  const options = Object.fromEntries(
    Object.entries(known).map(
      ([name, { type, short, multiple = false }]) =>
        [name, { type, multiple, ...(short !== undefined && { short }) }] as const,
    ),
  );
  const { values, positionals, tokens } = parseArgs({
    args: [...args],
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const option = known[token.name];
    if (!option) throw unknownOption(token.rawName, Object.keys(known), command);
    // A lone `-` is a value; anything else that begins so is the next option.
    const given = token.value !== undefined && (token.inlineValue || !/^-./.test(token.value));
    if (option.type === 'string' && !given) throw usage(`${token.rawName} needs a value`, command);
    if (option.type === 'boolean' && token.value !== undefined) throw usage(`${token.rawName} takes no value`, command);
  }
  checkPositionals(command, positionals);
  return {
    positionals,
    flag: (name) => values[name] === true,
    text: (name) => {
      const value = values[name];
      return typeof value === 'string' ? value : undefined;
    },
    texts: (name) => {
      const value = values[name];
      return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
    },
  };
}

/** An error in how a command was called. */
export function usage(message: string, command: Command): SluiceError {
  return new SluiceError('SLUICE_USAGE', message, { mend: `See \`sluice ${command.name} --help\`.` });
}

function unknownOption(name: string, known: readonly string[], command: Command): SluiceError {
  const near = nearest(name.replace(/^-+/, ''), known);
  return new SluiceError('SLUICE_USAGE', `unknown option ${name}`, {
    mend: near === undefined ? `See \`sluice ${command.name} --help\`.` : `Did you mean --${near}?`,
  });
}

function checkPositionals(command: Command, positionals: readonly string[]): void {
  const wanted = command.positionals === '' ? [] : command.positionals.split(' ');
  const missing = wanted[positionals.length];
  if (missing?.startsWith('<') === true) throw usage(`${command.name} needs ${missing}`, command);
  const extra = positionals[wanted.some((one) => one.includes('…')) ? Infinity : wanted.length];
  if (extra !== undefined) throw usage(`"${extra}" is one argument too many`, command);
}
