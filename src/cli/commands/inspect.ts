import { nodeReference, referenceText } from '../../graph/reference.js';
import { SluiceError } from '../../media/errors.js';
import type { Command } from '../command.js';
import { EXIT_CODES } from '../exit-codes.js';
import { allNodes } from '../../pipeline.js';
import { NODES_OPTION, readNodes } from '../read-nodes.js';

export const inspectCommand: Command = {
  name: 'inspect',
  summary: 'Tells everything about one type of node: ports, options, an example.',
  positionals: '<node>',
  options: NODES_OPTION,
  example: 'sluice inspect mixer',
  async run(args, io) {
    const registry = await allNodes(await readNodes(args));
    const type = args.positionals[0] ?? '';
    const def = registry.get(type);
    if (!def) {
      throw new SluiceError('SLUICE_USAGE', `there is no node type "${type}"`, { mend: registry.mendFor(type) });
    }
    const reference = nodeReference(def);
    io.stdout.write(args.flag('json') ? `${JSON.stringify(reference)}\n` : referenceText(reference));
    return EXIT_CODES.ok;
  },
};
