import { loadGraph } from '../src/graph/load.js';
import { readText } from '../src/graph/notation/text.js';
import { checkGraph } from '../src/graph/plan.js';
import type { Plan } from '../src/graph/planned.js';
import { Registry } from '../src/graph/registry.js';
import * as nodes from '../src/nodes/index.js';
import { atMost, type Benchmark, type Report } from './report.js';
import { median, spread } from './statistics.js';

const NODES = 200;
const RUNS = 15;

/** How long it takes to plan pipelines of 200 nodes. */
export const planning: Benchmark = { title: `Planning pipelines of ${NODES} nodes`, run: planAll };

interface Cost {
  readonly readMs: number[];
  readonly planMs: number[];
  readonly plan: Plan;
}

function planAll(): Promise<Report> {
  const registry = new Registry(Object.values(nodes));
  let slowestMs = 0;
  const rows = Object.entries(GRAPHS).map(([name, make]) => {
    const { readMs, planMs, plan } = measure(`nodes:\n${make().join('\n')}\n`, registry);
    const converters = plan.nodes.filter((node) => node.inserted).length;
    slowestMs = Math.max(slowestMs, median(planMs));
    const first = (planMs[0] ?? NaN).toFixed(1);
    return [name, String(plan.links.length), String(converters), spread(readMs), spread(planMs), first];
  });
  return Promise.resolve({
    conditions: [
      `Each pipeline has ${NODES} nodes in YAML. It is read (parsed, variables filled in, checked) and planned: types, options, links, formats with the cheapest converters, branches, flow, queues, diamonds, latency, fusion. ${RUNS} runs in one process; the first is cold.`,
      'CPU of the process with all its threads, compiling and collecting garbage included.',
    ],
    head: ['pipeline', 'links', 'converters put in', 'read, ms', 'plan, ms', 'plan, first run, ms'],
    rows,
    goals: [atMost('Planning, median of the slowest pipeline', slowestMs, 50, 'ms', 1)],
    limits: [
      'Planning remembers nothing from one pipeline to the next; within one, a conversion is searched for once.',
    ],
  });
}

function measure(text: string, registry: Registry): Cost {
  const readMs: number[] = [];
  const planMs: number[] = [];
  for (;;) {
    const start = process.cpuUsage();
    const { graph, problems } = loadGraph(readText(text, 'bench.yaml', '.'), {});
    if (!graph || problems[0]) throw problems[0] ?? new Error('no graph');
    readMs.push(cpuMs(start));
    const read = process.cpuUsage();
    const { plan, problems: wrong } = checkGraph(graph, registry);
    planMs.push(cpuMs(read));
    if (!plan) throw wrong[0] ?? new Error('no plan');
    if (planMs.length === RUNS) return { readMs, planMs, plan };
  }
}

function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}

const RATES = [8000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000];
const rate = (index: number): number => RATES[index % RATES.length] ?? 48_000;
const numbered = (count: number, line: (index: number) => string): string[] =>
  Array.from({ length: count }, (_, index) => `  ${line(index)}`);

const GRAPHS: Readonly<Record<string, () => string[]>> = {
  'a chain of gains': () => [
    '  n0: { type: tone }',
    ...numbered(NODES - 2, (index) => `n${index + 1}: { type: gain, db: 1, from: n${index} }`),
    `  end: { type: wav, path: x.wav, from: n${NODES - 2} }`,
  ],
  'a chain of resamplers with everything open': () => [
    '  n0: { type: tone }',
    ...numbered(NODES - 2, (index) => `n${index + 1}: { type: resampler, from: n${index} }`),
    `  end: { type: mixer, sampleRate: 16000, from: n${NODES - 2} }`,
    '  out: { type: wav, path: x.wav, from: end }',
  ],
  '197 sources of seven rates into one mixer': () => [
    ...numbered(
      NODES - 3,
      (index) => `a${index}: { type: tone, sampleRate: ${rate(index)}, channels: ${1 + (index % 2)} }`,
    ),
    `  mix: { type: mixer, sampleRate: 48000, from: [${Array.from({ length: NODES - 3 }, (_, index) => `a${index}`).join(', ')}] }`,
    '  wav: { type: wav, path: x.wav, from: mix }',
    '  ogg: { type: recorder, path: x.ogg, from: mix }',
  ],
  '100 pictures, each scaled, slowed and encoded for its file': () =>
    numbered(
      NODES / 2,
      (index) => `p${index}: { type: test-pattern, width: ${640 + 2 * index}, height: 480, fps: 30 }`,
    ).concat(
      numbered(
        NODES / 2,
        (index) =>
          `e${index}: { type: output, media: video, format: RGB24, width: 320, height: 240, frameRate: ${1 + (index % 20)}, from: p${index} }`,
      ),
    ),
  '50 diamonds': () =>
    numbered(50, (index) => `a${index}: { type: tone, live: false }`).concat(
      numbered(50, (index) => `d${index}: { type: delay, ms: 100, from: a${index} }`),
      numbered(50, (index) => `m${index}: { type: mixer, live: false, from: [a${index}, d${index}] }`),
      numbered(50, (index) => `w${index}: { type: wav, path: x${index}.wav, from: m${index} }`),
    ),
};
