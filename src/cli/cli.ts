import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '../media/errors.js';
import { nearest } from '../graph/nearest.js';
import { readArguments } from './arguments.js';
import type { CliIo, Command } from './command.js';
import { completionCommand } from './commands/completion.js';
import { convertCommand } from './commands/convert.js';
import { doctorCommand } from './commands/doctor.js';
import { graphCommand } from './commands/graph.js';
import { helpCommand } from './commands/help.js';
import { inspectCommand } from './commands/inspect.js';
import { launchCommand } from './commands/launch.js';
import { newCommand } from './commands/new.js';
import { nodesCommand } from './commands/nodes.js';
import { planCommand } from './commands/plan.js';
import { runCommand } from './commands/run.js';
import { schemaCommand } from './commands/schema.js';
import { serveCommand } from './commands/serve.js';
import { testCommand } from './commands/test.js';
import { tokenCommand } from './commands/token.js';
import { topCommand } from './commands/top.js';
import { validateCommand } from './commands/validate.js';
import { EXIT_CODES } from './exit-codes.js';
import { commandHelp, overview } from './help-text.js';
import { packageRoot } from './package-root.js';
import { showErrors } from './show-error.js';

const COMMANDS: readonly Command[] = [
  runCommand,
  launchCommand,
  topCommand,
  validateCommand,
  planCommand,
  doctorCommand,
  graphCommand,
  convertCommand,
  schemaCommand,
  newCommand,
  nodesCommand,
  inspectCommand,
  testCommand,
  serveCommand,
  tokenCommand,
  completionCommand(() => COMMANDS),
  helpCommand(() => COMMANDS),
];

/** Runs `sluice` with the arguments that follow its name, and gives the exit code. Never throws. */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  const [name, ...rest] = args;
  const json = args.includes('--json');
  try {
    if (name === undefined) {
      io.stderr.write(overview(COMMANDS));
      return EXIT_CODES.usage;
    }
    if (name === '--version' || name === '-v') return printVersion(io, json);
    if (name === '--help' || name === '-h') {
      io.stdout.write(overview(COMMANDS));
      return EXIT_CODES.ok;
    }
    const command = COMMANDS.find((one) => one.name === name) ?? unknownCommand(name);
    // Help is given whatever else is wrong with the line.
    if (rest.includes('--help') || rest.includes('-h')) {
      io.stdout.write(commandHelp(command));
      return EXIT_CODES.ok;
    }
    return await command.run(readArguments(command, rest), io);
  } catch (error) {
    return showErrors([error], io, json);
  }
}

function unknownCommand(name: string): never {
  const near = nearest(
    name,
    COMMANDS.map((command) => command.name),
  );
  throw new SluiceError('SLUICE_USAGE', `there is no command "${name}"`, {
    mend: near === undefined ? 'See `sluice help`.' : `Did you mean \`sluice ${near}\`?`,
  });
}

function printVersion(io: CliIo, json: boolean): number {
  const text = readFileSync(join(packageRoot(), 'package.json'), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  io.stdout.write(json ? `${JSON.stringify({ version })}\n` : `${version}\n`);
  return EXIT_CODES.ok;
}
