import t from 'tap';
import { VirtualClock } from '../../src/media/clock.js';
import { runGraph } from '../../src/graph/run.js';
import { FrailGraph, range } from './frail-graph.js';
import { Lab, noSessions, settle } from './lab.js';

await t.test('a node that is made anew goes on with what waits; its readers get a gap, not an end', async (t) => {
  for (const how of ['error', 'throw', 'quit'] as const) {
    const frail = new FrailGraph({ x: { at: [5], how } });
    const run = await frail.run(`nodes:
  a: { type: frail-source, n: 20 }
  x: { type: frail, from: a, onError: restart }
  s: { type: frail-sink, from: x }
  o: { type: frail-sink, from: a }`);
    t.equal(run.report().outcome, 'running', `${how}: it waits`);
    await frail.pass(180);
    t.equal(frail.nodes.made.get('x'), 1, 'for 200 ms');
    await frail.pass(400);
    const report = await run.finished;
    t.same(frail.taken('o'), range(0, 20), 'the other reader of its source loses nothing');
    const missing = range(0, 20).filter((value) => !frail.taken('s').includes(value));
    t.ok(missing.includes(5), 'the value at which it failed is lost');
    t.ok(missing.length <= 4, `and no more than it held: ${missing.join()}`);
    const [into, out] = report.links.filter(({ name }) => name.includes('x.'));
    t.equal((into?.dropped ?? 0) + (report.dropped['x']?.['not read before it ended'] ?? 0), missing.length, 'counted');
    t.equal(out?.dropped, 0);
    t.match(report.nodes, { x: { restarts: 1, ended: false, errors: [{ place: { node: 'x', line: 3 } }] } });
    t.equal(frail.nodes.open, 0);
  }
});

await t.test('live media waits for it in the queue of the link, or is dropped, counted', async (t) => {
  const text = (queue: string): string => `nodes:
  a: { type: ticks, n: 60 }
  x: { type: frail, from: a, onError: restart${queue} }
  s: { type: frail-sink, from: x, queue: { maxMs: 1000 } }
  o: { type: frail-sink, from: a }`;
  const queued = new FrailGraph({ x: { at: [10] } });
  const run = await queued.run(text(', queue: { maxMs: 1000 }'));
  await queued.pass(1400);
  await run.finished;
  t.same(queued.taken('s'), [...range(0, 10), ...range(11, 60)], 'all but the one that broke it');
  t.same(queued.taken('o'), range(0, 60));

  const direct = new FrailGraph({ x: { at: [10] } });
  const other = await direct.run(text(''));
  await direct.pass(1400);
  await other.finished;
  t.same(direct.taken('s'), [...range(0, 10), ...range(21, 60)], '200 ms are missing');
  t.same(direct.taken('o'), range(0, 60));
  t.match(other.report().links, [
    { name: 'a.out -> x.in', chunks: 60, taken: 49, drops: { 'reader failed': 1, 'reader restarting': 10 }, held: 0 },
    { chunks: 49 },
    { chunks: 60 },
  ]);
});

