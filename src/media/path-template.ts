import { isAbsolute, join, normalize } from 'node:path';
import { z } from 'zod';
import { SluiceError } from './errors.js';
import type { StreamInfo } from './session-access.js';

const SEGMENT = 'segment';
/** How much of a name goes into a file name, in characters. */
const LONGEST_NAME = 80;

/** Option `path` of nodes that write a file. */
export const OutputPath = z
  .string()
  .min(1)
  .describe(
    'File to write, relative to the pipeline file; `{streamId}` and `{name}` stand for the stream of a branch.',
  );

/** A path that an option names: a relative one starts from `baseDir`. Pure. */
export function pathFrom(baseDir: string, path: string): string {
  return isAbsolute(path) ? path : join(baseDir, path);
}

/**
 * The path that an option stands for: `{streamId}` and `{name}` are filled in from the branch, made safe for a
 * file name, and a relative path starts from `baseDir`. `segment`, for nodes that write several files, is what `{segment}`
 * stands for, in at least three digits. Pure.
 *
 * Errors: SLUICE_CONFIG_INVALID for an unknown placeholder, for a placeholder outside a branch, and for a path
 * without one inside a branch, where all branches would write to one file.
 */
export function expandPath(template: string, baseDir: string, branch?: StreamInfo, segment?: number): string {
  let filled = 0;
  const path = template.replaceAll(/\{([^{}]*)\}/g, (_whole, key: string) => {
    if (key === SEGMENT && segment !== undefined) return String(segment).padStart(3, '0');
    filled++;
    return safeFileName(placeholder(template, key, branch));
  });
  if (branch && filled === 0) {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `path "${template}" is the same for every branch`, {
      mend: 'Put {streamId} or {name} into it.',
    });
  }
  return normalize(pathFrom(baseDir, path));
}

/**
 * The name that an option stands for: `{streamId}` and `{name}` are filled in from the branch. Pure. Errors:
 * SLUICE_CONFIG_INVALID for an unknown placeholder, and for a placeholder outside a branch.
 */
export function expandName(template: string, branch?: StreamInfo): string {
  return template.replaceAll(/\{([^{}]*)\}/g, (_whole, key: string) => placeholder(template, key, branch));
}

/** Whether a path has a place for the number of the file. Pure. */
export function hasSegments(template: string): boolean {
  return template.includes(`{${SEGMENT}}`);
}

/**
 * A text of others as one part of a file name: letters, digits, `.`, `_` and `-` stay, every run of anything else
 * becomes `_`; never empty, never starting with a dot, at most 80 characters. Pure.
 */
export function safeFileName(text: string): string {
  const safe = [...text.normalize('NFC').replaceAll(/[^\p{L}\p{M}\p{N}._-]+/gu, '_')].slice(0, LONGEST_NAME).join('');
  return safe.replace(/^\.+/, '_') || '_';
}

function placeholder(template: string, key: string, branch: StreamInfo | undefined): string {
  if (key !== 'streamId' && key !== 'name') {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `"${template}" has an unknown placeholder {${key}}`, {
      mend: 'Use {streamId} or {name}.',
    });
  }
  if (!branch) {
    throw new SluiceError(
      'SLUICE_CONFIG_INVALID',
      `"${template}" has {${key}}, but there is no branch to fill it from`,
      {
        mend: 'Take the placeholder out, or put the node behind a subscriber with `streams: each`.',
      },
    );
  }
  return branch[key];
}
