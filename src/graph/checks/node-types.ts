import { SluiceError } from '../../media/errors.js';
import type { NodeDef } from '../../media/node.js';
import type { LoadedGraph, LoadedNode } from '../load.js';
import { nearest } from '../nearest.js';
import type { Registry } from '../registry.js';

/** The definition of a node's type. SLUICE_NODE_UNKNOWN where there is none. Pure. */
export function checkNodeType(
  graph: LoadedGraph,
  node: LoadedNode,
  registry: Registry,
  problems: SluiceError[],
): NodeDef | undefined {
  const def = registry.get(node.type);
  if (def) return def;
  const types = registry.list().map((one) => one.type);
  const near = nearest(node.type, types);
  problems.push(
    new SluiceError('SLUICE_NODE_UNKNOWN', `there is no node type "${node.type}"`, {
      place: node.typePlace,
      found: `type "${node.type}"`,
      expected: near === undefined ? `one of ${types.join(', ')}` : `a type of node, such as "${near}"`,
      mend: isIdOfAnother(graph, node)
        ? `"${node.type}" is a node of this pipeline: go on from it with \`${node.type}.\` in a line, and \`from: ${node.type}\` elsewhere.`
        : registry.mendFor(node.type),
    }),
  );
  return undefined;
}

function isIdOfAnother(graph: LoadedGraph, { id, type }: LoadedNode): boolean {
  return id !== type && graph.nodes.some((node) => node.id === type);
}
