import type { MixRecord } from './mix-recorder.js';
import { atMost, type Benchmark, type Report } from './report.js';
import type { ServerName } from './server.js';
import { onStage } from './stage.js';

const STREAMS = 30;
const MEASURED_MS = 60_000;
const WARM_UP_MS = 10_000;
/** The lowest tone, and the distance of one to the next, in Hz. */
const LOWEST_HZ = 200;
const STEP_HZ = 100;
const FREQUENCIES = Array.from({ length: STREAMS }, (_, index) => LOWEST_HZ + index * STEP_HZ);
const SERVERS: readonly ServerName[] = ['embedded', 'livekit'];
const PTIMES = [20, 10] as const;

/** Whether thirty voices are all in a mix, all the time. */
export const mixMinute: Benchmark = {
  title: 'A minute of a mix of thirty',
  run: record,
};

async function record(): Promise<Report> {
  const rows: string[][] = [];
  let [damaged, pieces] = [0, 0];
  for (const server of SERVERS) {
    for (const ptimeMs of PTIMES) {
      const found = await measure(server, ptimeMs);
      rows.push([server, String(ptimeMs), ...figures(found)]);
      damaged += found.damaged;
      pieces += found.pieces;
    }
  }
  return {
    conditions: [
      `${STREAMS} participants of one process publish a tone each, of ${FREQUENCIES[0]} to ${FREQUENCIES.at(-1)} Hz (48 kHz mono, Opus at 32 kbit/s, 20 ms). One in a process of its own reads their mix as 48 kHz mono for ${MEASURED_MS / 1000} s, after ${WARM_UP_MS / 1000} s of warm-up.`,
      'What came is looked at afterwards: each tone in each 100 ms. Where its level is below 90 % of what it usually is, something of it is missing; 20 ms without it are 80 %. "Made up" is what all streams together concealed, of 30 minutes of sound.',
      'CPU is that of the reading process with all its threads, in percent of one core.',
    ],
    head: ['server', 'chunks, ms', 'CPU, %', 'chunks', 'longest wait, ms', 'made up, ms', 'pieces', 'of them damaged'],
    rows,
    goals: [atMost(`damaged, of ${pieces} pieces`, damaged, 0, 'pieces', 0)],
    limits: [
      'A loopback network loses nothing, and its jitter is that of the machine.',
      'Sound that is made up for a packet that came too late may be as loud as what was sent, and is no damage here.',
    ],
  };
}

function figures({ percent, chunks, longestWaitMs, concealedMs, pieces, damaged }: MixRecord): string[] {
  const numbers = [percent.toFixed(1), chunks, longestWaitMs.toFixed(1), concealedMs.toFixed(1), pieces, damaged];
  return numbers.map(String);
}

async function measure(server: ServerName, ptimeMs: 10 | 20): Promise<MixRecord> {
  return await onStage(server, async (stage) => {
    const ways = [];
    for (const frequency of FREQUENCIES) ways.push(await stage.access('minute', `tone-${frequency}`));
    await stage.process().call('publishTones', { ways, frequencies: FREQUENCIES });
    const times = { warmUpMs: WARM_UP_MS, ms: MEASURED_MS };
    const way = await stage.access('minute', 'listener');
    return await stage.process().call('recordMix', { ...way, ...times, frequencies: FREQUENCIES, ptimeMs });
  });
}