await t.test('a source that is made anew', async (t) => {
  await t.test('begins from its start, and is read on', async (t) => {
    const frail = new FrailGraph({ a: { at: [4] } });
    const run = await frail.run(`nodes:
  a: { type: frail-source, n: 8, onError: restart }
  s: { type: frail-sink, from: a }
  o: { type: frail-sink, from: a }`);
    await frail.pass(300);
    await run.finished;
    const got = frail.taken('s');
    t.ok(got.length > 8);
    t.same(got.slice(-8), range(0, 8));
    t.same(got.slice(0, -8), range(0, got.length - 8));
    t.same(frail.taken('o'), got);
  });
  await t.test('begins with a time of its own, and is moved behind what it gave before', async (t) => {
    const frail = new FrailGraph({ a: { at: [4] }, m: { at: [2] } });
    const times: Record<string, number[]> = { a: [], m: [] };
    const run = await frail.run(
      `nodes:
  a: { type: frail-source, n: 8, onError: { action: restart, backoffMs: 100 } }
  m: { type: frail, from: a, onError: { action: restart, backoffMs: 100 } }
  s: { type: frail-sink, from: m }`,
      {
        observe: ({ from }) => {
          return (value) => {
            if (value.kind === 'audio') times[from.node]?.push(value.timestamp / 1000);
          };
        },
      },
    );
    await frail.pass(1000);
    await run.finished;
    const given = times['a']!;
    const gaps = given.slice(1).map((ms, i) => ms - given[i]!);
    t.ok(given.length > 8, `${given.length}`);
    t.same(
      gaps.filter((ms) => ms !== 20),
      [120],
      'the gap is as long as it was',
    );
    t.ok(
      times['m']!.every((ms) => given.includes(ms)),
      'what hands on media leaves its time as it is',
    );
  });
  await t.test('is not made anew when the graph is stopped', async (t) => {
    const frail = new FrailGraph({ a: { at: [4] } });
    const run = await frail.run(`nodes:
  a: { type: frail-source, n: 8, onError: { action: restart, backoffMs: 60000, maxBackoffMs: 60000 } }
  s: { type: frail-sink, from: a }`);
    t.match(await run.stop(), { outcome: 'stopped', drained: true, nodes: { a: { restarts: 1 } } });
  });
});

await t.test('setup that fails is tried again, while the rest begins', async (t) => {
  const frail = new FrailGraph({ x: { setups: 2 } });
  const run = await frail.run(`nodes:
  a: { type: ticks, n: 60 }
  x: { type: frail-sink, from: a, onError: restart, queue: { maxMs: 2000 } }
  o: { type: frail-sink, from: a }`);
  await frail.pass(580);
  t.ok(frail.taken('o').length > 20);
  t.same(frail.taken('x'), []);
  await frail.pass(20);
  await settle(100);
  t.same(frail.taken('x'), frail.taken('o'), 'after 200 and 400 ms it has all');
  await frail.pass(1000);
  t.match(await run.finished, { outcome: 'ended', nodes: { x: { restarts: 2 } } });
  t.same(frail.taken('x'), range(0, 60));
});

await t.test('waits double up to their limit; too many in a row are a failure', async (t) => {
  const frail = new FrailGraph({ x: { setups: 100 } });
  const run = await frail.run(`nodes:
  a: { type: ticks }
  x: { type: frail-sink, from: a, onError: { action: restart, maxRestarts: 4, backoffMs: 100, maxBackoffMs: 300 } }`);
  const madeAt: number[] = [];
  for (let ms = 0; ms <= 1100; ms += 20) {
    while (madeAt.length < (frail.nodes.made.get('x') ?? 0)) madeAt.push(ms);
    await frail.pass(20);
  }
  t.same(madeAt, [0, 100, 300, 600, 900]);
  await t.rejects(run.finished, { message: 'x cannot be made', place: { node: 'x' } });
  t.match(run.report(), { outcome: 'failed', nodes: { x: { restarts: 4 } } });
});

await t.test('a node that was well for a while may fail as often again', async (t) => {
  const frail = new FrailGraph({ x: { at: range(1, 8).map((i) => i * 600) } });
  const run = await frail.run(`nodes:
  a: { type: ticks }
  x: { type: frail-sink, from: a, onError: { action: restart, maxRestarts: 1 } }`);
  await frail.pass(80_000);
  t.equal(run.report().outcome, 'running');
  t.equal(run.report().nodes['x']?.restarts, 6, 'each 12 s');
  await run.stop();
});

await t.test('a node that has taken everything and then fails is not made anew', async (t) => {
  const frail = new FrailGraph({ s: { final: true } });
  const run = await frail.run(`nodes:
  a: { type: frail-source, n: 5 }
  s: { type: frail-sink, from: a, onError: restart }`);
  await t.rejects(run.finished, { message: 's broke at its end', place: { node: 's' } });
  t.equal(frail.nodes.made.get('s'), 1);
});

