import { SluiceError } from '../../media/errors.js';
import type { LoadedGraph, Reference } from '../load.js';
import { nearest } from '../nearest.js';
import type { Wire } from '../wire.js';

/** What every `from` names: a node, and maybe an output of it. SLUICE_LINK_UNKNOWN where there is no such node. Pure. */
export function checkReferences(graph: LoadedGraph, problems: SluiceError[]): Wire[] {
  const ids = new Set(graph.nodes.map((node) => node.id));
  return graph.nodes.flatMap((node) =>
    node.from.flatMap((reference) => {
      const dot = reference.text.indexOf('.');
      const from = dot === -1 ? reference.text : reference.text.slice(0, dot);
      const output = dot === -1 ? undefined : reference.text.slice(dot + 1);
      if (ids.has(from)) return [{ from, to: node.id, reference, ...(output !== undefined && { output }) }];
      problems.push(unknown(from, node.id, reference, [...ids]));
      return [];
    }),
  );
}

function unknown(from: string, to: string, reference: Reference, ids: readonly string[]): SluiceError {
  const others = ids.filter((id) => id !== to);
  const near = nearest(from, others);
  return new SluiceError('SLUICE_LINK_UNKNOWN', `there is no node "${from}"`, {
    place: reference.place,
    found: `"${reference.text}"`,
    expected: others.length === 0 ? 'another node of the pipeline' : `one of ${others.join(', ')}`,
    mend: near === undefined ? `Nodes here: ${ids.join(', ')}.` : `Did you mean "${near}"?`,
  });
}
