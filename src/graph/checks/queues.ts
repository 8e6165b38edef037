import { SluiceError } from '../../media/errors.js';
import type { LoadedGraph } from '../load.js';

/** A queue stands in front of an input. SLUICE_CONFIG_INVALID for a `queue` of a node that nothing flows into. Pure. */
export function checkQueues(graph: LoadedGraph, problems: SluiceError[]): void {
  for (const { id, type, queue, from } of graph.nodes) {
    if (!queue || from.length > 0) continue;
    problems.push(
      new SluiceError('SLUICE_CONFIG_INVALID', `"${id}" (${type}) has a queue, and nothing flows into it`, {
        place: { ...graph.places.placeOfKey(['nodes', id, 'queue']), node: id },
        found: '`queue` without `from`',
        expected: '`queue` of a node that has links into it',
        mend: 'Give the queue to the node that reads.',
      }),
    );
  }
}
