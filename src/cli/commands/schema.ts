import { pipelineSchema } from '../../graph/pipeline-schema.js';
import { allNodes } from '../../pipeline.js';
import { NODES_OPTION, readNodes } from '../read-nodes.js';
import type { Command } from '../command.js';
import { EXIT_CODES } from '../exit-codes.js';

export const schemaCommand: Command = {
  name: 'schema',
  summary: 'Prints the JSON Schema of pipeline files, for editors.',
  positionals: '',
  options: NODES_OPTION,
  example: 'sluice schema > pipeline.schema.json',
  async run(args, io) {
    const schema = pipelineSchema(await allNodes(await readNodes(args)));
    io.stdout.write(`${args.flag('json') ? JSON.stringify(schema) : JSON.stringify(schema, null, 2)}\n`);
    return EXIT_CODES.ok;
  },
};
