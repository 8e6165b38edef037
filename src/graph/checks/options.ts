import type { SluiceError } from '../../media/errors.js';
import type { NodeDef } from '../../media/node.js';
import { checkOptions } from '../check-options.js';
import type { LoadedGraph, LoadedNode } from '../load.js';
import { GRAPH_KEYS } from '../schema.js';
import { optionNames } from '../typed-node.js';

/** A node's options as its schema puts them out. SLUICE_CONFIG_INVALID, one for each that is wrong. Pure. */
export function checkNodeOptions(
  graph: LoadedGraph,
  node: LoadedNode,
  def: NodeDef,
  written: Readonly<Record<string, unknown>>,
  problems: SluiceError[],
): unknown {
  const checked = checkOptions(def.options, written, {
    places: graph.places,
    base: ['nodes', node.id],
    knownKeys: (path) => [...optionNames(def, path), ...(path.length === 0 ? GRAPH_KEYS.slice(1) : [])],
    substituted: graph.substituted,
    noun: 'option',
    mend: `See \`sluice inspect ${def.type}\` for its options.`,
  });
  problems.push(...checked.problems);
  return checked.problems.length === 0 ? checked.data : undefined;
}
