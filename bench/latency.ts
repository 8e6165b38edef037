import { setTimeout as wait } from 'node:timers/promises';
import type { ClientName } from './client.js';
import { atMost, type Benchmark, type Report } from './report.js';
import type { ServerName } from './server.js';
import { SERVER_TITLES, onStage, type Stage } from './stage.js';
import { figure, median, quantile, ratios, spread } from './statistics.js';

const RUNS = 6;
const WARM_UP_MS = 2500;
const MEASURED_MS = 7000;
/** A click that is heard later than this counts as lost; no two are sent closer. */
const MAX_LATENCY_MS = 240;

interface Setup {
  readonly name: string;
  readonly client: ClientName;
  readonly frameMs: number;
  readonly queueMs?: number;
}

const SETUPS: readonly Setup[] = [
  { name: 'sluice, 20 ms chunks', client: 'sluice', frameMs: 20 },
  { name: 'rtc-node, 20 ms frames, its queue as it is', client: 'rtc-node', frameMs: 20 },
  { name: 'rtc-node, 10 ms frames, no queue', client: 'rtc-node', frameMs: 10, queueMs: 0 },
];

/** From handing a chunk to the publisher until another process's reader gets the sound in it. */
export function latency(server: ServerName): Benchmark {
  return { title: `Latency of audio, on ${SERVER_TITLES[server]}`, notes: 'latency', run: () => compare(server) };
}

async function compare(server: ServerName): Promise<Report> {
  const runs = SETUPS.map(() => [] as { readonly latenciesMs: number[]; readonly lost: number }[]);
  for (let run = 0; run < RUNS; run++) {
    const results = await onStage(server, (stage) => Promise.all(SETUPS.map((setup) => measure(stage, setup))));
    for (const [index, result] of results.entries()) runs[index]?.push(result);
  }
  const results = runs.map((of) => ({
    all: of.flatMap(({ latenciesMs }) => latenciesMs),
    medians: of.map(({ latenciesMs }) => median(latenciesMs)),
    lost: of.reduce((sum, { lost }) => sum + lost, 0),
  }));
  const [ours, theirs] = results;
  const timesTheirs = (share: number): number => quantile(ours?.all ?? [], share) / quantile(theirs?.all ?? [], share);
  return {
    conditions: [
      'From just before `write()` (`captureFrame()`) of the chunk that begins with a click, until the reader of a subscriber in another process has the chunk in which the click begins; the server is a third process. One clock of the machine for all.',
      'Included: queues, Opus both ways, pacing, the server, DTLS-SRTP, the jitter buffers of both (in sluice it holds nothing back where there is no jitter, in rtc-node it is NetEq), decoding, the way to the main thread. Not included: the 20 or 10 ms that recording the chunk takes.',
      `48 kHz mono, Opus at 32 kbit/s without DTX and RED, soft noise between clicks, written by the clock. ${RUNS} runs of ${MEASURED_MS / 1000} s after ${WARM_UP_MS / 1000} s of warm-up, each with new processes, the setups at the same time in sessions of their own. A click that is heard after ${MAX_LATENCY_MS} ms counts as lost.`,
    ],
    head: [
      '',
      'p50, ms',
      'p99, ms',
      'most, ms',
      'medians of the runs, ms',
      'clicks',
      'lost',
      'sluice is, of the medians',
    ],
    rows: results.map(({ all, medians, lost }, index) => [
      SETUPS[index]?.name ?? '',
      figure(median(all)),
      figure(quantile(all, 0.99)),
      figure(Math.max(...all)),
      spread(medians),
      String(all.length),
      String(lost),
      index === 0 ? '' : `${spread(ratios(ours?.medians ?? [], medians), 2)} x`,
    ]),
    goals: [
      atMost('p50 beside rtc-node with its queue as it is', timesTheirs(0.5), 0.5, 'x'),
      atMost('p99 beside rtc-node with its queue as it is', timesTheirs(0.99), 0.5, 'x'),
    ],
    limits: [
      'Loopback without loss or jitter: a network adds its own delay, and both jitter buffers grow with jitter.',
      'The writer is regular. The beat of 20 ms at which sluice sends follows it as closely as its irregularity lets it, so one that is less regular waits longer.',
    ],
  };
}

async function measure(stage: Stage, setup: Setup): Promise<{ latenciesMs: number[]; lost: number }> {
  const { name, client, frameMs, queueMs } = setup;
  const [publisher, subscriber] = await Promise.all([
    stage.participant(client, name, 'publisher'),
    stage.participant(client, name, 'subscriber'),
  ]);
  const hearing = subscriber.call('hearClicks', { from: 'publisher' });
  await publisher.call('publishClicks', { frameMs, ...(queueMs !== undefined && { queueMs }) });
  await hearing;
  await wait(WARM_UP_MS);
  await publisher.call('takeClicks', undefined);
  await wait(MEASURED_MS);
  const sentMs = await publisher.call('takeClicks', undefined);
  await wait(MAX_LATENCY_MS);
  return match(sentMs, await subscriber.call('takeClicks', undefined));
}

function match(sentMs: readonly number[], heardMs: readonly number[]): { latenciesMs: number[]; lost: number } {
  const latenciesMs: number[] = [];
  for (const sent of sentMs) {
    const heard = heardMs.find((time) => time > sent && time - sent < MAX_LATENCY_MS);
    if (heard !== undefined) latenciesMs.push(heard - sent);
  }
  return { latenciesMs, lost: sentMs.length - latenciesMs.length };
}
