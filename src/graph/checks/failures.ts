import { SluiceError } from '../../media/errors.js';
import type { LoadedGraph } from '../load.js';
import type { PlannedBranch } from '../planned.js';

/** Only what is in a branch can end one. SLUICE_CONFIG_INVALID for `onError: end-branch` elsewhere. Pure. */
export function checkFailures(graph: LoadedGraph, branches: readonly PlannedBranch[], problems: SluiceError[]): void {
  const inBranches = new Set(branches.flatMap((branch) => branch.nodes));
  for (const { id, onError } of graph.nodes) {
    if (onError?.action !== 'end-branch' || inBranches.has(id)) continue;
    problems.push(
      new SluiceError('SLUICE_CONFIG_INVALID', `"${id}" is in no branch that it could end`, {
        place: { ...graph.places.placeOf(['nodes', id, 'onError']), node: id },
        found: 'end-branch',
        expected: 'fail or restart',
        mend: 'Use `fail` or `restart`; `end-branch` is for nodes behind a subscriber with `streams: each`.',
      }),
    );
  }
}
