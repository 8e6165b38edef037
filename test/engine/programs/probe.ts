import { readFileSync, readdirSync } from 'node:fs';
import { startService } from '../../../src/engine/thread.js';
import { report } from './pair.js';

declare const gc: () => void;

/** Reports what is open in this process now. Needs --expose-gc. */
export async function probe(name: string): Promise<void> {
  const media = await startService(new URL('./probe-service.js', import.meta.url), {});
  await media.close();
  for (let i = 0; i < 3; i++) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const status = readFileSync('/proc/self/status', 'utf8');
  const number = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  report({
    name,
    main: process.getActiveResourcesInfo().sort(),
    media: media.info,
    threads: number('Threads'),
    rssMb: number('VmRSS') / 1024,
    files: readdirSync('/proc/self/fd').length,
  });
}
