import t from 'tap';
import { FrailGraph } from './frail-graph.js';
import { settle } from './lab.js';

const warned = (frail: FrailGraph): readonly string[] =>
  frail.logged.filter((line) => line.includes('stalled') || line.includes('moves again'));

await t.test('a link whose reader takes nothing is named within a second, once, and again when it moves', async (t) => {
  const frail = new FrailGraph();
  const run = await frail.run(`nodes:
  a: { type: ticks }
  x: { type: frail, from: a }
  slow: { type: sink, from: x, gate: true, queue: { maxMs: 300 } }
  o: { type: sink, from: a }`);
  await frail.pass(20);
  frail.lab.gates.get('slow')?.();
  await frail.pass(740);
  t.same(warned(frail), [], 'not before 750 ms');
  t.same(run.report().stalls, []);
  await frail.pass(260);
  t.match(warned(frail), [
    /^a link is stalled: its reader takes nothing \{"link":"x.out -> slow.in","held":\d+,"heldMs":\d+\}$/,
  ]);
  t.same(run.report().stalls, [{ link: 'x.out -> slow.in', times: 1, now: 1 }]);
  await frail.pass(3000);
  t.equal(warned(frail).length, 1);

  frail.lab.gates.get('slow')?.();
  await settle();
  await frail.pass(260);
  t.match(warned(frail).slice(1), [/^a link moves again \{"link":"x.out -> slow.in"\}$/]);
  t.same(run.report().stalls, [{ link: 'x.out -> slow.in', times: 1, now: 0 }]);
  await frail.pass(1000);
  t.match(run.report().stalls, [{ times: 2, now: 1 }]);
  const stopped = run.stop();
  await frail.pass(5000);
  await stopped;
  t.match(run.report().stalls, [{ times: 2, now: 0 }], 'over when the graph is stopped');
});

await t.test('of links that wait for each other, the one that all wait for is named', async (t) => {
  const frail = new FrailGraph();
  const run = await frail.run(`nodes:
  a: { type: frail-source }
  x: { type: frail, from: a }
  y: { type: frail, from: x }
  s: { type: sink, from: y, gate: true }`);
  await frail.pass(2000);
  const { links, stalls } = run.report();
  t.ok(
    links.every(({ held }) => held > 0),
    'values wait on all three',
  );
  t.match(stalls, [{ link: 'y.out -> s.in' }]);
  t.equal(stalls.length, 1);
  const stopped = run.stop();
  await frail.pass(5000);
  await stopped;
});

await t.test('a reader that is slow but moves is not stalled', async (t) => {
  const frail = new FrailGraph();
  const run = await frail.run(`nodes:
  a: { type: frail-source }
  x: { type: frail, from: a }
  s: { type: sink, from: x, gate: true }`);
  for (let i = 0; i < 20; i++) {
    await frail.pass(480);
    frail.lab.gates.get('s')?.();
    await settle();
  }
  t.same(run.report().stalls, []);
  t.same(warned(frail), []);
  const stopped = run.stop();
  await frail.pass(5000);
  await stopped;
});

await t.test(
  'a node that is being made anew does not stall its links, nor does a graph that has nothing to do',
  async (t) => {
    const frail = new FrailGraph({ x: { at: [5] } });
    const run = await frail.run(`nodes:
  a: { type: frail-source, n: 20 }
  x: { type: frail-sink, from: a, onError: { action: restart, backoffMs: 5000 } }
  s: { type: sink, from: b }
  b: { type: ticks, n: 400 }`);
    await frail.pass(4000);
    t.same(run.report().stalls, []);
    await frail.pass(5000);
    t.same((await run.finished).stalls, []);
    t.same(warned(frail), []);
  },
);

await t.test('what a source gives without being asked is bounded, and counted', async (t) => {
  const frail = new FrailGraph();
  const run = await frail.run(`nodes:
  a: { type: flood }
  s: { type: sink, from: a, gate: true }`);
  await frail.pass(1000);
  const dropped = run.report().dropped['a']?.['given without being asked'] ?? 0;
  const { flooded } = frail.nodes;
  t.equal(flooded, 50_000, 'it gave so many');
  t.ok(dropped > 40_000 && flooded - dropped < 6000, `${dropped} of them are dropped`);
  const stopped = run.stop();
  await frail.pass(8000);
  t.equal((await stopped).outcome, 'stopped');
});
