import { access, mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { SluiceError } from '../../media/errors.js';

/** A file that does not exist yet. */
export interface NewFile {
  readonly path: string;
  readonly text: string;
}

/** Something that `sluice new` begins. */
export interface Scaffold {
  readonly files: readonly NewFile[];
  /** A command line that shows that it works. */
  readonly next: string;
}

/** Writes files that must not be there: none is written when one of them is. Errors: SLUICE_FILE_WRITE. */
export async function writeNew(files: readonly NewFile[]): Promise<void> {
  for (const { path } of files) {
    const there = await access(path).then(
      () => true,
      () => false,
    );
    if (there) throw alreadyThere(path);
  }
  for (const file of files) await write(file);
}

async function write({ path, text }: NewFile): Promise<void> {
  try {
    await mkdir(dirname(resolve(path)), { recursive: true });
  } catch (cause) {
    throw cannotWrite(path, cause);
  }
  try {
    await writeFile(path, text, { flag: 'wx' });
  } catch (cause) {
    throw (cause as NodeJS.ErrnoException).code === 'EEXIST' ? alreadyThere(path) : cannotWrite(path, cause);
  }
}

function cannotWrite(path: string, cause: unknown): SluiceError {
  return new SluiceError('SLUICE_FILE_WRITE', `cannot write ${path}`, {
    cause,
    mend: 'Check the path and its rights.',
  });
}

function alreadyThere(path: string): SluiceError {
  return new SluiceError('SLUICE_FILE_WRITE', `${path} is already there`, {
    found: 'a file of that name',
    expected: 'none: nothing is overwritten',
    mend: 'Choose another name, or move the file away.',
  });
}
