import { setTimeout as wait } from 'node:timers/promises';
import type { ClientName } from './client.js';
import type { Benchmark, Report } from './report.js';
import { onStage } from './stage.js';
import { ratios, spread } from './statistics.js';

const RUNS = 3;
const SUBSCRIBERS = 10;
const SETTLE_MS = 1500;

/** Resident memory of participants that subscribe and do not read. */
export const memory: Benchmark = { title: 'Memory, on a LiveKit server', run: compare };

async function compare(): Promise<Report> {
  const results: Record<ClientName, Awaited<ReturnType<typeof measure>>[]> = { sluice: [], 'rtc-node': [] };
  for (let run = 0; run < RUNS; run++) {
    for (const client of ['sluice', 'rtc-node'] as const) results[client].push(await measure(client));
  }
  const row = (name: string, pick: (result: Awaited<ReturnType<typeof measure>>) => number): string[] => {
    const [ours, theirs] = [results.sluice.map(pick), results['rtc-node'].map(pick)];
    return [name, spread(ours), spread(theirs), `${spread(ratios(ours, theirs), 2)} x`];
  };
  return {
    conditions: [
      `Resident memory in MB (10^6 bytes) after a garbage collection. One process joins a session in which a voice is published, subscribes without reading, then ${SUBSCRIBERS} more participants of the same process do so. ${RUNS} runs with new processes.`,
    ],
    head: ['', 'sluice', 'rtc-node', 'sluice is'],
    rows: [
      row('process with one subscriber', ({ oneMb }) => oneMb),
      row('each further subscriber', ({ furtherMb }) => furtherMb),
      row('in the LiveKit server, each further participant', ({ serverMb }) => serverMb),
    ],
    limits: ['Memory that is given out and not used does not show. What a long session gathers is not measured.'],
  };
}

async function measure(client: ClientName): Promise<{ oneMb: number; furtherMb: number; serverMb: number }> {
  return await onStage('livekit', async (stage) => {
    const publisher = await stage.participant('sluice', 'memory', 'publisher');
    await publisher.call('publishVoice', undefined);
    const process = stage.process(['--expose-gc']);
    const stay = async (name: string): Promise<void> => {
      await process.call('stayIdle', { client, from: 'publisher', ...(await stage.access('memory', name)) });
    };
    const both = async (): Promise<[number, number]> => {
      await wait(SETTLE_MS);
      return [(await process.call('memory', undefined)) / 1e6, (await stage.server.call('memory', undefined)) / 1e6];
    };
    await stay('one');
    const [oneMb, serverOneMb] = await both();
    for (let count = 0; count < SUBSCRIBERS; count++) await stay(`more-${count}`);
    const [allMb, serverAllMb] = await both();
    return { oneMb, furtherMb: (allMb - oneMb) / SUBSCRIBERS, serverMb: (serverAllMb - serverOneMb) / SUBSCRIBERS };
  });
}
