import { resolve } from 'node:path';
import { readPipelineFile } from '../graph/notation/text.js';
import { exportsOf } from '../speech/user-module.js';

/**
 * Runs a module of the user and gives what it exports. `exports`: what it should export, in a few words. Errors:
 * SLUICE_FILE_NOT_FOUND, SLUICE_CONFIG_SYNTAX where it breaks, SLUICE_CONFIG_INVALID where this Node.js cannot run it, and
 * SluiceErrors that it throws itself.
 */
export async function importModule(file: string, exports: string): Promise<readonly unknown[]> {
  await readPipelineFile(file);
  return await exportsOf(resolve(file), exports, { file });
}
