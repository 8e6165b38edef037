import { dirname } from 'node:path';
import type { z } from 'zod';
import type { Environment } from './graph/environment.js';
import type { DefsOf, GraphSpec, TypesById } from './graph/graph-types.js';
import { loadGraph, type LoadedGraph } from './graph/load.js';
import { readLine } from './graph/notation/line.js';
import { Graph, callSiteOf, programGraph } from './graph/notation/program.js';
import { readTextFile } from './graph/notation/text.js';
import { checkGraph, type PlanResult } from './graph/plan.js';
import type { Plan } from './graph/planned.js';
import { Registry } from './graph/registry.js';
import type { SessionConfig } from './graph/schema.js';
import { needs } from './graph/typed-node.js';
import { runGraph as runPlan, type GraphRun, type RunOptions } from './graph/run.js';
import { runSessions } from './graph-sessions.js';
import type { SluiceError } from './media/errors.js';
import type { NodeDef } from './media/node.js';
import type { TestFileResult } from './unit-test/run-test-file.js';

type Defs = typeof import('./nodes/index.js');

/**
 * A graph in TypeScript: what a pipeline file holds, with the ids, options and ports of its nodes checked by the compiler.
 * Relative paths in it start from the folder of the file that calls this. Texts may hold `${NAME}` and `${NAME:-default}`.
 * `own.nodes`: kinds of node of the program itself, which the graph brings along wherever it is planned or run.
 */
export function graph<
  const Types extends TypesById<Defs & DefsOf<Own>>,
  const Session extends string = never,
  const Own extends readonly NodeDef[] = [],
>(spec: GraphSpec<Defs & DefsOf<Own>, Types, Session>, own: { readonly nodes?: Own } = {}): Graph {
  const place = callSiteOf(graph);
  const folder = place.line === undefined ? process.cwd() : dirname(place.file ?? '');
  return programGraph(spec, place, folder, own.nodes);
}

/** What is known of a session; the rest comes from the environment. */
export type SessionDetails = z.input<typeof SessionConfig>;

/**
 * A graph in one line, as `sluice launch` takes it. Relative paths start from the current folder. Where nodes need a
 * session and the line has none, they get one: `session`. `nodes`: kinds of node of the program itself, which the graph
 * brings along. Errors: SLUICE_CONFIG_SYNTAX.
 */
export async function graphFromLine(
  line: string,
  session: SessionDetails = {},
  nodes: readonly NodeDef[] = [],
): Promise<Graph> {
  const written = readLine(line, 'line', process.cwd());
  const value = written.value as Readonly<Record<string, unknown>>;
  const defs = await allNodes(nodes);
  const types = Object.values(value['nodes'] as object).map(({ type }: { type: string }) => defs.get(type));
  const needsOne = types.some((def) => def && needs(def, 'session'));
  if (!needsOne || 'sessions' in value) return new Graph(written, nodes);
  return new Graph({ ...written, value: { ...value, sessions: { session } } }, nodes);
}

/**
 * A graph from a pipeline file in YAML or JSON. `nodes`: kinds of node of the program itself, which the graph brings along.
 * Errors: SLUICE_FILE_NOT_FOUND, SLUICE_CONFIG_SYNTAX.
 */
export async function graphFromFile(path: string, nodes: readonly NodeDef[] = []): Promise<Graph> {
  return new Graph(await readTextFile(path), nodes);
}

export interface PlanOptions {
  /** What variables are filled in from, and what sessions take what they do not say. Default: that of the process. */
  readonly environment?: Environment;
}

/**
 * Plans a graph without touching a device. Everything that is wrong comes back as problems, each with its place and a mend.
 * Errors: SLUICE_CONFIG_INVALID where a node that the graph brings along has the type of another.
 */
export async function checkPipeline(source: Graph, options: PlanOptions = {}): Promise<PlanResult> {
  const loaded = loadGraph(source.written, options.environment ?? process.env);
  const planned = loaded.graph
    ? checkGraph(loaded.graph, await nodesFor(loaded.graph, source.nodes))
    : { problems: [] };
  const problems = [...loaded.problems, ...planned.problems];
  return problems.length === 0 ? planned : { problems };
}

/** As checkPipeline, and throws the first problem. */
export async function planGraph(source: Graph, options: PlanOptions = {}): Promise<Plan> {
  const { plan, problems } = await checkPipeline(source, options);
  if (plan) return plan;
  throw problems[0] as SluiceError;
}

export interface GraphOptions extends Omit<RunOptions, 'sessions'>, PlanOptions {}

/**
 * Plans a graph and runs it inside this program. `inputs` and `outputs` are the streams of its `input` and `output`
 * nodes, by id; the run owns them, as `stream.pipeline` does. Sessions are joined as `sluice run` joins them. Errors:
 * those of planning; `finished` rejects with those of running, SLUICE_STREAM_MISSING among them.
 */
export async function runGraph(source: Graph, options: GraphOptions = {}): Promise<GraphRun> {
  const { environment = process.env, ...rest } = options;
  const plan = await planGraph(source, { environment });
  const sessions = runSessions(environment, () => undefined);
  const run = runPlan(plan, { ...rest, sessions: sessions.factory });
  const closed = (): Promise<void> => sessions.close();
  const finished = run.finished.finally(closed);
  finished.catch(() => undefined);
  return {
    finished,
    stop: async () => {
      const report = await run.stop();
      await finished.catch(() => undefined);
      return report;
    },
    report: () => run.report(),
    update: (nodeId, changes) => {
      run.update(nodeId, changes);
    },
  };
}

/**
 * Runs the tests of a pipeline, a file as `sluice test` takes it, on a virtual clock and without a server: for programs that test their
 * pipelines with the rest of themselves, `nodes` of their own included. What is not as expected comes back with its place.
 * Errors: SLUICE_FILE_NOT_FOUND; SLUICE_CONFIG_INVALID where a node of one's own has the type of another.
 */
export async function testPipeline(path: string, nodes: readonly NodeDef[] = []): Promise<TestFileResult> {
  const { runTestFile } = await import('./unit-test/run-test-file.js');
  return await runTestFile(path, { registry: await allNodes(nodes) });
}

/**
 * Of the nodes that come with sluice those that a graph names or the planner may put in, and `own`: to load all takes longer than
 * planning. Where a type is not known it is all, so that one like it is found. Errors: SLUICE_CONFIG_INVALID.
 */
async function nodesFor(wanted: LoadedGraph, own: readonly NodeDef[]): Promise<Registry> {
  const { CONVERTERS, NODES_BY_TYPE } = await import('./nodes/by-type.js');
  const ownTypes = new Set(own.map(({ type }) => type));
  const types = new Set([...CONVERTERS, ...wanted.nodes.map(({ type }) => type)].filter((type) => !ownTypes.has(type)));
  const loaders = [...types].map((type) => NODES_BY_TYPE.get(type));
  if (!loaders.every((load) => load !== undefined) || own.some(({ type }) => NODES_BY_TYPE.has(type))) {
    return await allNodes(own);
  }
  return new Registry(await Promise.all(loaders.map((load) => load()))).with(own);
}

let registry: Registry | undefined;

/** All nodes that come with sluice, loaded when they are first needed, and `own`. Errors: SLUICE_CONFIG_INVALID. */
export async function allNodes(own: readonly NodeDef[] = []): Promise<Registry> {
  registry ??= new Registry(Object.values(await import('./nodes/index.js')));
  return registry.with(own);
}
