import { setTimeout as wait } from 'node:timers/promises';
import type { ClientName } from './client.js';
import { atMost, type Benchmark, type Report } from './report.js';
import type { ServerName } from './server.js';
import { onStage } from './stage.js';
import { figure, median, quantile } from './statistics.js';

const TURNS = 20;
/** Sound that is written ahead at each turn; it is interrupted in the middle. */
const AHEAD_MS = 900;
const SPOKEN_MS = 350;
const SILENCE_MS = 700;

interface Setup {
  readonly client: ClientName;
  readonly server: ServerName;
}

const SETUPS: readonly Setup[] = [
  { client: 'sluice', server: 'embedded' },
  { client: 'sluice', server: 'livekit' },
  { client: 'rtc-node', server: 'livekit' },
];

/** From dropping what is queued until its listener hears nothing of it any more. */
export const bargeIn: Benchmark = { title: 'Barge-in: from clear to silence', run: compare };

async function compare(): Promise<Report> {
  const results: { readonly setup: Setup; readonly silentMs: readonly number[] }[] = [];
  for (const setup of SETUPS) results.push({ setup, silentMs: await measure(setup) });
  return {
    conditions: [
      `A publisher writes ${AHEAD_MS} ms of a tone at once (48 kHz mono, 20 ms chunks; in rtc-node a queue of 1000 ms), and after ${SPOKEN_MS} ms drops what is left: \`clear()\`, \`clearQueue()\`. A subscriber of the same client, in another process, looks for the end of the last chunk with the tone in it. ${TURNS} turns in one session.`,
      'From just before the call until the subscriber has that chunk, and the length of the chunk on top, since that is when a loudspeaker would fall silent.',
    ],
    head: ['', 'p50, ms', 'p90, ms', 'most, ms', 'turns'],
    rows: results.map(({ setup, silentMs }) => [
      `${setup.client}, on ${setup.server}`,
      figure(median(silentMs)),
      figure(quantile(silentMs, 0.9)),
      figure(Math.max(...silentMs)),
      String(silentMs.length),
    ]),
    goals: results
      .filter(({ setup }) => setup.client === 'sluice')
      .map(({ setup, silentMs }) => atMost(`median, on ${setup.server}`, median(silentMs), 60, 'ms', 1)),
    limits: ['Loopback: a network adds its own delay, and the jitter buffer of the listener that of its jitter.'],
  };
}

async function measure({ client, server }: Setup): Promise<number[]> {
  return await onStage(server, async (stage) => {
    const publisher = await stage.participant(client, 'barge-in', 'publisher');
    const listener = await stage.participant(client, 'barge-in', 'listener');
    const listening = listener.call('listenForTone', { from: 'publisher' });
    await publisher.call('publishTurns', undefined);
    await listening;
    const silentMs: number[] = [];
    for (let turn = 0; turn < TURNS; turn++) {
      await publisher.call('speak', { ms: AHEAD_MS });
      await wait(SPOKEN_MS);
      const clearedMs = await publisher.call('interrupt', undefined);
      await wait(SILENCE_MS);
      const lastMs = await listener.call('lastTone', undefined);
      // A turn that began too late to be heard before it was dropped says nothing.
      if (lastMs > clearedMs - SPOKEN_MS) silentMs.push(lastMs - clearedMs);
    }
    return silentMs;
  });
}
