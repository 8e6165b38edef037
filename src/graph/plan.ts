import type { SluiceError } from '../media/errors.js';
import type { LoadedGraph } from './load.js';
import { planBranches } from './plan-branches.js';
import { planLinks } from './plan-links.js';
import { planNodes } from './plan-nodes.js';
import type { Plan, PlannedLink, PlannedNode } from './planned.js';
import type { Registry } from './registry.js';

export interface PlanResult {
  readonly plan?: Plan;
  readonly problems: readonly SluiceError[];
}

/**
 * Works out a graph: types and options, links and their formats, order, branches. Touches no device. Problems:
 * SLUICE_NODE_UNKNOWN, SLUICE_CONFIG_INVALID (options), SLUICE_LINK_INVALID, each with its place. Pure.
 */
export function checkGraph(graph: LoadedGraph, registry: Registry): PlanResult {
  const problems: SluiceError[] = [];
  const typed = planNodes(graph, registry, problems);
  const linked = planLinks(graph, typed, problems);
  if (!linked || problems.length > 0) return { problems };
  const branches = planBranches(linked.nodes, linked.links, problems);
  if (problems.length > 0) return { problems };
  const plan: Plan = {
    file: graph.file,
    baseDir: graph.baseDir,
    ...(graph.description !== undefined && { description: graph.description }),
    sessions: graph.sessions,
    ...linked,
    branches,
    fused: planFusion(linked.nodes, linked.links),
  };
  return { plan, problems };
}

/** As checkGraph, and throws the first problem. */
export function planGraph(graph: LoadedGraph, registry: Registry): Plan {
  const { plan, problems } = checkGraph(graph, registry);
  if (plan) return plan;
  throw problems[0] as SluiceError;
}

/** Runs of two or more function nodes with nothing else on the links between them. */
function planFusion(nodes: readonly PlannedNode[], links: readonly PlannedLink[]): string[][] {
  const functions = new Map(nodes.filter((node) => node.def.transform).map((node) => [node.id, node]));
  const nextOf = (id: string): string | undefined => {
    const out = links.filter((link) => link.from.node === id);
    const to = out[0]?.to.node;
    return out.length === 1 && to !== undefined && functions.has(to) ? to : undefined;
  };
  const runs: string[][] = [];
  const taken = new Set<string>();
  for (const { id } of functions.values()) {
    if (taken.has(id)) continue;
    const run = [id];
    for (let next = nextOf(id); next !== undefined; next = nextOf(next)) run.push(next);
    for (const member of run) taken.add(member);
    if (run.length > 1) runs.push(run);
  }
  return runs;
}
