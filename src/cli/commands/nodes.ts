import { nodeReference } from '../../graph/reference.js';
import type { Command } from '../command.js';
import { EXIT_CODES } from '../exit-codes.js';
import { allNodes } from '../../pipeline.js';
import { NODES_OPTION, readNodes } from '../read-nodes.js';

export const nodesCommand: Command = {
  name: 'nodes',
  summary: 'Lists the types of node that a pipeline can use.',
  positionals: '',
  options: NODES_OPTION,
  example: 'sluice nodes',
  async run(args, io) {
    const defs = (await allNodes(await readNodes(args))).list();
    if (args.flag('json')) io.stdout.write(`${JSON.stringify({ nodes: defs.map(nodeReference) })}\n`);
    else {
      const width = Math.max(...defs.map((def) => def.type.length));
      for (const def of defs) io.stdout.write(`${def.type.padEnd(width)}  ${def.summary}\n`);
    }
    return EXIT_CODES.ok;
  },
};
