import { access } from 'node:fs/promises';
import { extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Place, SluiceError } from '../media/errors.js';

/**
 * Runs a module of the user and gives what it exports. `path` is absolute; `exports`: what it should export, in a few words; `place`: how
 * its file is called in errors. Errors: SLUICE_FILE_NOT_FOUND, SLUICE_CONFIG_SYNTAX where it breaks, SLUICE_CONFIG_INVALID where this
 * Node.js cannot run it, and SluiceErrors that it throws itself.
 */
export async function exportsOf(
  path: string,
  exports: string,
  place: Place = { file: path },
): Promise<readonly unknown[]> {
  try {
    await access(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SluiceError('SLUICE_FILE_NOT_FOUND', `cannot read ${path}: ${reason}`, {
      cause,
      place,
      mend: 'Check the path: in a pipeline it starts from the folder of its file.',
    });
  }
  try {
    return Object.values<unknown>((await import(pathToFileURL(path).href)) as Record<string, unknown>);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_UNKNOWN_FILE_EXTENSION') {
      throw new SluiceError('SLUICE_CONFIG_INVALID', 'this Node.js does not run TypeScript', {
        cause,
        place,
        found: `a ${extname(path)} file, and Node.js ${process.version}`,
        expected: 'JavaScript, or Node.js 22.18 or later',
        mend: 'Compile it, or name it .mjs where it has no types in it.',
      });
    }
    if (cause instanceof SluiceError) throw cause;
    throw new SluiceError(
      'SLUICE_CONFIG_SYNTAX',
      `the program broke: ${cause instanceof Error ? cause.message : 'it threw'}`,
      {
        cause,
        place,
        found: 'a program that breaks when it is loaded',
        expected: `a module that exports ${exports}`,
        mend: 'Run it with node to see where.',
      },
    );
  }
}
