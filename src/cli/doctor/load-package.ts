import { execFile } from 'node:child_process';
import { packageRoot } from '../package-root.js';

/** A package that has not loaded by then does not, in ms. */
const LOAD_MS = 30_000;

/**
 * Loads a package in a process of its own, where it can break without harm, as sluice would find it. What is wrong, in a few words;
 * undefined when nothing is.
 */
export function loadsPackage(name: string): Promise<string | undefined> {
  const script = `await import(${JSON.stringify(name)}); process.exit(0)`;
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--input-type=module', '-e', script],
      { cwd: packageRoot(), timeout: LOAD_MS, windowsHide: true },
      (error, _printed, complaint) => {
        if (!error) resolve(undefined);
        else resolve(complaint.includes('ERR_MODULE_NOT_FOUND') ? 'not installed' : 'does not load on this machine');
      },
    );
  });
}
