import { Writable } from 'node:stream';
import t from 'tap';
import { z } from 'zod';
import { VirtualClock } from '../../src/media/clock.js';
import type { SluiceError } from '../../src/media/errors.js';
import { runGraph } from '../../src/graph/run.js';
import { defineNode } from '../../src/media/node.js';
import { Lab, noSessions, settle } from './lab.js';

const options = { sessions: noSessions };

await t.test('a source that ends', async (t) => {
  const lab = new Lab();
  const report = await runGraph(lab.plan('nodes:\n  a: { type: count, n: 5 }\n  b: { type: sink, from: a }'), options)
    .finished;
  t.same(lab.got.get('b'), [0, 1, 2, 3, 4], 'everything arrives in order');
  t.equal(report.outcome, 'ended');
  t.match(report.links, [{ name: 'a.out -> b.in', chunks: 5, mediaMs: 100, dropped: 0, heldMs: 0 }]);
  for (const event of ['a made 5', 'a closed', 'b closed']) t.ok(lab.events.includes(event), event);
});

await t.test('fan-out shares values and the slowest reader holds the source back', async (t) => {
  const lab = new Lab();
  const run = runGraph(
    lab.plan(
      'nodes:\n  a: { type: count, n: 2000 }\n  fast: { type: sink, from: a }\n  slow: { type: sink, from: a, gate: true }',
    ),
    options,
  );
  await lab.happened('slow got 0');
  await settle();
  t.ok((lab.got.get('fast')?.length ?? 0) <= 5, 'the fast one gets no more than the slow one may hold');
  t.equal(run.report().links[1]?.heldMs, 80, 'what the slow one holds is known in media time');
  lab.gates.get('slow')?.();
  await lab.happened('slow got 1');
  t.equal(lab.values.get('fast')?.[0], lab.values.get('slow')?.[0], 'the very same value');
  const stopped = run.stop();
  for (let value = 2; !lab.events.includes('slow closed') && value < 50; value++) {
    lab.gates.get('slow')?.();
    await settle(3);
  }
  const report = await stopped;
  t.equal(report.outcome, 'stopped');
  t.equal(report.drained, true);
  t.same(lab.got.get('fast'), lab.got.get('slow'), 'both got the same in the end');
  await run.finished;
});

await t.test('a node that throws', async (t) => {
  const lab = new Lab();
  const run = runGraph(
    lab.plan('nodes:\n  a: { type: count }\n  x: { type: add, from: a, failAt: 3 }\n  b: { type: sink, from: x }'),
    options,
  );
  await t.rejects(run.finished, {
    code: 'SLUICE_NODE_FAILED',
    message: 'add broke',
    place: { file: 'lab.yaml', line: 3, column: 3, node: 'x' },
  });
  t.ok(lab.events.includes('b closed by add broke'), 'what is downstream is closed');
  t.ok(
    lab.events.some((event) => event.startsWith('a closed')),
    'and what is upstream',
  );
  t.match(run.report(), { outcome: 'failed', error: { message: 'add broke' } });
});

await t.test('a sink that fails', async (t) => {
  const lab = new Lab();
  const run = runGraph(
    lab.plan('nodes:\n  a: { type: count }\n  ok: { type: sink, from: a }\n  bad: { type: sink, from: a, failAt: 2 }'),
    options,
  );
  await t.rejects(run.finished, { message: 'sink broke', place: { node: 'bad' } });
  t.ok(lab.events.includes('ok closed by sink broke'));
});

await t.test('a node that cannot be made', async (t) => {
  const broken = defineNode({
    type: 'broken',
    summary: '',
    options: z.strictObject({}),
    inputs: [],
    outputs: [{ name: 'out', formats: [{ kind: 'audio' }] }],
    example: '',
    create: () => Promise.reject(new Error('no device')),
  });
  const lab = new Lab([broken]);
  const run = runGraph(
    lab.plan(
      'nodes:\n  a: { type: broken }\n  b: { type: sink, from: a }\n  c: { type: count }\n  d: { type: sink, from: c }',
    ),
    options,
  );
  await t.rejects(run.finished, { message: 'no device', place: { node: 'a', line: 2 } });
  t.same(lab.got.get('d'), [], 'nothing flowed anywhere');
  for (const id of ['b', 'c', 'd']) t.ok(lab.events.includes(`${id} closed by no device`), `${id} is freed`);
});

