import { Child, withChildren } from './child.js';
import type { ChunkCostCalls, Load, Wiring } from './chunk-cost-run.js';
import { gstreamer } from './gstreamer.js';
import type { Benchmark, Report } from './report.js';
import { median, ratios, spread } from './statistics.js';

const RUNS = 3;
const NODES = 5;
const CHUNKS: Record<Load, number> = { tiny: 300_000, audio: 10_000 };
const LOADS = ['tiny', 'audio'] as const;

const NAMES: Record<Wiring, string> = {
  functions: 'plain functions in a loop',
  pipeline: 'stream.pipeline, a Transform a node',
  chain: 'stream-chain, asStream(gen(...))',
  graph: 'sluice graph, a stream a node',
  fused: 'sluice graph, functions in one stream',
};
const WIRINGS = ['functions', 'pipeline', 'chain', 'graph', 'fused'] as const;

/** Runs of each load, in ns a chunk and node. */
type Costs = Readonly<Record<Load, number[]>>;

/** What a chunk costs in one node more. */
export const chunkCost: Benchmark = { title: 'One node more in a pipeline', run: compare };

async function compare(): Promise<Report> {
  const found = new Map<Wiring, Costs>(WIRINGS.map((wiring) => [wiring, { tiny: [], audio: [] }]));
  const elements = gstreamer(NODES);
  const peer: Costs = { tiny: [], audio: [] };
  for (let run = 0; run < RUNS; run++) {
    for (const load of LOADS) {
      for (const [wiring, costs] of found) costs[load].push(await measure(wiring, load));
      if (elements) peer[load].push(await elements.measure(load));
    }
  }
  const of = (wiring: Wiring): Costs => found.get(wiring) ?? { tiny: [], audio: [] };
  const row = (name: string, costs: Costs): string[] => [
    name,
    ...LOADS.flatMap((load) => cells(costs[load], of('pipeline')[load])),
  ];
  return {
    conditions: [
      `CPU time in ns a chunk and node: that of source, ${NODES} nodes and sink less that of source and sink, by ${NODES}. Tiny: a new small object a chunk, nodes that hand it on. Audio: 20 ms of 48 kHz stereo a chunk, each node a gain of -6 dB.`,
      `${CHUNKS.tiny} and ${CHUNKS.audio} chunks, after as many to warm up; ${RUNS} runs, each in a new process. The same source, sink and functions in all of Node.js.`,
      elements?.conditions ?? 'GStreamer (gst-launch-1.0) is not installed here, and left out.',
    ],
    head: ['', 'tiny, ns', 'of pipeline', 'audio, ns', 'of pipeline'],
    rows: [...WIRINGS.map((wiring) => row(NAMES[wiring], of(wiring))), ...(elements ? [row(elements.name, peer)] : [])],
    limits: [
      'At 50 chunks a second, 1000 ns a chunk are 0.005 % of a core.',
      'The graph counts chunks, media time, formats and what waits on every link; the others do not.',
    ],
  };
}

function cells(costs: readonly number[], others: readonly number[]): string[] {
  return [spread(costs, 0), median(ratios(costs, others)).toFixed(2)];
}

async function measure(wiring: Wiring, load: Load): Promise<number> {
  return await withChildren(async (add) => {
    const child = add(new Child<ChunkCostCalls>('chunk-cost-run'));
    const run = (nodes: number): Promise<number> => child.call('run', { wiring, load, nodes, chunks: CHUNKS[load] });
    const all = await run(NODES);
    const none = await run(0);
    return (all - none) / NODES / CHUNKS[load];
  });
}
