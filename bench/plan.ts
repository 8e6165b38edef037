import { loadGraph } from '../src/graph/load.js';
import { readText } from '../src/graph/notation/text.js';
import { checkGraph } from '../src/graph/plan.js';
import { Registry } from '../src/graph/registry.js';
import * as nodes from '../src/nodes/index.js';
import type { Benchmark, Report } from './report.js';
import { spread } from './statistics.js';

const NODES = 200;
const RUNS = 15;

/** How long it takes to plan pipelines of 200 nodes. */
export const planning: Benchmark = {
  title: `Planning pipelines of ${NODES} nodes`,
  run: () => Promise.resolve(measure()),
};

function measure(): Report {
  const registry = new Registry(Object.values(nodes));
  const rows = Object.entries(GRAPHS).map(([name, make]) => {
    const text = `nodes:\n${make().join('\n')}\n`;
    const reading: number[] = [];
    const planned: number[] = [];
    let links = 0;
    let converters = 0;
    for (let run = 0; run < RUNS; run++) {
      const start = performance.now();
      const { graph, problems } = loadGraph(readText(text, 'bench.yaml', '.'), {});
      if (!graph || problems[0]) throw problems[0] ?? new Error('no graph');
      const read = performance.now();
      const result = checkGraph(graph, registry);
      planned.push(performance.now() - read);
      reading.push(read - start);
      if (!result.plan) throw result.problems[0] ?? new Error('no plan');
      links = result.plan.links.length;
      converters = result.plan.nodes.filter((node) => node.inserted).length;
    }
    const [first] = planned;
    return [name, String(links), String(converters), spread(reading, 1), spread(planned, 1), (first ?? 0).toFixed(1)];
  });
  return {
    conditions: [
      `Each pipeline has ${NODES} nodes in YAML. It is read (parsed, variables filled in, checked) and planned: types, options, links, formats with the cheapest converters, branches, flow, queues, diamonds, latency, fusion. ${RUNS} runs in one process; the first is cold.`,
      'The goal is less than 50 ms for planning.',
    ],
    head: ['pipeline', 'links', 'converters put in', 'read, ms', 'plan, ms', 'plan, first run, ms'],
    rows,
    limits: [
      'Planning remembers nothing from one pipeline to the next; within one, a conversion is searched for once.',
    ],
  };
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