await t.test('one of a run of functions that fails has them all made anew, and is named', async (t) => {
  const lab = new Lab();
  const clock = new VirtualClock();
  const plan = lab.plan(`nodes:
  a: { type: count, n: 30 }
  x: { type: add, from: a, onError: restart }
  y: { type: add, from: x, failAt: 9, onError: restart }
  s: { type: sink, from: y }`);
  t.same(plan.fused, [['x', 'y']]);
  const run = runGraph(plan, { sessions: noSessions, clock });
  await settle();
  clock.advance(200);
  const report = await run.finished;
  t.match(report.nodes, { y: { restarts: 1, errors: [{ place: { node: 'y', line: 4 } }] } });
  t.notOk(report.nodes['x']);
  t.equal(lab.got.get('s')?.at(-1), 31);
});

await t.test('in a branch: its stream is read anew, and the others do not notice', async (t) => {
  const frail = new FrailGraph({ 'x@a': { at: [7, 9] } });
  const run = await frail.run(`sessions: { room: { sessionId: demo } }
nodes:
  v: { type: voices, n: 40 }
  x: { type: frail, from: v, onError: restart }
  s: { type: frail-sink, from: x }`);
  frail.session.come('a');
  frail.session.come('b');
  await settle();
  await frail.pass(700);
  await frail.lab.happened('v@a closed');
  t.same(frail.taken('s@b'), range(0, 40));
  t.equal(frail.nodes.made.get('x@a'), 3);
  t.equal(frail.taken('s@a').at(-1), 39);
  t.match(await run.stop(), {
    outcome: 'stopped',
    branches: { begun: 2, ended: 2, failed: 0 },
    nodes: { x: { restarts: 2 } },
  });
});

await t.test('a join that is made anew is fed by, and read by, who was there before', async (t) => {
  const frail = new FrailGraph({ j: { at: [4, undefined] } });
  const run = await frail.run(`sessions: { room: { sessionId: demo } }
nodes:
  v: { type: voices, n: 10 }
  j: { type: frail-join, from: v, onError: restart }
  s: { type: frail-sink, from: j }`);
  frail.session.come('a');
  await settle();
  t.equal(frail.nodes.made.get('j'), 1);
  frail.session.come('b');
  await frail.pass(240);
  t.equal(frail.nodes.made.get('j'), 2);
  await frail.lab.happened('v@a closed');
  await frail.lab.happened('v@b closed');
  frail.session.come('c');
  // All three come through to their end.
  await frail.until(() => frail.taken('s').filter((value) => value === 9).length === 3);
  t.match(await run.stop(), { outcome: 'stopped', drained: true, branches: { begun: 3, ended: 3, failed: 0 } });
  t.equal(frail.nodes.open, 0);
});

await t.test('what is logged', async (t) => {
  const frail = new FrailGraph({ x: { at: [5] } });
  const run = await frail.run(`nodes:
  a: { type: frail-source, n: 20 }
  x: { type: frail-sink, from: a, onError: restart }`);
  t.match(frail.logged, [/^a node failed and is made anew \{"node":"x","restart":1,"inMs":200/]);
  await frail.pass(300);
  await run.finished;
});

await t.test('a converter that was put in does as the nodes that read it say, where they say the same', async (t) => {
  const lab = new Lab();
  const actions = (text: string): Record<string, string> =>
    Object.fromEntries(
      lab
        .plan(text)
        .nodes.filter(({ inserted }) => inserted)
        .map(({ id, onError }) => [id, onError.action]),
    );
  const shared = (one: string, other: string): string => `nodes:
  a: { type: tone, sampleRate: 44100, durationMs: 20, live: false }
  x: { type: opus-encoder, from: a${one} }
  y: { type: opus-encoder, from: a${other} }
  s: { type: null, from: x }
  u: { type: null, from: y }`;
  t.same(Object.values(actions(shared('', ''))), ['fail']);
  t.same(Object.values(actions(shared(', onError: restart', ', onError: restart'))), ['restart']);
  t.same(Object.values(actions(shared(', onError: restart', ', onError: end-branch'))), ['fail']);
});
