import { SluiceError } from '../media/errors.js';
import type { NodeDef } from '../media/node.js';
import type { CommandArguments, CommandOption } from './command.js';
import { importModule } from './import-module.js';

/** Option of commands that know the nodes of a project. */
export const NODES_OPTION: Readonly<Record<string, CommandOption>> = {
  nodes: {
    type: 'string',
    value: 'module',
    multiple: true,
    description: 'A module that exports nodes of your own; may be given several times.',
  },
};

/**
 * The nodes of the modules that a command was given, without what else they export. Errors: SLUICE_FILE_NOT_FOUND,
 * SLUICE_CONFIG_SYNTAX, SLUICE_CONFIG_INVALID.
 */
export async function readNodes(args: CommandArguments): Promise<readonly NodeDef[]> {
  const nodes = new Set<NodeDef>();
  for (const file of args.texts('nodes')) {
    const found = (await importModule(file, 'nodes')).filter(looksLikeNode);
    if (found.length === 0) throw noNodes(file);
    for (const candidate of found) nodes.add(checked(candidate, file));
  }
  return [...nodes];
}

type Candidate = Readonly<Record<string, unknown>> & { readonly type: string };

function looksLikeNode(value: unknown): value is Candidate {
  return (
    typeof value === 'object' &&
    value !== null &&
    'type' in value &&
    typeof value.type === 'string' &&
    'create' in value
  );
}

/** What the planner reads of a node; a module in JavaScript may have left any of it out. */
const PARTS: Readonly<Record<string, readonly [expected: string, holds: (part: unknown) => boolean]>> = {
  summary: ['a sentence', (part) => typeof part === 'string'],
  options: ['a schema of zod', (part) => typeof part === 'object' && part !== null && '_zod' in part],
  inputs: ['a list of ports, or a function', isPorts],
  outputs: ['a list of ports, or a function', isPorts],
  example: ['a text', (part) => typeof part === 'string'],
  create: ['a function', (part) => typeof part === 'function'],
};

function isPorts(part: unknown): boolean {
  return Array.isArray(part) || typeof part === 'function';
}

function checked(candidate: Candidate, file: string): NodeDef {
  for (const [name, [expected, holds]] of Object.entries(PARTS)) {
    if (holds(candidate[name])) continue;
    throw new SluiceError('SLUICE_CONFIG_INVALID', `${name} of the node "${candidate.type}" is not what it has to be`, {
      place: { file },
      found: candidate[name] === undefined ? 'nothing' : typeof candidate[name],
      expected,
      mend: 'Define it with defineNode() or defineTransform(); `sluice new node <name>` writes one that works.',
    });
  }
  return candidate as unknown as NodeDef;
}

function noNodes(file: string): SluiceError {
  return new SluiceError('SLUICE_CONFIG_INVALID', 'the module exports no node', {
    place: { file },
    found: 'no node among its exports',
    expected: 'what defineNode() or defineTransform() gives',
    mend: 'Write `export const mine = defineTransform({ … })`; `sluice new node <name>` writes one that works.',
  });
}
