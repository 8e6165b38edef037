import { checkPipeline } from '../pipeline.js';
import type { PlanResult } from '../graph/plan.js';
import type { Environment } from '../graph/environment.js';
import { SluiceError } from '../media/errors.js';
import type { NodeDef } from '../media/node.js';
import { readAnyGraph, type GraphChoice } from './read-graph.js';

/**
 * Reads and plans a graph in any notation, with `nodes` beside those that come with sluice. Errors: SLUICE_FILE_NOT_FOUND;
 * what is wrong inside comes back as problems.
 */
export async function loadPlan(
  choice: GraphChoice,
  environment: Environment,
  nodes: readonly NodeDef[] = [],
): Promise<PlanResult> {
  try {
    return await checkPipeline(await readAnyGraph(choice, nodes), { environment });
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'SLUICE_CONFIG_SYNTAX') return { problems: [error] };
    throw error;
  }
}
