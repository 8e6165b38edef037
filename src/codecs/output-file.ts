import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { SluiceError } from '../media/errors.js';

export interface OutputFile {
  readonly path: string;
  readonly handle: FileHandle;
}

/**
 * Opens a file for writing and makes the folders it is in. With `keep` nothing that exists is overwritten:
 * `a.wav` becomes `a-2.wav`, `a-3.wav` and so on, so that two streams of one name do not share a file.
 *
 * Ownership: the caller closes `handle`. Errors: SLUICE_FILE_WRITE.
 */
export async function openOutputFile(path: string, keep = false): Promise<OutputFile> {
  try {
    await mkdir(dirname(path), { recursive: true });
    if (!keep) return { path, handle: await open(path, 'w') };
    return await openUnused(path);
  } catch (error) {
    throw new SluiceError('SLUICE_FILE_WRITE', `cannot write ${path}: ${reasonOf(error)}`, {
      cause: error,
      mend: 'Check the path and its permissions.',
    });
  }
}

async function openUnused(path: string): Promise<OutputFile> {
  const extension = extname(path);
  const stem = path.slice(0, path.length - extension.length);
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? path : `${stem}-${number}${extension}`;
    try {
      return { path: candidate, handle: await open(candidate, 'wx') };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  if (code === 'ENOSPC') return 'no space left';
  if (code === 'EISDIR') return 'it is a folder';
  if (code === 'ENOTDIR' || code === 'EEXIST') return 'a part of its path is a file';
  return error instanceof Error ? error.message : String(error);
}
