import { setTimeout as wait } from 'node:timers/promises';
import { nowMs } from './pacer.js';

/** CPU time of this process with all its threads over the next `ms`, in percent of one core. */
export async function cpuPercent(ms: number): Promise<number> {
  const startMs = nowMs();
  const start = process.cpuUsage();
  await wait(ms);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / (nowMs() - startMs) / 10;
}
