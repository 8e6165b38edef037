import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { SluiceError } from '../../media/errors.js';
import type { WrittenGraph } from '../load.js';
import { SourceMap } from '../../media/source-map.js';

/** Reads a graph in YAML, or in JSON where the name of the file ends so. Errors: SLUICE_CONFIG_SYNTAX. Pure. */
export function readText(text: string, file: string, baseDir: string): WrittenGraph {
  const places = new SourceMap(text, file);
  return { value: places.values(), places, file, baseDir };
}

/** The text of a pipeline file. Errors: SLUICE_FILE_NOT_FOUND. */
export async function readPipelineFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const folder = (error as NodeJS.ErrnoException).code === 'EISDIR';
    throw new SluiceError('SLUICE_FILE_NOT_FOUND', folder ? `${path} is a folder` : `cannot read ${path}`, {
      cause: error,
      place: { file: path },
      found: folder ? 'a folder' : 'nothing that can be read',
      expected: 'a pipeline file',
      mend: folder ? 'Name a file in it.' : 'Check the path; it starts from the current folder.',
    });
  }
}

/** Reads a pipeline file in YAML or JSON; relative paths in it start from its folder. Errors: SLUICE_FILE_NOT_FOUND, SLUICE_CONFIG_SYNTAX. */
export async function readTextFile(path: string): Promise<WrittenGraph> {
  return readText(await readPipelineFile(path), path, dirname(resolve(path)));
}
