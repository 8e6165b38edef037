import { SluiceError } from '../../media/errors.js';
import { findCycle } from '../order.js';
import type { Wire } from '../wire.js';

/** Media flows one way: SLUICE_LINK_CYCLE for links that go in a circle. True when there is none. Pure. */
export function checkCycles(ids: readonly string[], wires: readonly Wire[], problems: SluiceError[]): boolean {
  const cycle = findCycle(ids, wires);
  if (!cycle) return true;
  const last = cycle.at(-1);
  const path = [...cycle.map((step) => step.from), last?.to].join(' -> ');
  problems.push(
    new SluiceError('SLUICE_LINK_CYCLE', `the links go in a circle: ${path}`, {
      place: last?.reference.place ?? {},
      found: path,
      expected: 'links that lead from sources to sinks',
      mend: 'Take one of these links out.',
    }),
  );
  return false;
}
