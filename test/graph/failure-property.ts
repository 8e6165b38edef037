import * as fc from 'fast-check';
import t from 'tap';
import type { RunReport } from '../../src/graph/report.js';
import { FrailGraph, range } from './frail-graph.js';
import type { Trouble } from './frail-nodes.js';
import { settle } from './lab.js';

const LENGTH = 20;

const trouble = fc.option(
  fc.record({
    at: fc.array(fc.integer({ min: 0, max: 25 }), { minLength: 1, maxLength: 3 }),
    how: fc.constantFrom('error' as const, 'throw' as const, 'quit' as const),
    setups: fc.integer({ min: 0, max: 2 }),
    final: fc.boolean(),
  }),
  { nil: undefined, freq: 2 },
);
const onError = fc.constantFrom('end-branch', 'restart', '{ action: restart, maxRestarts: 1, backoffMs: 20 }');
const queue = fc.option(fc.constantFrom('drop-oldest', 'drop-newest', 'block'), { nil: undefined, freq: 3 });

interface Tree {
  readonly source: { readonly onError: string; readonly trouble: Trouble | undefined };
  /** Node i reads one before it; who is not read is read by a sink. */
  readonly nodes: readonly {
    readonly from: number;
    readonly onError: string;
    readonly trouble: Trouble | undefined;
    readonly queue: string | undefined;
  }[];
  readonly sinks: readonly { readonly onError: string; readonly trouble: Trouble | undefined }[];
}

const trees: fc.Arbitrary<Tree> = fc.record({
  source: fc.record({ onError, trouble }),
  nodes: fc.array(fc.record({ from: fc.nat(), onError, trouble, queue }), { maxLength: 5 }),
  sinks: fc.array(fc.record({ onError, trouble }), { minLength: 6, maxLength: 6 }),
});

/** A tree as text, what befalls its nodes, and for each sink the nodes that its values pass, itself included. */
function build({ source, nodes, sinks }: Tree): {
  readonly text: string;
  readonly troubles: ReadonlyMap<string, Trouble>;
  readonly ways: ReadonlyMap<string, readonly string[]>;
  /** Nodes before which values may be dropped without any failure. */
  readonly dropping: ReadonlySet<string>;
} {
  const troubles = new Map<string, Trouble>();
  const dropping = new Set<string>();
  const lines = [`  n0: { type: frail-source, n: ${LENGTH}, onError: ${source.onError} }`];
  const ways: string[][] = [['n0']];
  const read = new Set<number>();
  if (source.trouble) troubles.set('n0', source.trouble);
  nodes.forEach((node, index) => {
    const id = `n${index + 1}`;
    const from = node.from % (index + 1);
    read.add(from);
    ways.push([...(ways[from] ?? []), id]);
    if (node.trouble) troubles.set(id, node.trouble);
    if (node.queue?.startsWith('drop') === true) dropping.add(id);
    const held = node.queue === undefined ? '' : `, queue: { maxMs: 60, overflow: ${node.queue} }`;
    lines.push(`  ${id}: { type: frail, from: n${from}, onError: ${node.onError}${held} }`);
  });
  const toSinks = new Map<string, readonly string[]>();
  ways.forEach((way, index) => {
    const sink = sinks[index];
    if (read.has(index) || !sink) return;
    const id = `s${index}`;
    if (sink.trouble) troubles.set(id, sink.trouble);
    lines.push(`  ${id}: { type: frail-sink, from: n${index}, onError: ${sink.onError} }`);
    toSinks.set(id, [...way, id]);
  });
  return { text: `nodes:\n${lines.join('\n')}`, troubles, ways: toSinks, dropping };
}

/** Whether every value of every link was delivered or counted, there or by the node that lost it. */
function isAccounted({ links, dropped }: RunReport): boolean {
  return links.every(({ name, chunks, taken, dropped: lost, held, heldMs }) => {
    const reader = name.split(' -> ')[1]?.split('.')[0] ?? '';
    const given = links.filter((link) => link.name.startsWith(`${reader}.`)).map((link) => link.chunks);
    const unread = dropped[reader]?.['not read before it ended'] ?? 0;
    const isPassedOn = given.every((count) => count + unread + lost >= chunks && count <= chunks);
    return chunks === taken + lost && held === 0 && heldMs === 0 && isPassedOn;
  });
}

await t.test('whatever fails, nobody else loses a value, and what is lost is counted', async (t) => {
  await fc.assert(
    fc.asyncProperty(trees, async (tree) => {
      const { text, troubles, ways, dropping } = build(tree);
      const frail = new FrailGraph(Object.fromEntries(troubles));
      const run = await frail.run(text);
      for (let i = 0; i < 400 && run.report().outcome === 'running'; i++) await frail.pass(100);
      const report = run.report();
      if (report.outcome === 'running' || frail.nodes.open !== 0 || !isAccounted(report)) return false;
      // A node that fails too often ends the graph.
      if (report.outcome === 'failed') return true;
      for (const [sink, way] of ways) {
        const isUntouched = way.every((id) => !troubles.has(id) && !dropping.has(id));
        if (isUntouched && frail.taken(sink).join() !== range(0, LENGTH).join()) return false;
      }
      return true;
    }),
    { numRuns: 150 },
  );
  t.pass('for any tree');
});

await t.test('whatever fails in branches, the other branches get every value in order', async (t) => {
  const streams = ['a', 'b', 'c', 'd'];
  const inBranches = fc.dictionary(fc.constantFrom(...streams), trouble, { maxKeys: 3 });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('end-branch', 'restart'),
      inBranches,
      inBranches,
      async (action, ofTransform, ofSink) => {
        const troubles: Record<string, Trouble> = {};
        for (const [stream, what] of Object.entries(ofTransform)) if (what) troubles[`x@${stream}`] = what;
        for (const [stream, what] of Object.entries(ofSink)) if (what) troubles[`s@${stream}`] = what;
        const frail = new FrailGraph(troubles);
        const run = await frail.run(`sessions: { room: { sessionId: demo } }
nodes:
  v: { type: voices, n: ${LENGTH} }
  x: { type: frail, from: v, onError: ${action} }
  s: { type: frail-sink, from: x, onError: ${action} }`);
        for (const stream of streams) frail.session.come(stream);
        await settle();
        const isOver = (): boolean => {
          const { ended, failed } = run.report().branches;
          return ended + failed === streams.length;
        };
        for (let i = 0; i < 400 && !isOver(); i++) await frail.pass(100);
        const over = isOver();
        const report = await run.stop();
        const untouched = streams.filter((stream) => !troubles[`x@${stream}`] && !troubles[`s@${stream}`]);
        return (
          over &&
          report.outcome === 'stopped' &&
          frail.nodes.open === 0 &&
          isAccounted(report) &&
          untouched.every((stream) => frail.taken(`s@${stream}`).join() === range(0, LENGTH).join())
        );
      },
    ),
    { numRuns: 60 },
  );
  t.pass('for any failures');
});
