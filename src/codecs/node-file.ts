import type { NodeContext } from '../media/node.js';
import { expandPath } from '../media/path-template.js';
import { type OutputFile, openOutputFile } from './output-file.js';

/**
 * Opens the file that a node writes to, see `expandPath` for `template` and `segment`. In a branch, when the node is made anew after a
 * failure, and with `keep`, nothing that exists is overwritten. Ownership: the caller closes `handle`. Errors: SLUICE_CONFIG_INVALID,
 * SLUICE_FILE_WRITE.
 */
export async function openNodeFile(
  template: string,
  { baseDir, branch, isRestart = false }: NodeContext,
  { segment, keep = false }: { readonly segment?: number; readonly keep?: boolean } = {},
): Promise<OutputFile> {
  const path = expandPath(template, baseDir, branch, segment);
  return await openOutputFile(path, keep || branch !== undefined || isRestart);
}
