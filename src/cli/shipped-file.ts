import { dirname, relative, resolve, sep } from 'node:path';
import { packageRoot } from './package-root.js';

/** Where a file lies that comes with sluice, as seen from a file that names it. */
export function shippedFileFrom(file: string, shipped: string): string {
  const path = relative(dirname(resolve(file)), resolve(packageRoot(), shipped))
    .split(sep)
    .join('/');
  return path.startsWith('.') ? path : `./${path}`;
}
