import { groupBy } from './order.js';
import type { PathLatency, PlannedLink, PlannedNode } from './planned.js';

interface Sum {
  readonly live: boolean;
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * How long media takes from every source to every sink: what nodes hold back, and what may wait in queues, summed up over
 * the slowest way. `nodes`: upstream first. Pure.
 */
export function planLatencies(nodes: readonly PlannedNode[], links: readonly PlannedLink[]): PathLatency[] {
  const into = groupBy(links, (link) => link.to.node);
  const outOf = groupBy(links, (link) => link.from.node);
  const position = new Map(nodes.map((node, index) => [node.id, index]));
  const latencies: PathLatency[] = [];
  for (const source of nodes) {
    if (source.inputs.length > 0) continue;
    const sums = new Map<string, Sum>();
    for (const node of reached(source, nodes, outOf, position)) {
      const before = node === source ? NOTHING : slowest(into.get(node.id) ?? [], sums);
      if (!before) continue;
      const sum = plus(before, node.latency);
      sums.set(node.id, sum);
      if (node.outputs.length === 0) latencies.push({ source: source.id, sink: node.id, ...sum });
    }
  }
  return latencies;
}

/** A node and everything behind it, upstream first. */
function reached(
  source: PlannedNode,
  nodes: readonly PlannedNode[],
  outOf: ReadonlyMap<string, readonly PlannedLink[]>,
  position: ReadonlyMap<string, number>,
): PlannedNode[] {
  const ids = new Set([source.id]);
  // A set that grows is walked through to its end.
  for (const id of ids) for (const link of outOf.get(id) ?? []) ids.add(link.to.node);
  const positions = [...ids].map((id) => position.get(id) ?? 0).sort((a, b) => a - b);
  return positions.flatMap((index) => nodes[index] ?? []);
}

const NOTHING: Sum = { live: false, minMs: 0, maxMs: 0 };

function slowest(links: readonly PlannedLink[], sums: ReadonlyMap<string, Sum>): Sum | undefined {
  let slowestSum: Sum | undefined;
  for (const link of links) {
    const before = sums.get(link.from.node);
    if (!before) continue;
    const sum = plus(before, { minMs: 0, maxMs: link.queue?.maxMs ?? 0 });
    slowestSum = slowestSum
      ? {
          live: sum.live || slowestSum.live,
          minMs: Math.max(sum.minMs, slowestSum.minMs),
          maxMs: Math.max(sum.maxMs, slowestSum.maxMs),
        }
      : sum;
  }
  return slowestSum;
}

function plus(sum: Sum, more: { readonly live?: boolean; readonly minMs: number; readonly maxMs: number }): Sum {
  return {
    live: sum.live || more.live === true,
    minMs: sum.minMs + more.minMs,
    maxMs: sum.maxMs + more.maxMs,
  };
}
