import type { SluiceError } from '../media/errors.js';
import { checkBranches } from './checks/branches.js';
import { checkCycles } from './checks/cycles.js';
import { checkDiamonds } from './checks/diamonds.js';
import { checkNamedInputs } from './checks/named-inputs.js';
import { checkFailures } from './checks/failures.js';
import { checkFiles } from './checks/files.js';
import { checkQueues } from './checks/queues.js';
import { checkReferences } from './checks/references.js';
import { checkTemplates } from './checks/templates.js';
import { ConversionSearch } from './conversion-search.js';
import { planFlow } from './flow.js';
import { planFusion } from './fusion.js';
import { Insertion, type FormattedLink } from './insertion.js';
import { planLatencies } from './latency.js';
import type { LoadedGraph } from './load.js';
import { Negotiation } from './negotiation.js';
import { groupBy, inOrder } from './order.js';
import { Pairing } from './pairing.js';
import type { Plan, PlannedBranch, PlannedNode } from './planned.js';
import type { Registry } from './registry.js';
import type { OnError } from './schema.js';
import { typeNodes } from './type-nodes.js';
import type { TypedNode } from './typed-node.js';

export interface PlanResult {
  readonly plan?: Plan;
  readonly problems: readonly SluiceError[];
}

/**
 * Works out a graph: types and options, links and their formats with the converters that they need, branches, flow,
 * queues, latency, fused functions. Touches no device. Problems have their place, what was found and expected, and a
 * mend; their codes are those of the checks, one in each file of `checks/`. Pure.
 */
export function checkGraph(graph: LoadedGraph, registry: Registry): PlanResult {
  const problems: SluiceError[] = [];
  const linked = linkNodes(graph, registry, problems);
  if (!linked) return { problems };
  const branches = checkBranches(linked.nodes, linked.links, problems);
  checkFailures(graph, linked.nodes, problems);
  checkQueues(graph, problems);
  checkTemplates(graph, linked.nodes, branches, problems);
  checkFiles(graph, linked.nodes, branches, problems);
  checkNamedInputs(graph, linked.nodes, linked.links, problems);
  const nodes = withFailures(graph, linked, branches);
  const queues = new Map(graph.nodes.flatMap(({ id, queue }) => (queue ? [[id, queue]] : [])));
  const links = planFlow(nodes, linked.links, queues);
  if (problems.length === 0) checkDiamonds(nodes, links, problems);
  if (problems.length > 0) return { problems };
  const plan: Plan = {
    file: graph.file,
    baseDir: graph.baseDir,
    ...(graph.description !== undefined && { description: graph.description }),
    strict: graph.strict,
    sessions: graph.sessions,
    nodes,
    links,
    branches,
    fused: planFusion(nodes, links),
    latencies: planLatencies(nodes, links),
    live: nodes.some((node) => node.latency.live === true),
  };
  return { plan, problems };
}

/** As checkGraph, and throws the first problem. */
export function planGraph(graph: LoadedGraph, registry: Registry): Plan {
  const { plan, problems } = checkGraph(graph, registry);
  if (plan) return plan;
  throw problems[0] as SluiceError;
}

/** Nodes, upstream first, and links with their formats and converters; undefined when something is wrong with them. */
function linkNodes(graph: LoadedGraph, registry: Registry, problems: SluiceError[]): Insertion | undefined {
  const typed = typeNodes(graph, registry, problems);
  const ids = graph.nodes.map((node) => node.id);
  const wires = checkReferences(graph, problems);
  if (!checkCycles(ids, wires, problems)) return undefined;
  const order = inOrder(ids, wires);
  const sorted = (nodes: ReadonlyMap<string, TypedNode>): TypedNode[] => order.flatMap((id) => nodes.get(id) ?? []);
  const search = new ConversionSearch(registry.list());
  const pairing = new Pairing(typed, search, problems);
  const wiresInto = groupBy(wires, (wire) => wire.to);
  for (const node of sorted(typed)) pairing.add(node, wiresInto.get(node.id) ?? []);
  pairing.checkOutputs();
  if (problems.length > 0) return undefined;
  const settled = new Negotiation(typed, pairing.pairs, pairing.inputFormats, search).settle(order);
  const pairsInto = groupBy(pairing.pairs, (pair) => pair.to);
  const insertion = new Insertion(search, graph.strict, problems);
  for (const node of sorted(settled)) insertion.add(node, pairsInto.get(node.id) ?? []);
  return problems.length > 0 ? undefined : insertion;
}

/** What happens when a node fails: what the graph says, otherwise a branch ends, or everything. */
function withFailures(
  graph: LoadedGraph,
  { nodes, links }: Insertion,
  branches: readonly PlannedBranch[],
): PlannedNode[] {
  const written = new Map(graph.nodes.map(({ id, onError }) => [id, onError]));
  const inBranches = new Set(branches.flatMap((branch) => branch.nodes));
  const planned: PlannedNode[] = [];
  // A converter is as its readers are: they come after it.
  for (const node of nodes.toReversed()) {
    if (node.inserted)
      written.set(
        node.id,
        commonOnError(
          links.filter(({ from }) => from.node === node.id),
          written,
        ),
      );
    planned.push({
      ...node,
      onError: written.get(node.id) ?? { action: inBranches.has(node.id) ? 'end-branch' : 'fail' },
      mayFail: written.get(node.id)?.action === 'end-branch',
    });
  }
  return planned.reverse();
}

/** What all readers of a node say that happens when they fail; undefined where they do not say the same. */
function commonOnError(
  links: readonly FormattedLink[],
  written: ReadonlyMap<string, OnError | undefined>,
): OnError | undefined {
  const [first, ...others] = links.map(({ to }) => written.get(to.node));
  return others.every((other) => JSON.stringify(other) === JSON.stringify(first)) ? first : undefined;
}
