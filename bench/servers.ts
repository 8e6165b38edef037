import { setTimeout as wait } from 'node:timers/promises';
import { FPS, HD } from './client.js';
import { atMost, type Benchmark, type Report } from './report.js';
import type { ServerName } from './server.js';
import { SERVER_TITLES, onStage } from './stage.js';
import { median, quantile, ratios, spread } from './statistics.js';

const RUNS = 3;
const SUBSCRIBERS = 10;
const WARM_UP_MS = 3000;
const MEASURED_MS = 8000;
/** Ten packets a picture: 300 a second. */
const PICTURE_BYTES = 10_500;
const PACKETS_PER_PICTURE = 10;
const SERVERS: readonly ServerName[] = ['embedded', 'livekit'];

interface Run {
  readonly percent: number;
  /** CPU time in µs for each packet that was sent on. */
  readonly usPerPacket: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Pictures that came, of those that should. */
  readonly delivered: number;
}

/** The embedded server beside LiveKit's: CPU and delay of what they send on. */
export const servers: Benchmark = { title: 'Servers', notes: 'servers', run: compare };

async function compare(): Promise<Report> {
  const results: Record<ServerName, Run[]> = { embedded: [], livekit: [] };
  for (let run = 0; run < RUNS; run++) for (const name of SERVERS) results[name].push(await measure(name));
  const row = (title: string, pick: (run: Run) => number, digits: number): string[] => {
    const [ours, theirs] = [results.embedded.map(pick), results.livekit.map(pick)];
    return [title, spread(ours, digits), spread(theirs, digits), `${spread(ratios(ours, theirs), 2)} x`];
  };
  const timesTheirs = (pick: (run: Run) => number): number =>
    median(ratios(results.embedded.map(pick), results.livekit.map(pick)));
  return {
    conditions: [
      `A sluice participant publishes ${FPS} chunks of ${PICTURE_BYTES} bytes a second that only look like VP8: ${FPS * PACKETS_PER_PICTURE} packets a second. ${SUBSCRIBERS} sluice participants of another process read the encoded chunks; both servers with the same programs, in turn, each in a process of its own.`,
      `CPU of the server's process with all its threads; per packet: divided by the packets sent on. Delay: from just before \`write()\` until the chunk is read, the pacing of the publisher and the way through both participants included. ${RUNS} runs of ${MEASURED_MS / 1000} s after ${WARM_UP_MS / 1000} s of warm-up.`,
    ],
    head: ['', SERVER_TITLES.embedded, SERVER_TITLES.livekit, 'the embedded one is'],
    rows: [
      row('CPU, percent of a core', ({ percent }) => percent, 1),
      row('CPU a packet sent on, µs', ({ usPerPacket }) => usPerPacket, 1),
      row('delay p50, ms', ({ p50Ms }) => p50Ms, 1),
      row('delay p99, ms', ({ p99Ms }) => p99Ms, 1),
      row('delivered, percent', ({ delivered }) => delivered * 100, 1),
    ],
    goals: [
      atMost(
        'delay p50',
        timesTheirs(({ p50Ms }) => p50Ms),
        1,
        'x',
      ),
      atMost(
        'delay p99',
        timesTheirs(({ p99Ms }) => p99Ms),
        1,
        'x',
      ),
      atMost(
        'CPU a packet sent on',
        timesTheirs(({ usPerPacket }) => usPerPacket),
        2,
        'x',
      ),
    ],
    limits: [
      'The embedded server writes and encrypts in one thread; a LiveKit server uses all cores that it is given.',
    ],
  };
}

async function measure(name: ServerName): Promise<Run> {
  return await onStage(name, async (stage) => {
    const publisher = await stage.participant('sluice', 'servers', 'publisher');
    await publisher.call('publishStamped', { size: HD, bytes: PICTURE_BYTES });
    const readers = stage.process();
    for (let count = 0; count < SUBSCRIBERS; count++) {
      await readers.call('join', { client: 'sluice', ...(await stage.access('servers', `reader-${count}`)) });
      await readers.call('readStamped', { from: 'publisher' });
    }
    await wait(WARM_UP_MS);
    await readers.call('takeDelays', undefined);
    const percent = await stage.server.call('cpu', { ms: MEASURED_MS });
    const delaysMs = await readers.call('takeDelays', undefined);
    return {
      percent,
      usPerPacket: ((percent / 100) * (MEASURED_MS * 1000)) / (delaysMs.length * PACKETS_PER_PICTURE),
      p50Ms: median(delaysMs),
      p99Ms: quantile(delaysMs, 0.99),
      delivered: delaysMs.length / ((MEASURED_MS / 1000) * FPS * SUBSCRIBERS),
    };
  });
}
