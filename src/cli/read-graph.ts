import { dirname, extname, resolve } from 'node:path';
import { Graph } from '../graph/notation/program.js';
import { SluiceError } from '../media/errors.js';
import type { NodeDef } from '../media/node.js';
import { graphFromFile, graphFromLine, type SessionDetails } from '../pipeline.js';
import { usage } from './arguments.js';
import type { Command, CommandArguments, CommandOption } from './command.js';
import { importModule } from './import-module.js';

/** A graph that a command was given: a file, or the line itself. */
export type GraphChoice = { readonly file: string } | { readonly line: string; readonly session?: SessionDetails };

/** The option of commands that take a line instead of a file. */
export const LINE_OPTION: CommandOption = {
  type: 'string',
  value: 'line',
  description: 'A pipeline in one line, instead of a file.',
};

/** Options that say what the session of a line is, where the line does not. */
export const SESSION_OPTIONS: Readonly<Record<string, CommandOption>> = {
  session: {
    type: 'string',
    value: 'id',
    description: 'Session to join, where the line has none. Default: SLUICE_SESSION_ID.',
  },
  url: { type: 'string', value: 'address', description: 'Its server. Default: SLUICE_URL, or the embedded one.' },
  name: { type: 'string', value: 'name', description: 'Name that other participants see.' },
};

export function sessionOf(args: CommandArguments): SessionDetails {
  const [sessionId, url, name] = [args.text('session'), args.text('url'), args.text('name')];
  return {
    ...(sessionId !== undefined && { sessionId }),
    ...(url !== undefined && { url }),
    ...(name !== undefined && { name }),
  };
}

/** What a command was given. Errors: SLUICE_USAGE for nothing, and for both. */
export function graphChoice(args: CommandArguments, command: Command): GraphChoice {
  const file = args.positionals[0];
  const line = args.text('line');
  if (file !== undefined && line !== undefined) throw usage('give a file or --line, not both', command);
  if (line !== undefined) return { line };
  if (file === undefined) throw usage(`${command.name} needs a file, or --line`, command);
  return { file };
}

/** Extensions of programs: their module is run, and exports the graph. */
const PROGRAMS: readonly string[] = ['.js', '.mjs', '.ts', '.mts'];

/**
 * Reads a graph in the notation that its file's name stands for; it brings `nodes` along. Errors: SLUICE_FILE_NOT_FOUND,
 * SLUICE_CONFIG_SYNTAX, SLUICE_CONFIG_INVALID.
 */
export async function readAnyGraph(choice: GraphChoice, nodes: readonly NodeDef[] = []): Promise<Graph> {
  if ('line' in choice) return await graphFromLine(choice.line, choice.session, nodes);
  return PROGRAMS.includes(extname(choice.file)) ? readProgram(choice.file, nodes) : graphFromFile(choice.file, nodes);
}

/** The graph that a module exports, under whatever name. */
async function readProgram(file: string, nodes: readonly NodeDef[]): Promise<Graph> {
  const exported = await importModule(file, 'a graph');
  const graphs = exported.filter((value): value is Graph => value instanceof Graph);
  const [graph] = graphs;
  if (graph && new Set(graphs).size === 1) return withFolderOf(file, graph, nodes);
  throw new SluiceError('SLUICE_CONFIG_INVALID', `the program exports ${graph ? 'several graphs' : 'no graph'}`, {
    place: { file },
    found: `${graphs.length} graphs among ${exported.length} exports`,
    expected: 'one graph',
    mend: 'Write `export const pipeline = graph({ … })`.',
  });
}

/** Whatever V8 tells of where `graph()` was called: paths start from the file's folder, as everywhere. */
function withFolderOf(file: string, { written, nodes: own }: Graph, nodes: readonly NodeDef[]): Graph {
  return new Graph({ ...written, baseDir: dirname(resolve(file)) }, [...new Set([...own, ...nodes])]);
}
