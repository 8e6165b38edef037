import * as fc from 'fast-check';
import t from 'tap';
import { intersect } from '../../src/media/format.js';
import { runGraph } from '../../src/graph/run.js';
import { checkGraph } from '../../src/graph/plan.js';
import { nearest } from '../../src/graph/nearest.js';
import { Lab, loadText, noSessions } from './lab.js';

/** A random graph without cycles: node i reads from one node before it; who is not read is read by a `sink`. */
const graphs = fc.array(fc.record({ from: fc.nat(), n: fc.integer({ min: -3, max: 3 }), mix: fc.boolean() }), {
  maxLength: 7,
});

function textOf(
  nodes: readonly { from: number; n: number }[],
  length: number,
  shuffle: (lines: string[]) => string[],
): string {
  const lines = [`  n0: { type: count, n: ${length} }`];
  const read = new Set<number>();
  nodes.forEach(({ from, n }, index) => {
    const source = from % (index + 1);
    read.add(source);
    lines.push(`  n${index + 1}: { type: add, from: n${source}, n: ${n} }`);
  });
  for (let id = 0; id <= nodes.length; id++) if (!read.has(id)) lines.push(`  s${id}: { type: sink, from: n${id} }`);
  return ['nodes:', ...shuffle(lines)].join('\n');
}

await t.test('any tree of functions gives each sink what its path says', async (t) => {
  await fc.assert(
    fc.asyncProperty(graphs, fc.integer({ min: 0, max: 40 }), fc.boolean(), async (nodes, length, reversed) => {
      const lab = new Lab();
      const plan = lab.plan(textOf(nodes, length, (lines) => (reversed ? lines.reverse() : lines)));
      const report = await runGraph(plan, { sessions: noSessions }).finished;
      const sumTo = (id: number): number => {
        const node = nodes[id - 1];
        return node ? node.n + sumTo(node.from % id) : 0;
      };
      for (const [sink, got] of lab.got) {
        const expected = Array.from({ length }, (_, value) => value + sumTo(Number(sink.slice(1))));
        if (got.join() !== expected.join()) return false;
      }
      return (
        lab.got.size > 0 &&
        report.links.every((link) => link.chunks === length && link.dropped === 0 && link.heldMs === 0)
      );
    }),
    { numRuns: 40 },
  );
  t.pass('for any tree');
  t.end();
});

await t.test('any text is planned or refused with a place, never thrown', async (t) => {
  const lab = new Lab();
  const words = fc.constantFrom(
    'nodes:',
    '  a:',
    '  b:',
    ' { type: tone }',
    ' { type: gain, from: a }',
    '\n',
    ' ',
    '"',
    '${X}',
    '[',
    '}',
    '- ',
    '#',
    'sessions:',
    '\t',
    'null',
    '&x',
    '*x',
    '<<:',
    '!!js',
    '%YAML',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(words, { maxLength: 20 }).map((list) => list.join('')),
        fc.string(),
      ),
      (text) => {
        const { graph, problems } = loadText(text);
        const all = graph && problems.length === 0 ? checkGraph(graph, lab.registry).problems : problems;
        return all.every((problem) => problem.place?.file === 'lab.yaml' && (problem.place.line ?? 0) >= 1);
      },
    ),
    { numRuns: 500 },
  );
  t.pass('for any text');
  t.end();
});

await t.test('what two ports have in common does not depend on who is asked, but for order', async (t) => {
  const rates = fc.option(fc.uniqueArray(fc.constantFrom(8000, 16_000, 48_000), { minLength: 1 }), { nil: undefined });
  const pattern = rates.map((sampleRate) => ({ kind: 'audio' as const, ...(sampleRate && { sampleRate }) }));
  fc.assert(
    fc.property(pattern, pattern, (one, other) => {
      const list = (of: ReturnType<typeof intersect>): string =>
        of
          .map((format) =>
            JSON.stringify([format.kind, 'sampleRate' in format ? [format.sampleRate].flat().sort() : null]),
          )
          .join();
      return list(intersect([one], [other])) === list(intersect([other], [one]));
    }),
  );
  t.pass('for any two patterns');
  t.end();
});

await t.test('the nearest name', async (t) => {
  const known = ['tone', 'gain', 'mixer', 'test-pattern', 'opus-encoder', 'opus-decoder', 'a'];
  for (const [typed, expected] of [
    ['toen', 'tone'],
    ['Gain', 'gain'],
    ['opusencoder', 'opus-encoder'],
    ['testpattern', 'test-pattern'],
    ['xyz', undefined],
    ['A', 'a'],
    ['d', undefined],
    ['', undefined],
  ] as const) {
    t.equal(nearest(typed, known), expected, typed);
  }
  t.end();
});
