import { allNodes } from '../../pipeline.js';
import { usage } from '../arguments.js';
import type { Command } from '../command.js';
import { bashScript } from '../completion/bash.js';
import { fishScript } from '../completion/fish.js';
import { slotsOf, type CommandSlots } from '../completion/slots.js';
import { zshScript } from '../completion/zsh.js';
import { EXIT_CODES } from '../exit-codes.js';
import { NODES_OPTION, readNodes } from '../read-nodes.js';

const SCRIPTS: Readonly<Record<string, (commands: readonly CommandSlots[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

export function completionCommand(allCommands: () => Promise<readonly Command[]>): Command {
  const command: Command = {
    name: 'completion',
    summary: 'Prints a script that completes commands, options, types of node and pipeline files in a shell.',
    positionals: `<${Object.keys(SCRIPTS).join('|')}>`,
    options: NODES_OPTION,
    example: 'source <(sluice completion bash)',
    async run(args, io) {
      const shell = args.positionals[0] ?? '';
      const write = SCRIPTS[shell];
      if (!write) throw usage(`unknown shell "${shell}"; there are ${Object.keys(SCRIPTS).join(', ')}`, command);
      const registry = await allNodes(await readNodes(args));
      const script = write(
        slotsOf(
          await allCommands(),
          registry.list().map((def) => def.type),
        ),
      );
      io.stdout.write(args.flag('json') ? `${JSON.stringify({ shell, script })}\n` : script);
      return EXIT_CODES.ok;
    },
  };
  return command;
}
