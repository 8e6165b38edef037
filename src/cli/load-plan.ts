import { readGraphFile } from '../graph/load.js';
import { checkGraph, type PlanResult } from '../graph/plan.js';
import { Registry } from '../graph/registry.js';
import type { Environment } from '../graph/environment.js';

/** All nodes that come with sluice. */
export async function allNodes(): Promise<Registry> {
  return new Registry(Object.values(await import('../nodes/index.js')));
}

/** Reads and plans a pipeline file. Errors: SLUICE_FILE_NOT_FOUND; what is wrong inside comes back as problems. */
export async function loadPlan(file: string, environment: Environment): Promise<PlanResult> {
  const { graph, problems } = await readGraphFile(file, environment);
  const planned = graph ? checkGraph(graph, await allNodes()) : { problems: [] };
  const all = [...problems, ...planned.problems];
  return all.length === 0 ? planned : { problems: all };
}
