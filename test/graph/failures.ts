import { Readable } from 'node:stream';
import t from 'tap';
import { z } from 'zod';
import { runGraph } from '../../src/graph/run.js';
import { VirtualClock } from '../../src/media/clock.js';
import { defineNode, type NodePorts } from '../../src/media/node.js';
import { FrailGraph, range } from './frail-graph.js';
import { Lab, MONO, noSessions, settle } from './lab.js';

const SESSION = 'sessions: { room: { sessionId: demo } }\nnodes:\n  v: { type: voices, n: 40 }\n';

await t.test('end-branch outside a branch: what depends on the node ends, the rest goes on', async (t) => {
  await t.test('when it fails on the way', async (t) => {
    const frail = new FrailGraph({ x: { at: [7] } });
    const run = await frail.run(`nodes:
  a: { type: frail-source, n: 30 }
  only: { type: frail-source }
  pair: { type: mixer, from: [only], live: false }
  x: { type: frail, from: a, onError: end-branch }
  s: { type: frail-sink, from: x }
  o: { type: frail-sink, from: a }
  p: { type: frail-sink, from: pair, onError: end-branch }`);
    await frail.until(() => frail.taken('o').length === 30);
    t.same(frail.taken('s').slice(0, 5), range(0, 5), 'its reader has what came before');
    t.same(frail.taken('s'), range(0, frail.taken('s').length));
    t.same(frail.taken('o'), range(0, 30), 'the other reader of its source has everything');
    t.equal(run.report().outcome, 'running', 'what has nothing to do with it goes on');
    t.match(run.report().nodes, { x: { restarts: 0, ended: true, errors: [{ message: 'x broke at 7' }] } });
    t.match(frail.logged, [/^a node failed; what depends on it ends \{"node":"x"/]);
    t.equal((await run.stop()).outcome, 'stopped');
    t.equal(frail.nodes.open, 0);
  });
  await t.test('what only it reads ends too', async (t) => {
    const frail = new FrailGraph({ s: { at: [7] } });
    const run = await frail.run(`nodes:
  a: { type: frail-source }
  x: { type: frail, from: a }
  s: { type: frail-sink, from: x, onError: end-branch }
  b: { type: frail-source, n: 5 }
  o: { type: frail-sink, from: b }`);
    const report = await run.finished;
    t.equal(report.outcome, 'ended', 'the endless source has nobody to give to');
    t.same(frail.taken('o'), range(0, 5));
    t.equal(frail.nodes.open, 0);
    for (const { chunks, taken, dropped, held } of report.links) t.same([held, taken + dropped], [0, chunks]);
  });
  await t.test('when it cannot be made', async (t) => {
    const frail = new FrailGraph({ x: { setups: 1 } });
    const run = await frail.run(`nodes:
  a: { type: frail-source, n: 5 }
  x: { type: frail, from: a, onError: end-branch }
  s: { type: frail-sink, from: x }
  o: { type: frail-sink, from: a }`);
    t.match(await run.finished, { outcome: 'ended', nodes: { x: { ended: true } } });
    t.same(frail.taken('o'), range(0, 5));
    t.same(frail.taken('s'), []);
  });
  await t.test('what reads others as well goes on with those', async (t) => {
    const frail = new FrailGraph({ a: { at: [3] } });
    const run = await frail.run(`nodes:
  a: { type: frail-source, n: 20, onError: end-branch }
  b: { type: frail-source, n: 20 }
  m: { type: mixer, from: [a, b], live: false }
  s: { type: frail-sink, from: m }`);
    await run.finished;
    t.same(frail.taken('s'), [0, 2, 4, ...range(3, 20)]);
  });
});

await t.test('fail in a branch ends the graph', async (t) => {
  const frail = new FrailGraph({ 's@b': { at: [5] } });
  const run = await frail.run(`${SESSION}  s: { type: frail-sink, from: v, onError: fail }`);
  frail.session.come('a');
  frail.session.come('b');
  await t.rejects(run.finished, { message: 's@b broke at 5', place: { node: 's', line: 4 } });
  t.match(run.report(), { outcome: 'failed', error: { message: 's@b broke at 5' }, branches: { begun: 2, failed: 1 } });
  t.equal(frail.session.disconnected, 1);
  t.equal(frail.nodes.open, 0);
});

await t.test('a branch that fails is expected where the graph says so', async (t) => {
  for (const [written, expected] of [
    ['', 0],
    [', onError: end-branch', 1],
    [', onError: { action: restart, maxRestarts: 1 }', 0],
  ] as const) {
    const frail = new FrailGraph({ 's@a': { at: [5, 6, 7] } });
    const run = await frail.run(`${SESSION}  s: { type: frail-sink, from: v${written} }`);
    frail.session.come('a');
    frail.session.come('b');
    await settle();
    await frail.pass(300);
    await frail.lab.happened('v@b closed');
    const { branches, outcome } = await run.stop();
    t.match(branches, { begun: 2, ended: 1, failed: 1, expected }, written);
    t.equal(outcome, 'stopped');
    t.same(frail.taken('s@b'), range(0, 40));
  }
});

await t.test('an input of a join that fails ends the branch that it belongs to', async (t) => {
  const frail = new FrailGraph();
  const run = await frail.run(`sessions: { room: { sessionId: demo } }
nodes:
  v: { type: voices, n: 8 }
  x: { type: add, from: v, n: 0 }
  j: { type: frail-join, from: x, refuse: 5 }
  s: { type: frail-sink, from: j }`);
  frail.session.come('a');
  await frail.until(() => run.report().branches.failed === 1 && frail.taken('s').length === 5);
  t.match(run.report(), {
    outcome: 'running',
    branches: { failed: 1, failures: [{ error: { message: 'refused 5' } }] },
  });
  t.same(frail.taken('s'), range(0, 5));
  t.equal((await run.stop()).outcome, 'stopped');
  t.equal(frail.nodes.open, 0);
});

await t.test('a value that a node throws at is its failure, not that of who gives', async (t) => {
  const frail = new FrailGraph({ x: { at: [3], how: 'throw' } });
  const run = await frail.run(`nodes:
  a: { type: frail-source, n: 20 }
  x: { type: frail-sink, from: a }`);
  await t.rejects(run.finished, { message: 'x broke at 3', place: { node: 'x', line: 3 } });
});

await t.test('a node that never answers is left behind at the end', async (t) => {
  const frail = new FrailGraph({ x: { at: [3], how: 'hang' } });
  const run = await frail.run(`nodes:
  a: { type: frail-source }
  x: { type: frail-sink, from: a }`);
  const stopped = run.stop();
  await frail.pass(5000);
  const report = await stopped;
  t.match(report, { outcome: 'stopped', drained: false });
  const [link] = report.links;
  t.equal((link?.taken ?? 0) + (link?.dropped ?? 0), link?.chunks, 'what it held is counted');
  t.equal(frail.nodes.open, 0);
});

await t.test('a node that does not come, or does not go', async (t) => {
  const never = new Promise<never>(() => undefined);
  const source = (close?: () => Promise<void>): NodePorts => ({
    output: () => Readable.from([]),
    ...(close && { close }),
  });
  const start = (create: () => NodePorts | Promise<NodePorts>) => {
    const lab = new Lab([
      defineNode({
        type: 'odd',
        summary: '',
        options: z.strictObject({}),
        inputs: [],
        outputs: [{ name: 'out', formats: [MONO] }],
        example: '',
        create,
      }),
    ]);
    const clock = new VirtualClock();
    const run = runGraph(lab.plan('nodes:\n  a: { type: odd }\n  s: { type: sink, from: a }'), {
      sessions: noSessions,
      clock,
    });
    run.finished.catch(() => undefined);
    return { run, clock, lab };
  };
  await t.test('its teardown fails', async (t) => {
    const { run } = start(() => source(() => Promise.reject(new Error('cannot close'))));
    await t.rejects(run.finished, {
      code: 'SLUICE_NODE_FAILED',
      message: 'cannot close',
      place: { node: 'a', line: 2 },
    });
  });
  await t.test('its teardown throws', async (t) => {
    const { run } = start(() =>
      source(() => {
        throw new Error('cannot close');
      }),
    );
    await t.rejects(run.finished, { code: 'SLUICE_NODE_FAILED', message: 'cannot close', place: { node: 'a' } });
  });
  await t.test('its teardown never ends', async (t) => {
    const { run, clock } = start(() => source(() => never));
    await settle();
    t.same(run.report().making, [], 'it was made');
    t.equal(run.report().outcome, 'running');
    clock.advance(10_000);
    await t.rejects(run.finished, {
      code: 'SLUICE_NODE_FAILED',
      message: 'did not close within 10000 ms',
      place: { node: 'a' },
    });
  });
  await t.test('it is never made', async (t) => {
    const { run, clock, lab } = start(() => never);
    await settle();
    t.same(run.report().making, ['a'], 'the report says so');
    const stopped = run.stop();
    await settle();
    clock.advance(2000);
    t.equal((await stopped).outcome, 'stopped');
    t.ok(
      lab.events.some((event) => event.startsWith('s closed')),
      'the others are freed',
    );
  });
});
