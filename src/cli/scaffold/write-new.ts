import { access } from 'node:fs/promises';
import { SluiceError } from '../../media/errors.js';
import { writeTextFile } from '../write-file.js';

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
    await writeTextFile(path, text, 'wx');
  } catch (error) {
    const { code, syscall } = (error as SluiceError).cause as NodeJS.ErrnoException;
    // A file may also stand where a folder is wanted.
    throw code === 'EEXIST' && syscall === 'open' ? alreadyThere(path) : error;
  }
}

function alreadyThere(path: string): SluiceError {
  return new SluiceError('SLUICE_FILE_WRITE', `${path} is already there`, {
    found: 'a file of that name',
    expected: 'none: nothing is overwritten',
    mend: 'Choose another name, or move the file away.',
  });
}
