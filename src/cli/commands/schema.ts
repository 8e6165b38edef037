import { pipelineSchema } from '../../graph/pipeline-schema.js';
import { allNodes } from '../../pipeline.js';
import { testJsonSchema } from '../../unit-test/test-json-schema.js';
import type { Command } from '../command.js';
import { EXIT_CODES } from '../exit-codes.js';
import { NODES_OPTION, readNodes } from '../read-nodes.js';

export const schemaCommand: Command = {
  name: 'schema',
  summary: 'Prints the JSON Schema of pipeline files, or of their tests, for editors.',
  positionals: '',
  options: { ...NODES_OPTION, tests: { type: 'boolean', description: 'That of files of tests (x.test.yaml).' } },
  example: 'sluice schema > pipeline.schema.json',
  async run(args, io) {
    const schema = args.flag('tests') ? testJsonSchema() : pipelineSchema(await allNodes(await readNodes(args)));
    io.stdout.write(`${args.flag('json') ? JSON.stringify(schema) : JSON.stringify(schema, null, 2)}\n`);
    return EXIT_CODES.ok;
  },
};
