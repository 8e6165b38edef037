import { COMMON_OPTIONS, type Command, type CommandOption } from './command.js';
import { EXIT_CODES } from './exit-codes.js';

/** What `sluice help` prints. */
export function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((command) => signature(command).length));
  return `${[
    'Programs that take part in video sessions.',
    '',
    'Usage: sluice <command> [options]',
    '',
    ...commands.map((command) => `  ${signature(command).padEnd(width)}  ${command.summary}`),
    '',
    '`sluice help <command>` tells more. `sluice --version` prints the version.',
    '',
    `Exit codes: ${EXIT_CODES.ok} done, ${EXIT_CODES.failed} failed, ${EXIT_CODES.usage} wrong arguments, ${EXIT_CODES.badConfiguration} bad configuration.`,
  ].join('\n')}\n`;
}

/** What `sluice <command> --help` prints. */
export function commandHelp(command: Command): string {
  const options = Object.entries({ ...command.options, ...COMMON_OPTIONS }).map(
    ([name, option]) => [optionText(name, option), option.description] as const,
  );
  const width = Math.max(...options.map(([text]) => text.length));
  return `${[
    command.summary,
    '',
    `Usage: sluice ${signature(command)} [options]`,
    '',
    ...options.map(([text, description]) => `  ${text.padEnd(width)}  ${description}`),
    '',
    'Example',
    `  ${command.example}`,
  ].join('\n')}\n`;
}

function signature(command: Command): string {
  return command.positionals === '' ? command.name : `${command.name} ${command.positionals}`;
}

function optionText(name: string, option: CommandOption): string {
  const long = `--${name}${option.value === undefined ? '' : ` <${option.value}>`}`;
  return option.short === undefined ? long : `-${option.short}, ${long}`;
}
