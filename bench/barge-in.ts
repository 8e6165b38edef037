import { setTimeout as wait } from 'node:timers/promises';
import type { ClientName } from './client.js';
import { atMost, type Benchmark, type Report } from './report.js';
import type { ServerName } from './server.js';
import { onStage, type Participant, type Stage } from './stage.js';
import { figure, median, quantile } from './statistics.js';

const TURNS = 40;
/** Sound that is written ahead at each turn; it is interrupted in the middle. */
const AHEAD_MS = 900;
const SPOKEN_MS = 350;
const SILENCE_MS = 700;

interface Setup {
  readonly who: string;
  /** Who listens, and publishes unless it is an agent. */
  readonly client: ClientName;
  readonly isAgent: boolean;
  readonly server: ServerName;
}

const SETUPS: readonly Setup[] = [
  { who: 'sluice', client: 'sluice', isAgent: false, server: 'embedded' },
  { who: 'an agent of sluice', client: 'sluice', isAgent: true, server: 'embedded' },
  { who: 'sluice', client: 'sluice', isAgent: false, server: 'livekit' },
  { who: 'an agent of sluice', client: 'sluice', isAgent: true, server: 'livekit' },
  { who: 'rtc-node', client: 'rtc-node', isAgent: false, server: 'livekit' },
];

/** From the decision to stop until who listens hears nothing any more. */
export const bargeIn: Benchmark = { title: 'Barge-in: from the decision to silence', run: compare };

async function compare(): Promise<Report> {
  const results: { readonly setup: Setup; readonly silentMs: readonly number[] }[] = [];
  for (const setup of SETUPS) results.push({ setup, silentMs: await measure(setup) });
  return {
    conditions: [
      `A publisher writes ${AHEAD_MS} ms of a tone at once (48 kHz mono, 20 ms chunks; in rtc-node a queue of 1000 ms), and after about ${SPOKEN_MS} ms drops what is left: \`clear()\`, \`clearQueue()\`. The agent answers with such a tone, gives it to its publisher 200 ms ahead, and decides to stop when it is told of somebody's voice. A subscriber of the same client, in another process, looks for the last sample that is louder than a twentieth of the tone. ${TURNS} turns in one session.`,
      'From just before the call, or before the agent is told, until the subscriber has the chunk with that sample, and the place of the sample in the chunk on top, since that is when a loudspeaker would fall silent.',
    ],
    head: ['', 'p50, ms', 'p90, ms', 'most, ms', 'turns'],
    rows: results.map(({ setup, silentMs }) => [
      `${setup.who}, on ${setup.server}`,
      figure(median(silentMs)),
      figure(quantile(silentMs, 0.9)),
      figure(Math.max(...silentMs)),
      String(silentMs.length),
    ]),
    goals: results
      .filter(({ setup }) => setup.client === 'sluice')
      .map(({ setup, silentMs }) =>
        atMost(`longest of ${setup.who}, on ${setup.server}`, Math.max(...silentMs), 60, 'ms', 1),
      ),
    limits: ['Loopback: a network adds its own delay, and the jitter buffer of the listener that of its jitter.'],
  };
}

async function measure({ client, isAgent, server }: Setup): Promise<number[]> {
  return await onStage(server, async (stage) => {
    const listener = await stage.participant(client, 'barge-in', 'listener');
    const listening = listener.call('listenForTone', { from: 'publisher' });
    const publisher = await (isAgent ? agentOn(stage) : publisherOn(stage, client));
    await listening;
    const silentMs: number[] = [];
    for (let turn = 0; turn < TURNS; turn++) {
      await publisher.call('speak', { ms: AHEAD_MS });
      // At any place between two packets.
      await wait(SPOKEN_MS + Math.random() * 20);
      const clearedMs = await publisher.call('interrupt', undefined);
      await wait(SILENCE_MS);
      const lastMs = await listener.call('lastTone', undefined);
      // A turn that began too late to be heard before it was dropped says nothing.
      if (lastMs > clearedMs - SPOKEN_MS) silentMs.push(lastMs - clearedMs);
    }
    return silentMs;
  });
}

async function publisherOn(stage: Stage, client: ClientName): Promise<Participant> {
  const publisher = await stage.participant(client, 'barge-in', 'publisher');
  await publisher.call('publishTurns', undefined);
  return publisher;
}

async function agentOn(stage: Stage): Promise<Participant> {
  const agent = stage.process();
  await agent.call('joinAgent', await stage.access('barge-in', 'publisher'));
  return agent;
}
