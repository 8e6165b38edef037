import { setTimeout as wait } from 'node:timers/promises';
import type { ClientName } from './client.js';
import { atMost, type Benchmark, type Report } from './report.js';
import { onStage } from './stage.js';
import { median, ratios, spread } from './statistics.js';

const RUNS = 3;
const STREAMS = [1, 10, 20];
/** As for one stream. */
const WARM_UP_MS = 20_000;
const MEASURED_MS = 10_000;
const CLIENTS: readonly ClientName[] = ['sluice', 'rtc-node'];

interface Run {
  readonly percent: number;
  readonly readPerSecond: number;
}

/** CPU of one participant that hears many others as one mix. */
export const mix: Benchmark = {
  title: 'CPU for each stream of a mix, on a LiveKit server',
  notes: 'mix',
  run: compare,
};

async function compare(): Promise<Report> {
  let eachOfMost = NaN;
  const rows: string[][] = [];
  for (const streams of STREAMS) {
    const results: Record<ClientName, Run[]> = { sluice: [], 'rtc-node': [] };
    for (let run = 0; run < RUNS; run++) {
      for (const client of CLIENTS) results[client].push(await measure(client, streams));
    }
    const each = (client: ClientName): number[] => results[client].map(({ percent }) => percent / streams);
    const flow = (client: ClientName): string => median(results[client].map((run) => run.readPerSecond)).toFixed(1);
    const [ours, theirs] = [each('sluice'), each('rtc-node')];
    eachOfMost = median(ours);
    const ratio = `${spread(ratios(ours, theirs), 2)} x`;
    rows.push([String(streams), spread(ours, 2), spread(theirs, 2), ratio, flow('sluice'), flow('rtc-node')]);
  }
  return {
    conditions: [
      'Participants of one process publish a synthetic voice each (48 kHz mono, Opus at 32 kbit/s, 20 ms). One participant in a process of its own subscribes to all and reads their sum as 48 kHz mono: of sluice the session itself, of rtc-node an `AudioStream` for each, added up by the program.',
      `CPU of that process with all its threads in percent of one core, divided by the number of streams. ${RUNS} runs of ${MEASURED_MS / 1000} s after ${WARM_UP_MS / 1000} s of warm-up, in turn.`,
    ],
    head: ['streams', 'sluice, each', 'rtc-node, each', 'sluice is', 'chunks /s, sluice', 'chunks /s, rtc-node'],
    rows,
    goals: [atMost(`each of ${STREAMS.at(-1)} streams`, eachOfMost, 0.4, '% of a core')],
    limits: ['sluice gives chunks of 20 ms, rtc-node of 10.'],
  };
}

async function measure(client: ClientName, streams: number): Promise<Run> {
  return await onStage('livekit', async (stage) => {
    const ways = [];
    for (let count = 0; count < streams; count++) ways.push(await stage.access('mix', `voice-${count}`));
    await stage.process().call('publishVoices', { client: 'sluice', ways });
    const listener = await stage.participant(client, 'mix', 'listener');
    await listener.call('readMix', { streams });
    await wait(WARM_UP_MS);
    return await listener.call('cpu', { ms: MEASURED_MS });
  });
}