await t.test('abort', async (t) => {
  const lab = new Lab();
  const controller = new AbortController();
  const run = runGraph(lab.plan('nodes:\n  a: { type: count }\n  b: { type: sink, from: a }'), {
    ...options,
    signal: controller.signal,
  });
  await lab.happened('b got 3');
  controller.abort(new Error('enough'));
  await t.rejects(run.finished, { message: 'enough' });
  t.equal(run.report().outcome, 'aborted');
  t.ok(lab.events.includes('b closed by enough'));

  const late = runGraph(lab.plan('nodes:\n  a: { type: count }\n  b: { type: sink, from: a }'), {
    ...options,
    signal: AbortSignal.abort(new Error('before')),
  });
  await t.rejects(late.finished, { message: 'before' }, 'also before it began');
});

await t.test('stop drains', async (t) => {
  const lab = new Lab();
  const run = runGraph(
    lab.plan('nodes:\n  a: { type: count }\n  x: { type: add, from: a }\n  b: { type: sink, from: x }'),
    options,
  );
  await lab.happened('b got 10');
  const report = await run.stop();
  const [into, out] = report.links;
  t.equal(report.outcome, 'stopped');
  t.equal(into?.chunks, out?.chunks, 'what went in came out');
  t.equal(lab.got.get('b')?.length, out?.chunks);
  t.ok(lab.events.includes('b closed'), 'the sink ended in good order');
  await run.finished;
});

await t.test('stop with a sink that does not drain', async (t) => {
  const lab = new Lab();
  const clock = new VirtualClock();
  const run = runGraph(lab.plan('nodes:\n  a: { type: count }\n  b: { type: sink, from: a, gate: true }'), {
    ...options,
    clock,
  });
  await lab.happened('b got 0');
  const stopped = run.stop();
  await settle();
  clock.advance(4999);
  await settle();
  t.equal(run.report().outcome, 'running', 'waits for its deadline');
  clock.advance(1);
  const report = await stopped;
  t.match(report, { outcome: 'stopped', drained: false });
});

await t.test('runs of functions are one stream', async (t) => {
  const lab = new Lab();
  const text =
    'nodes:\n  a: { type: count, n: 4 }\n  x: { type: add, from: a }\n  y: { type: add, from: x, n: 10, drop: 2 }\n  z: { type: add, from: y }\n  b: { type: sink, from: z }';
  const plan = lab.plan(text);
  t.same(plan.fused, [['x', 'y', 'z']]);
  const report = await runGraph(plan, options).finished;
  t.same(lab.got.get('b'), [12, 14, 15], 'functions apply in order, what they leave out is left out');
  t.same(
    report.links.map((link) => link.chunks),
    [4, 4, 3, 3],
    'links inside are counted too',
  );

  const broken = runGraph(lab.plan(text.replace('n: 10', 'n: 10, failAt: 3')), options);
  const error = await broken.finished.catch((caught: unknown) => caught as SluiceError);
  t.match(error, { message: 'add broke', place: { node: 'y', line: 4 } }, 'the failing one of them is named');
});

await t.test('a stream that closes before its end is a failure', async (t) => {
  const quitter = defineNode({
    type: 'quitter',
    summary: '',
    options: z.strictObject({}),
    inputs: [{ name: 'in', formats: [{ kind: 'audio' }] }],
    outputs: [],
    example: '',
    create: () =>
      new Writable({
        objectMode: true,
        write() {
          this.destroy();
        },
      }),
  });
  const lab = new Lab([quitter]);
  const run = runGraph(lab.plan('nodes:\n  a: { type: count }\n  b: { type: quitter, from: a }'), options);
  await t.rejects(run.finished, { message: 'closed before it had ended', place: { node: 'b' } });
});
