import { z } from 'zod';
import { SluiceError } from '../../media/errors.js';
import type { NodeDef } from '../../media/node.js';
import { checkTemplate, type TemplateUse } from '../../media/path-template.js';
import type { FormattedNode } from '../insertion.js';
import type { LoadedGraph } from '../load.js';
import type { PlannedBranch } from '../planned.js';

/**
 * Placeholders are filled in from the stream of a branch. SLUICE_CONFIG_INVALID for one that nothing fills, and for a path in a branch
 * that has none, which all branches would write to. Pure.
 */
export function checkTemplates(
  graph: LoadedGraph,
  nodes: readonly FormattedNode[],
  branches: readonly PlannedBranch[],
  problems: SluiceError[],
): void {
  const inBranches = new Set(branches.flatMap((branch) => branch.nodes));
  for (const { id, def, options } of nodes) {
    for (const [name, use] of templatesOf(def)) {
      const template = (options as Readonly<Record<string, unknown>>)[name];
      if (typeof template !== 'string') continue;
      try {
        checkTemplate(template, use, inBranches.has(id));
      } catch (error) {
        if (!(error instanceof SluiceError)) throw error;
        problems.push(error.at({ ...graph.places.placeOf(['nodes', id, name]), node: id }));
      }
    }
  }
}

/** Options that have placeholders, by name. Pure. */
export function templatesOf({ options }: NodeDef): readonly (readonly [string, TemplateUse])[] {
  if (!(options instanceof z.ZodObject)) return [];
  return Object.entries(options.shape as Readonly<Record<string, z.ZodType>>).flatMap(([name, option]) => {
    const use = option.meta()?.['template'] as TemplateUse | undefined;
    return use === undefined ? [] : [[name, use] as const];
  });
}
