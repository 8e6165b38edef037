import { SluiceError } from '../../media/errors.js';
import type { Command } from '../command.js';
import { EXIT_CODES } from '../exit-codes.js';
import { commandHelp, overview } from '../help-text.js';

export function helpCommand(allCommands: () => Promise<readonly Command[]>): Command {
  return {
    name: 'help',
    summary: 'Tells about all commands, or about one.',
    positionals: '[command]',
    options: {},
    example: 'sluice help run',
    async run(args, io) {
      const commands = await allCommands();
      const name = args.positionals[0];
      const command = commands.find((one) => one.name === name);
      if (name !== undefined && !command) {
        throw new SluiceError('SLUICE_USAGE', `there is no command "${name}"`, { mend: 'See `sluice help`.' });
      }
      const text = command ? commandHelp(command) : overview(commands);
      const list = commands.map(({ name: one, summary, positionals, example }) => ({
        name: one,
        summary,
        positionals,
        example,
      }));
      io.stdout.write(args.flag('json') ? `${JSON.stringify({ commands: list })}\n` : text);
      return EXIT_CODES.ok;
    },
  };
}
