import { SluiceError } from '../../media/errors.js';
import type { FormattedNode } from '../insertion.js';
import type { LoadedGraph } from '../load.js';

/** What the program around a graph gives cannot be made anew. SLUICE_CONFIG_INVALID for `onError: restart` of it. Pure. */
export function checkFailures(graph: LoadedGraph, nodes: readonly FormattedNode[], problems: SluiceError[]): void {
  const given = new Map(nodes.map(({ id, def }) => [id, def.given]));
  for (const { id, type, onError } of graph.nodes) {
    if (onError?.action !== 'restart' || given.get(id) === undefined) continue;
    problems.push(
      new SluiceError('SLUICE_CONFIG_INVALID', `"${id}" (${type}) is a stream of the program, which gives it once`, {
        place: { ...graph.places.placeOf(['nodes', id, 'onError']), node: id },
        found: 'restart',
        expected: 'fail or end-branch',
        mend: 'Use `fail` or `end-branch`; the program can run the graph again with a new stream.',
      }),
    );
  }
}
