import { setTimeout as wait } from 'node:timers/promises';
import { Child, withChildren } from './child.js';
import type { FanOutCalls } from './fan-out-clients.js';
import type { Benchmark, Goal, Report } from './report.js';
import type { ServerCalls } from './server.js';

const SUBSCRIBERS = [20, 60, 100];
const WARM_UP_MS = 4000;
const MEASURED_MS = 10_000;
/** What is not there so long after it was sent counts as lost. */
const UNDER_WAY_MS = 1000;

interface Result {
  readonly delivered: number;
  readonly cpuPercent: number;
  readonly cpuUsPerPacket: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** One video of 300 packets a second to many subscribers of one server process. */
export const fanOut: Benchmark = { title: 'One video to many', notes: 'fan-out', run: measureAll };

async function measureAll(): Promise<Report> {
  const results = new Map<number, Result>();
  for (const count of SUBSCRIBERS) results.set(count, await measure(count));
  return {
    conditions: [
      'One publisher sends 30 pictures a second of ten packets of 1,050 bytes each, without pacing: 300 packets a second. Each subscriber has a connection of its own and answers with transport-wide feedback ten times a second.',
      `The server is a process of its own, the publisher and all subscribers are two more, which do nothing but transport. ${MEASURED_MS / 1000} s after ${WARM_UP_MS / 1000} s of warm-up; one run.`,
      'CPU is that of the server process, all threads; the delay is from the call that sends a packet to the one that takes it, both ways through the network stack.',
    ],
    head: ['subscribers', 'delivered', 'CPU of a core', 'CPU per forwarded packet', 'delay p50', 'delay p99'],
    rows: [...results].map(([count, { delivered, cpuPercent, cpuUsPerPacket, p50Ms, p99Ms }]) => [
      String(count),
      `${(delivered * 100).toFixed(2)} %`,
      `${cpuPercent.toFixed(1)} %`,
      `${cpuUsPerPacket.toFixed(1)} µs`,
      `${p50Ms.toFixed(1)} ms`,
      `${p99Ms.toFixed(1)} ms`,
    ]),
    goals: [allDelivered(results)],
    limits: ['Server and clients share the cores of one machine: with more cores the delay is less.'],
  };
}

function allDelivered(results: ReadonlyMap<number, Result>): Goal {
  const count = Math.max(...results.keys());
  const delivered = results.get(count)?.delivered ?? 0;
  const found = `${(delivered * 100).toFixed(2)} %`;
  return { aim: `all packets delivered to ${count} subscribers`, found, met: delivered >= 1 };
}

async function measure(count: number): Promise<Result> {
  return await withChildren(async (add) => {
    const server = add(new Child<ServerCalls>('server'));
    const publisher = add(new Child<FanOutCalls>('fan-out-clients'));
    const subscribers = add(new Child<FanOutCalls>('fan-out-clients'));
    const url = await server.call('start', { name: 'embedded' });
    const access = async (name: string): Promise<{ url: string; token: string }> => ({
      url,
      token: await server.call('token', { sessionId: 'fan-out', name }),
    });
    await publisher.call('publish', await access('publisher'));
    for (let i = 0; i < count; i++) await subscribers.call('subscribe', await access(`subscriber-${i}`));
    await wait(WARM_UP_MS);
    const first = await publisher.call('sent', undefined);
    const cpuPercent = await server.call('cpu', { ms: MEASURED_MS });
    const end = await publisher.call('sent', undefined);
    await wait(UNDER_WAY_MS);
    const { received, p50Ms, p99Ms } = await subscribers.call('arrived', { first, end });
    return {
      delivered: received / ((end - first) * count),
      cpuPercent,
      cpuUsPerPacket: (cpuPercent * MEASURED_MS * 10) / received,
      p50Ms,
      p99Ms,
    };
  });
}
