import { SluiceError, type Place } from '../../media/errors.js';
import type { FormattedLink, FormattedNode } from '../insertion.js';
import type { LoadedGraph } from '../load.js';
import { nearest } from '../nearest.js';

/** Options that name a link into their node mean one that is there. SLUICE_CONFIG_INVALID. Pure. */
export function checkNamedInputs(
  graph: LoadedGraph,
  nodes: readonly FormattedNode[],
  links: readonly FormattedLink[],
  problems: SluiceError[],
): void {
  for (const { id, def, options } of nodes) {
    const option = def.namesInput;
    if (option === undefined) continue;
    const sources = links.filter((link) => link.to.node === id).map((link) => link.source);
    const place = { ...graph.places.placeOf(['nodes', id, option]), node: id };
    const problem = wrongInput(option, (options as Readonly<Record<string, unknown>>)[option], sources, place);
    if (problem) problems.push(problem);
  }
}

/** What is wrong with a name of one of the links from `sources` (`id.output`): `id.output` or `id`. Pure. */
export function wrongInput(
  option: string,
  name: unknown,
  sources: readonly string[],
  place: Place,
): SluiceError | undefined {
  const names = [...new Set(sources.flatMap((source) => [source.split('.')[0] ?? source, source]))];
  if (typeof name !== 'string' || names.includes(name)) return undefined;
  const near = nearest(name, names);
  return new SluiceError('SLUICE_CONFIG_INVALID', `nothing flows in from "${name}"`, {
    place,
    found: `${option} "${name}"`,
    expected: `one of ${sources.join(', ')}`,
    mend: near === undefined ? `Name what flows in: ${sources.join(', ')}.` : `Did you mean "${near}"?`,
  });
}
