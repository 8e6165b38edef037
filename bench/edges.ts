import { Child, withChildren } from './child.js';
import type { EdgeCalls, Load, Wiring } from './edge-run.js';
import type { Benchmark, Report } from './report.js';
import { median, ratios, spread } from './statistics.js';

const RUNS = 3;
const NODES = 5;
const CHUNKS: Record<Load, number> = { tiny: 150_000, audio: 6000 };

const NAMES: Record<Wiring, string> = {
  pipeline: 'stream.pipeline, a Transform a node',
  chain: 'stream-chain, asStream(gen(...))',
  graph: 'sluice graph, a stream a node',
  fused: 'sluice graph, functions in one stream',
};
const WIRINGS = ['pipeline', 'chain', 'graph', 'fused'] as const;

/** What one node more costs a chunk. */
export const edges: Benchmark = { title: 'One node more in a pipeline', run: compare };

async function compare(): Promise<Report> {
  const results = new Map<string, number[]>();
  for (let run = 0; run < RUNS; run++) {
    for (const load of ['tiny', 'audio'] as const) {
      for (const wiring of WIRINGS) {
        const key = `${wiring} ${load}`;
        results.set(key, [...(results.get(key) ?? []), await measure(wiring, load)]);
      }
    }
  }
  const of = (wiring: Wiring, load: Load): number[] => results.get(`${wiring} ${load}`) ?? [];
  const times = (wiring: Wiring, other: Wiring, load: Load): string =>
    wiring === other ? '1' : median(ratios(of(wiring, load), of(other, load))).toFixed(2);
  return {
    conditions: [
      `CPU time in ns a chunk and node: that of source, ${NODES} nodes and sink less that of source and sink, by ${NODES}. Tiny: a new small object a chunk, nodes that hand it on. Audio: 20 ms of 48 kHz stereo a chunk, each node a gain of -6 dB.`,
      `${CHUNKS.tiny} and ${CHUNKS.audio} chunks, after as many to warm up; ${RUNS} runs, each in a new process. The same source, sink and functions in all.`,
    ],
    head: ['', 'tiny, ns', 'of pipeline', 'of chain', 'audio, ns', 'of pipeline', 'of chain'],
    rows: WIRINGS.map((wiring) => [
      NAMES[wiring],
      spread(of(wiring, 'tiny'), 0),
      times(wiring, 'pipeline', 'tiny'),
      times(wiring, 'chain', 'tiny'),
      spread(of(wiring, 'audio'), 0),
      times(wiring, 'pipeline', 'audio'),
      times(wiring, 'chain', 'audio'),
    ]),
    limits: [
      'At 50 chunks a second, 1000 ns a chunk are 0.005 % of a core.',
      'The graph counts chunks and media time on every link; the others do not.',
    ],
  };
}

async function measure(wiring: Wiring, load: Load): Promise<number> {
  return await withChildren(async (add) => {
    const child = add(new Child<EdgeCalls>('edge-run'));
    const run = (nodes: number): Promise<number> => child.call('run', { wiring, load, nodes, chunks: CHUNKS[load] });
    const all = await run(NODES);
    const none = await run(0);
    return (all - none) / NODES / CHUNKS[load];
  });
}
