import { groupBy } from './order.js';
import type { PlannedLink, PlannedNode } from './planned.js';

/**
 * Runs of two or more function nodes that become one stream: nothing else is on the links between them, no queue either,
 * and all do the same when one fails. By node id. Pure.
 */
export function planFusion(nodes: readonly PlannedNode[], links: readonly PlannedLink[]): string[][] {
  const functions = new Map(nodes.filter((node) => node.def.transform).map((node) => [node.id, node]));
  const outOf = groupBy(links, (link) => link.from.node);
  const nextOf = (id: string): string | undefined => {
    const [link, ...others] = outOf.get(id) ?? [];
    const next = link && others.length === 0 && !link.queue ? functions.get(link.to.node) : undefined;
    return next && JSON.stringify(next.onError) === JSON.stringify(functions.get(id)?.onError) ? next.id : undefined;
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
