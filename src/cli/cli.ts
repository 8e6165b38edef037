import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SluiceError } from '../media/errors.js';
import { nearest } from '../graph/nearest.js';
import { readArguments } from './arguments.js';
import type { CliIo, Command } from './command.js';
import { EXIT_CODES } from './exit-codes.js';
import { commandHelp, overview } from './help-text.js';
import { packageRoot } from './package-root.js';
import { showErrors } from './show-error.js';

/** Commands by their names, each loaded when it is asked for. */
const COMMANDS: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ['run', async () => (await import('./commands/run.js')).runCommand],
  ['launch', async () => (await import('./commands/launch.js')).launchCommand],
  ['top', async () => (await import('./commands/top.js')).topCommand],
  ['validate', async () => (await import('./commands/validate.js')).validateCommand],
  ['plan', async () => (await import('./commands/plan.js')).planCommand],
  ['doctor', async () => (await import('./commands/doctor.js')).doctorCommand],
  ['graph', async () => (await import('./commands/graph.js')).graphCommand],
  ['convert', async () => (await import('./commands/convert.js')).convertCommand],
  ['schema', async () => (await import('./commands/schema.js')).schemaCommand],
  ['new', async () => (await import('./commands/new.js')).newCommand],
  ['nodes', async () => (await import('./commands/nodes.js')).nodesCommand],
  ['inspect', async () => (await import('./commands/inspect.js')).inspectCommand],
  ['test', async () => (await import('./commands/test.js')).testCommand],
  ['serve', async () => (await import('./commands/serve.js')).serveCommand],
  ['token', async () => (await import('./commands/token.js')).tokenCommand],
  ['completion', async () => (await import('./commands/completion.js')).completionCommand(allCommands)],
  ['help', async () => (await import('./commands/help.js')).helpCommand(allCommands)],
]);

/** Runs `sluice` with the arguments that follow its name, and gives the exit code. Never throws. */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  const [name, ...rest] = args;
  const json = args.includes('--json');
  try {
    if (name === undefined) {
      io.stderr.write(overview(await allCommands()));
      return EXIT_CODES.usage;
    }
    if (name === '--version' || name === '-v') return printVersion(io, json);
    if (name === '--help' || name === '-h') {
      io.stdout.write(overview(await allCommands()));
      return EXIT_CODES.ok;
    }
    const command = await (COMMANDS.get(name) ?? unknownCommand(name))();
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

function allCommands(): Promise<readonly Command[]> {
  return Promise.all([...COMMANDS.values()].map((load) => load()));
}

function unknownCommand(name: string): never {
  const near = nearest(name, [...COMMANDS.keys()]);
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
