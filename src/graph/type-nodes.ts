import type { SluiceError } from '../media/errors.js';
import { checkNodeType } from './checks/node-types.js';
import { checkNodeOptions } from './checks/options.js';
import { checkSession } from './checks/sessions.js';
import type { LoadedGraph } from './load.js';
import type { Registry } from './registry.js';
import type { TypedNode } from './typed-node.js';

/** Finds the type of every node and checks its options; nodes that are wrong are left out. Pure. */
export function typeNodes(graph: LoadedGraph, registry: Registry, problems: SluiceError[]): Map<string, TypedNode> {
  const typed = new Map<string, TypedNode>();
  for (const loaded of graph.nodes) {
    const def = checkNodeType(graph, loaded, registry, problems);
    if (!def) continue;
    const before = problems.length;
    const written = checkSession(graph, loaded, def, problems);
    const options = checkNodeOptions(graph, loaded, def, written ?? { ...loaded.options, session: '?' }, problems);
    if (problems.length === before)
      typed.set(loaded.id, { id: loaded.id, loaded, def, written: written ?? {}, options, adapted: {} });
  }
  return typed;
}
