import { normalize } from 'node:path';
import { SluiceError } from '../../media/errors.js';
import { pathFrom } from '../../media/path-template.js';
import type { FormattedNode } from '../insertion.js';
import type { LoadedGraph } from '../load.js';
import type { PlannedBranch } from '../planned.js';
import { templatesOf } from './templates.js';

/** What may be written to by many at once. */
const DEVICE = /^\/dev\//;

/**
 * A file is written by one node, and not by one of a graph that reads it: it would be emptied first. SLUICE_CONFIG_INVALID. In branches
 * nothing that exists is overwritten. Pure.
 */
export function checkFiles(
  graph: LoadedGraph,
  nodes: readonly FormattedNode[],
  branches: readonly PlannedBranch[],
  problems: SluiceError[],
): void {
  const inBranches = new Set(branches.flatMap((branch) => branch.nodes));
  const uses = new Map(
    nodes.flatMap((node) => filesRead(node, graph.baseDir).map((path) => [path, `"${node.id}" reads`])),
  );
  for (const node of nodes) {
    if (inBranches.has(node.id)) continue;
    for (const [option, written] of filesWritten(node)) {
      const path = normalize(pathFrom(graph.baseDir, written));
      if (DEVICE.test(path)) continue;
      const use = uses.get(path);
      if (use === undefined) {
        uses.set(path, `"${node.id}" writes`);
        continue;
      }
      problems.push(
        new SluiceError('SLUICE_CONFIG_INVALID', `${use} "${written}" already`, {
          place: { ...graph.places.placeOf(['nodes', node.id, option]), node: node.id },
          found: 'a file that another node uses',
          expected: 'a file that no other node of the pipeline reads or writes',
          mend: 'Give it another path.',
        }),
      );
    }
  }
}

function filesRead({ def, options }: FormattedNode, baseDir: string): readonly string[] {
  const needs = def.needs?.(options, baseDir) ?? [];
  return needs.flatMap((need) => (need.kind === 'file' ? [normalize(need.path)] : []));
}

/** Paths that a node writes to, as they are written, by option. */
function filesWritten({ def, options }: FormattedNode): readonly (readonly [string, string])[] {
  return templatesOf(def).flatMap(([option, use]) => {
    const path = (options as Readonly<Record<string, unknown>>)[option];
    return use === 'name' || typeof path !== 'string' ? [] : [[option, path] as const];
  });
}
