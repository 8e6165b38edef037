import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { SluiceError } from '../media/errors.js';

/** Writes a text that a command was asked to write; folders are made. `flag`: as `fs.writeFile` has it. Errors: SLUICE_FILE_WRITE. */
export async function writeTextFile(path: string, text: string, flag = 'w'): Promise<void> {
  try {
    await mkdir(dirname(resolve(path)), { recursive: true });
    await writeFile(path, text, { flag });
  } catch (cause) {
    throw new SluiceError('SLUICE_FILE_WRITE', `cannot write ${path}`, {
      cause,
      mend: 'Check the path and its rights.',
    });
  }
}
