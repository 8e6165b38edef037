import type { WrittenGraph } from '../graph/load.js';
import { isMapOf } from '../graph/plain-value.js';

/** Options of nodes by their ids; null takes one out. */
type Changes = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The pipeline with other options of some nodes, each where the node stands. Nodes that it does not have are left out. Pure. */
export function changeNodes(written: WrittenGraph, changes: Changes): WrittenGraph {
  const { value } = written;
  if (!isMapOf(value) || !isMapOf(value['nodes']) || Object.keys(changes).length === 0) return written;
  const nodes = Object.entries(value['nodes']).map(([id, node]) => [
    id,
    isMapOf(node) ? changed(node, changes[id]) : node,
  ]);
  return { ...written, value: { ...value, nodes: Object.fromEntries(nodes) as unknown } };
}

function changed(node: Readonly<Record<string, unknown>>, options: Changes[string] = {}): object {
  return Object.fromEntries(Object.entries({ ...node, ...options }).filter(([, option]) => option !== null));
}
