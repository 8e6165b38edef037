import { basename } from 'node:path';
import { usage } from '../arguments.js';
import type { Command } from '../command.js';
import { EXIT_CODES } from '../exit-codes.js';
import { newNode } from '../scaffold/new-node.js';
import { newPipeline } from '../scaffold/new-pipeline.js';
import { writeNew, type Scaffold } from '../scaffold/write-new.js';

/** What can be begun. `path`: where it is to lie, without an extension; `name`: the last part of it. */
const KINDS: Readonly<Record<string, (path: string, name: string) => Scaffold | Promise<Scaffold>>> = {
  pipeline: newPipeline,
  node: newNode,
};

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

export const newCommand: Command = {
  name: 'new',
  summary: 'Begins a pipeline or a node, with its test, that works as it is. Overwrites nothing.',
  positionals: `<${Object.keys(KINDS).join('|')}> <name>`,
  options: {},
  example: 'sluice new node loudness',
  async run(args, io) {
    const [kind = '', path = ''] = args.positionals;
    const make = KINDS[kind];
    if (!make) throw usage(`there is no "${kind}" to begin; there are ${Object.keys(KINDS).join(', ')}`, newCommand);
    const name = basename(path);
    if (!NAME.test(name)) throw usage(`"${name}" is no name; use small letters, digits and -`, newCommand);
    const { files, next } = await make(path, name);
    await writeNew(files);
    const paths = files.map((file) => file.path);
    if (args.flag('json')) io.stdout.write(`${JSON.stringify({ files: paths, next })}\n`);
    else io.stdout.write(`${paths.map((one) => `wrote ${one}\n`).join('')}Next: ${next}\n`);
    return EXIT_CODES.ok;
  },
};
