import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Programs of the machine that some tests need and the product does not. */
const PROGRAMS = {
  chromium: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
  ffmpeg: ['ffmpeg'],
  ffprobe: ['ffprobe'],
  'espeak-ng': ['espeak-ng'],
  pocketsphinx_continuous: ['pocketsphinx_continuous'],
  'redis-server': ['redis-server'],
  'livekit-server': ['livekit-server'],
  go: ['go'],
  bash: ['bash'],
  zsh: ['zsh'],
  fish: ['fish'],
  'gst-launch-1.0': ['gst-launch-1.0'],
  janus: ['janus'],
} as const;

export type SystemProgram = keyof typeof PROGRAMS;

/** Searched after PATH. */
const USUAL_FOLDERS = [
  '/usr/local/bin',
  '/usr/bin',
  '/usr/local/go/bin',
  '/snap/bin',
  '/opt/google/chrome',
  '/opt/homebrew/bin',
  '/Applications/Chromium.app/Contents/MacOS',
];

/** What `requireSystem` uses of a tap test. */
export interface Reporting {
  pass(message: string, extra: { skip: string }): unknown;
  fail(message: string): unknown;
}

/**
 * The path of a program that the calling test needs, or `undefined` after the test was marked as skipped.
 * `SLUICE_REQUIRE` names the programs that must be there (`all`, or a list with commas): without one of them the
 * test fails. `SLUICE_CHROMIUM`, `SLUICE_FFMPEG` and so on name a path of their own.
 *
 *     const chromium = requireSystem(t, 'chromium');
 *     if (chromium === undefined) return;
 */
export function requireSystem(t: Reporting, program: SystemProgram): string | undefined {
  const path = findProgram(program);
  if (path !== undefined) return path;
  if (isRequired(program)) t.fail(`${program} is not installed, and SLUICE_REQUIRE asks for it`);
  else t.pass(program, { skip: `${program} is not installed` });
  return undefined;
}

function isRequired(program: SystemProgram): boolean {
  const required = (process.env['SLUICE_REQUIRE'] ?? '').split(',').map((name) => name.trim());
  return required.includes('all') || required.includes(program);
}

/** The path of a program: what its variable names, else what is in PATH or a usual folder. */
export function findProgram(program: SystemProgram): string | undefined {
  const named = process.env[`SLUICE_${program.replace(/\W/g, '_').toUpperCase()}`];
  if (named !== undefined && named !== '') return isExecutable(named) ? named : undefined;
  const folders = [...(process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''), ...USUAL_FOLDERS];
  const names = PROGRAMS[program].map((name) => (process.platform === 'win32' ? `${name}.exe` : name));
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
