import type { ClientName } from './client.js';
import { atMost, type Benchmark, type Report } from './report.js';
import type { ServerName } from './server.js';
import { SERVER_TITLES, onStage } from './stage.js';
import { ratios, spread, median } from './statistics.js';

const PROCESSES = 4;
/** After the first visit of a process. */
const MORE_VISITS = 3;
const CLIENTS: readonly ClientName[] = ['sluice', 'rtc-node'];

interface Visit {
  readonly joinMs: number;
  readonly heardMs: number;
  /** Publishing until the own voice can be heard by others. */
  readonly publishMs: number;
  readonly leaveMs: number;
}

/** From joining until the audio of someone who is already there is read. */
export function join(server: ServerName): Benchmark {
  return { title: `Joining, on ${SERVER_TITLES[server]}`, notes: 'join', run: () => compare(server) };
}

async function compare(server: ServerName): Promise<Report> {
  const first: Record<ClientName, Visit[]> = { sluice: [], 'rtc-node': [] };
  const later: Record<ClientName, Visit[][]> = { sluice: [], 'rtc-node': [] };
  for (let run = 0; run < PROCESSES; run++) {
    for (const client of CLIENTS) {
      const [cold, ...warm] = await visits(server, client);
      if (cold) first[client].push(cold);
      later[client].push(warm);
    }
  }
  const series = (client: ClientName, warm: boolean, key: keyof Visit): number[] =>
    warm ? later[client].map((of) => median(of.map((visit) => visit[key]))) : first[client].map((visit) => visit[key]);
  const row = (name: string, warm: boolean, key: keyof Visit): string[] => {
    const [ours, theirs] = [series('sluice', warm, key), series('rtc-node', warm, key)];
    return [name, spread(ours, 0), spread(theirs, 0), `${spread(ratios(ours, theirs), 2)} x`];
  };
  const timesTheirs = (warm: boolean): number =>
    median(ratios(series('sluice', warm, 'publishMs'), series('rtc-node', warm, 'publishMs')));
  return {
    conditions: [
      'A participant (sluice) publishes a voice. A process joins, subscribes to it, reads until there is sound, publishes a track of audio, leaves, and does so again. All in ms, of the calling process: `connect()` until it resolves; `connect()` until a chunk with sound is read; the time of joining and that of the call that publishes, until it resolves; leaving until it resolves.',
      `${PROCESSES} processes each, in turn. First visit: loading the library, starting threads and making certificates included, starting Node not. Later visits: the median of ${MORE_VISITS} of each process.`,
    ],
    head: ['', 'sluice', 'rtc-node', 'sluice is'],
    rows: [
      row('first visit, joined', false, 'joinMs'),
      row('first visit, first sound', false, 'heardMs'),
      row('later visit, joined', true, 'joinMs'),
      row('later visit, first sound', true, 'heardMs'),
      row('first visit, joined and publishing', false, 'publishMs'),
      row('later visit, joined and publishing', true, 'publishMs'),
      row('later visit, left', true, 'leaveMs'),
    ],
    goals: [
      atMost('first visit, joined and publishing', timesTheirs(false), 0.5, 'x'),
      atMost('later visit, joined and publishing', timesTheirs(true), 0.5, 'x'),
    ],
    limits: [
      'Loopback: each round trip of a network counts several times. No TURN, no name resolution, no TLS on the signalling.',
    ],
  };
}

async function visits(server: ServerName, client: ClientName): Promise<Visit[]> {
  return await onStage(server, async (stage) => {
    const publisher = await stage.participant('sluice', 'join', 'publisher');
    await publisher.call('publishVoice', undefined);
    const visitor = stage.process();
    const made: Visit[] = [];
    for (let visit = 0; visit <= MORE_VISITS; visit++) {
      made.push(await visitor.call('visit', { client, from: 'publisher', ...(await stage.access('join', 'visitor')) }));
    }
    return made;
  });
}
