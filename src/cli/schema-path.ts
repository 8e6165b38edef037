import { dirname, relative, resolve, sep } from 'node:path';
import { packageRoot } from './package-root.js';

/** Where the schema lies that comes with sluice, as seen from the pipeline file that names it. */
export function schemaPathFrom(file: string): string {
  const path = relative(dirname(resolve(file)), resolve(packageRoot(), 'pipelines', 'schema.json'))
    .split(sep)
    .join('/');
  return path.startsWith('.') ? path : `./${path}`;
}
