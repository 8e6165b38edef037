import { nearest } from '../graph/nearest.js';
import type { Plan } from '../graph/planned.js';
import type { Path } from '../media/source-map.js';
import { SluiceError } from '../media/errors.js';
import { nodeName } from './node-name.js';
import type { TestToRun } from './test-to-run.js';

/** What a test names that its pipeline does not have, or cannot be played by a script. Pure. */
export function checkNames(toRun: TestToRun, plan: Plan): readonly SluiceError[] {
  const { sessions, inputs, nodes: changed, expect } = toRun.test;
  const nodes = plan.nodes.map(({ id }) => id);
  const sources = plan.nodes.filter(({ inputs: ports, def }) => ports.length === 0 && !def.watch).map(({ id }) => id);
  const known = plan.sessions.map(({ id }) => id);
  return [
    ...Object.keys(sessions).flatMap((id) => unknown(toRun, ['sessions', id], known)),
    ...Object.keys(changed).flatMap((id) => unknown(toRun, ['nodes', id], nodes)),
    ...Object.keys(inputs).flatMap((id) => unknown(toRun, ['inputs', id], sources)),
    ...Object.keys(expect.sessions).flatMap((id) => unknown(toRun, ['expect', 'sessions', id], known)),
    ...Object.keys(expect.nodes).flatMap((key) => unknown(toRun, ['expect', 'nodes', key], nodes, nodeName(key).id)),
  ];
}

function unknown(
  { tests, name }: TestToRun,
  path: Path,
  known: readonly string[],
  id = String(path.at(-1)),
): SluiceError[] {
  if (known.includes(id)) return [];
  const what = path[0] === 'inputs' ? 'source' : path.includes('nodes') ? 'node' : 'session';
  const near = nearest(id, known);
  return [
    new SluiceError('SLUICE_CONFIG_INVALID', `the pipeline has no ${what} "${id}"`, {
      place: tests.places.placeOfKey(['tests', name, ...path]),
      found: `"${id}"`,
      expected: known.length === 0 ? `no ${what}` : `one of ${known.join(', ')}`,
      mend: near === undefined ? 'See `sluice plan` for what there is.' : `Did you mean "${near}"?`,
    }),
  ];
}
