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
    'File to write, relative to the pipeline file; `{streamId}`, `{name}` and `{participant}` stand for the stream of a branch and who publishes it.',
  )
  .meta({ template: 'path' satisfies TemplateUse });

/** What an option is that has placeholders, in the metadata of its schema (`template`): the path of a file, of several, or a name. */
export type TemplateUse = 'path' | 'segments' | 'name';

const PLACEHOLDERS: Readonly<Record<string, (branch: StreamInfo) => string>> = {
  streamId: ({ streamId }) => streamId,
  name: ({ name }) => name,
  participant: ({ name, connection }) => connection?.name ?? name,
};
const KNOWN = '{streamId}, {name} or {participant}';

/** Somebody, where nobody is there yet. */
const ANYBODY: StreamInfo = { streamId: 'ST', name: 'Name', connectionId: 'PA', hasAudio: true, hasVideo: true };

/** Checks what can be known of a template before anybody is there. Errors: those of `expandPath` and `expandName`. Pure. */
export function checkTemplate(template: string, use: TemplateUse, isInBranch: boolean): void {
  const branch = isInBranch ? ANYBODY : undefined;
  if (use === 'name') expandName(template, branch);
  else expandPath(template, '', branch, use === 'segments' ? 1 : undefined);
}

/** A path that an option names: a relative one starts from `baseDir`. Pure. */
export function pathFrom(baseDir: string, path: string): string {
  return isAbsolute(path) ? path : join(baseDir, path);
}

/**
 * The path that an option stands for: `{streamId}`, `{name}` and `{participant}` are filled in from the branch, made safe for a
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
      found: 'a path without a placeholder, in a branch',
      expected: `a path with ${KNOWN}`,
      mend: `Put ${KNOWN} into it.`,
    });
  }
  return normalize(pathFrom(baseDir, path));
}

/**
 * The name that an option stands for: `{streamId}`, `{name}` and `{participant}` are filled in from the branch. Pure. Errors:
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
  const fill = Object.hasOwn(PLACEHOLDERS, key) ? PLACEHOLDERS[key] : undefined;
  if (!fill) {
    throw new SluiceError('SLUICE_CONFIG_INVALID', `"${template}" has an unknown placeholder {${key}}`, {
      found: `{${key}}`,
      expected: KNOWN,
      mend: `Use ${KNOWN}.`,
    });
  }
  if (!branch) {
    throw new SluiceError(
      'SLUICE_CONFIG_INVALID',
      `"${template}" has {${key}}, but there is no branch to fill it from`,
      {
        found: `{${key}} outside of a branch`,
        expected: 'no placeholder',
        mend: 'Take the placeholder out, or put the node behind a subscriber with `streams: each`.',
      },
    );
  }
  return fill(branch);
}
