import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { BridgePeopleCalls } from './bridge-people.js';
import type { BridgeCalls } from './bridge-run.js';
import { Child, withChildren } from './child.js';
import type { JoinOptions } from './client.js';
import { startJanus } from './janus.js';
import type { JanusPeopleCalls } from './janus-people.js';
import { atMost, type Benchmark, type Report } from './report.js';
import type { ServerCalls } from './server.js';
import { median, ratios, spread } from './statistics.js';

const PARTICIPANTS = 50;
const ROUNDS = 2;
const WINDOWS = 2;
const WARM_UP_MS = 8000;
const MEASURED_MS = 5000;

/** A conference in which each hears all others, as a pipeline and by Janus. */
export const audioBridge: Benchmark = {
  title: `An audio bridge of ${PARTICIPANTS}`,
  notes: 'audio-bridge',
  run: compare,
};

/** Of one window. */
interface Found {
  /** CPU of the bridging process, in percent of a core. */
  readonly bridge: number;
  /** The same, of a server apart. */
  readonly server: number;
  /** Packets a second that came to each. */
  readonly packets: number;
  /** How many hear all others, and not themselves. */
  readonly right: number;
}

async function compare(): Promise<Report> {
  const [speech, all, inside, janus]: [Found[], Found[], Found[], Found[]] = [[], [], [], []];
  for (let round = 0; round < ROUNDS; round++) {
    speech.push(...(await measureSluice('apart', 'voip')));
    janus.push(...(await measureJanus()));
    all.push(...(await measureSluice('apart', 'audio')));
    inside.push(...(await measureSluice('inside', 'audio')));
  }
  const cpu = (found: readonly Found[]): number[] => found.map(({ bridge }) => bridge);
  const row = (name: string, found: readonly Found[]): string[] => [
    name,
    spread(cpu(found)),
    spread(ratios(cpu(found), cpu(janus)), 2),
    spread(found.map(({ packets }) => packets)),
    `${Math.min(...found.map(({ right }) => right))} of ${PARTICIPANTS}`,
  ];
  return {
    conditions: [
      `${PARTICIPANTS} participants of one process send a tone each, encoded beforehand (48 kHz mono, Opus, 20 ms), and take a mix of the others, which is decoded afterwards: the last column says how many hear the tones of all others and not their own, in the worst run.`,
      'Sluice: a pipeline `subscriber ! mixer, others ! opus-encoder ! publisher` on the embedded server, over WebRTC. Janus (Debian): an AudioBridge room of 48 kHz mono with plain-RTP participants, its own defaults. Both encode with libopus, mono, about 51 kbit/s, complexity 4.',
      'Janus always asks libopus to favour speech (`application: voip`), which costs three times what `audio` does at this complexity and keeps less of a mix of many; sluice was measured with both.',
      `CPU of the bridging process with all its threads, in percent of a core; ${ROUNDS} rounds of all four, ${WINDOWS} windows of ${MEASURED_MS / 1000} s in each after ${WARM_UP_MS / 1000} s of warm-up.`,
    ],
    head: ['', 'CPU, %', 'of Janus', 'packets /s to each', 'hear right'],
    rows: [
      row('sluice, `voip`', speech),
      row('sluice, `audio`', all),
      row('sluice, `audio`, with the server', inside),
      row('Janus, `voip`', janus),
      ['(the server apart)', spread(all.map(({ server }) => server)), '', '', ''],
    ],
    goals: [
      atMost('the bridge, `audio`', median(ratios(cpu(all), cpu(janus))), 1, 'x'),
      atMost('the bridge, `voip`', median(ratios(cpu(speech), cpu(janus))), 1, 'x'),
    ],
    limits: [
      'Participants of Janus send plain RTP: it does neither DTLS and SRTP nor feedback and retransmission, which sluice does for each packet.',
      'Bridge, participants and server share the cores of one machine: with less than 50 packets a second the CPU is that of less work.',
    ],
  };
}

async function measureSluice(server: 'apart' | 'inside', application: 'voip' | 'audio'): Promise<Found[]> {
  return await withChildren(async (add) => {
    const own = add(new Child<ServerCalls>('server'));
    const bridge = add(new Child<BridgeCalls>('bridge-run'));
    const people = add(new Child<BridgePeopleCalls>('bridge-people'));
    const isApart = server === 'apart';
    const url = isApart ? await own.call('start', { name: 'embedded' }) : await bridge.call('serve', undefined);
    const ways: JoinOptions[] = [];
    for (let index = 0; index < PARTICIPANTS; index++) {
      ways.push({ url, token: await own.call('token', { sessionId: 'bridge', name: `person ${index}` }) });
    }
    await bridge.call('start', { url, application });
    await people.call('join', { ways });
    const times = { ms: MEASURED_MS };
    return await windows(people, () => ({
      bridge: bridge.call('cpu', times),
      server: isApart ? own.call('cpu', times) : NaN,
    }));
  });
}

async function measureJanus(): Promise<Found[]> {
  const janus = await startJanus(await mkdtemp(join(tmpdir(), 'sluice-bench-')));
  try {
    return await withChildren(async (add) => {
      const people = add(new Child<JanusPeopleCalls>('janus-people'));
      const ports: number[] = [];
      for (const port of await people.call('open', { participants: PARTICIPANTS })) ports.push(await janus.join(port));
      await people.call('speak', { ports });
      return await windows(people, () => ({ bridge: janus.cpu(MEASURED_MS), server: NaN }));
    });
  } finally {
    await janus.stop();
  }
}

interface Listening {
  call(name: 'count', args: { ms: number }): Promise<number>;
  call(name: 'check', args: { participants: number }): Promise<number>;
}

async function windows(
  people: Listening,
  measure: () => { readonly bridge: Promise<number>; readonly server: Promise<number> | number },
): Promise<Found[]> {
  await wait(WARM_UP_MS);
  const found: Omit<Found, 'right'>[] = [];
  for (let window = 0; window < WINDOWS; window++) {
    const { bridge, server } = measure();
    const count = people.call('count', { ms: MEASURED_MS });
    found.push({
      bridge: await bridge,
      server: await server,
      packets: ((await count) * 1000) / MEASURED_MS / PARTICIPANTS,
    });
  }
  const right = await people.call('check', { participants: PARTICIPANTS });
  return found.map((one) => ({ ...one, right }));
}
