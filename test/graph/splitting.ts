import t from 'tap';
import { runGraph } from '../../src/graph/run.js';
import { FakeSession, Lab, factoryOf, noSessions, settle } from './lab.js';

await t.test('what a switch lets through can be changed while it runs', async (t) => {
  const lab = new Lab();
  const plan = lab.plan(`nodes:
  a: { type: count, n: 200 }
  b: { type: add, n: 1000, from: a }
  s: { type: switch, media: audio, from: [a, b], input: a }
  x: { type: sink, from: s }`);
  const run = runGraph(plan, { sessions: noSessions });
  await lab.happened('x got 30');
  run.update('s', { input: 'b' });
  await lab.happened('x got 1100');
  run.update('s', { input: 'a.out' });
  const report = await run.finished;
  const got = lab.got.get('x') ?? [];
  t.same(
    got.map((value) => value % 1000),
    Array.from({ length: 200 }, (_, i) => i),
    'nothing is missing, and nothing comes twice',
  );
  const [to, back] = [got.findIndex((value) => value >= 1000), got.findLastIndex((value) => value >= 1000)];
  t.ok(to > 30 && to < 50 && back >= 100 && back < 120, `from ${to} to ${back}`);
  t.ok(got.slice(to, back).every((value) => value >= 1000));
  t.same(report.dropped, { s: { 'not let through': 200 } });
});

await t.test('what cannot be changed is told', async (t) => {
  const lab = new Lab();
  const plan = lab.plan(`nodes:
  a: { type: count, n: 20 }
  b: { type: count, n: 20 }
  s: { type: switch, media: audio, from: [a, b], input: a }
  x: { type: sink, from: s }`);
  const run = runGraph(plan, { sessions: noSessions });
  const told = (id: string, options: Record<string, unknown>): unknown => {
    try {
      run.update(id, options);
      return undefined;
    } catch (error) {
      return error;
    }
  };
  t.match(told('z', {}), { code: 'SLUICE_CONFIG_INVALID', message: 'there is no node "z"', expected: /a, b, s, x/ });
  t.match(told('a', { n: 3 }), { message: '"n" of count cannot be changed while it runs', place: { line: 2 } });
  t.match(told('s', { media: 'video' }), { expected: 'input' });
  t.match(told('s', { input: 3 }), { code: 'SLUICE_CONFIG_INVALID', place: { node: 's' } });
  t.match(told('s', { input: 'c' }), { message: 'nothing flows in from "c"', expected: 'one of a.out, b.out' });
  t.equal(told('s', { input: 'b' }), undefined);
  await run.finished;
  t.match(told('s', { input: 'a' }), { code: 'SLUICE_STATE_INVALID' });
});

await t.test('a switch in each branch is changed in all of them, and in those that come', async (t) => {
  const lab = new Lab();
  const session = new FakeSession();
  const plan = lab.plan(`sessions: { room: { sessionId: demo } }
nodes:
  v: { type: voices }
  b: { type: add, n: 10000, from: v }
  s: { type: switch, media: audio, from: [v, b], input: v }
  x: { type: sink, from: s }`);
  const run = runGraph(plan, { sessions: factoryOf(session) });
  session.come('one');
  session.come('two');
  await Promise.all([lab.happened('x@one got 20'), lab.happened('x@two got 20')]);
  run.update('s', { input: 'b' });
  await Promise.all([lab.happened('x@one got 10100'), lab.happened('x@two got 10100')]);
  session.come('three');
  await lab.happened('x@three got 10050');
  t.ok((lab.got.get('x@three') ?? []).every((value) => value >= 10_000));
  session.go('one');
  await lab.happened('x@one closed');
  t.match(await run.stop(), { outcome: 'stopped', branches: { begun: 3, ended: 3, failed: 0 } });
});

await t.test('a reader of a tee that stands still holds the others up only when its queue is full', async (t) => {
  const lab = new Lab();
  const plan = lab.plan(`nodes:
  a: { type: count, n: 100 }
  t: { type: tee, maxMs: 500, from: a }
  slow: { type: sink, gate: true, from: t }
  fast: { type: sink, from: t }`);
  const run = runGraph(plan, { sessions: noSessions });
  await lab.happened('fast got 24');
  await settle(50);
  const ahead = lab.got.get('fast')?.length ?? 0;
  t.ok(ahead < 45, `${ahead} of 100 went by`);
  t.same(lab.got.get('slow'), [0]);
  while (!lab.events.includes('slow closed')) {
    lab.gates.get('slow')?.();
    await settle(2);
  }
  const { dropped, links } = await run.finished;
  const all = Array.from({ length: 100 }, (_, i) => i);
  t.same(lab.got.get('slow'), all);
  t.same(lab.got.get('fast'), all);
  t.same(dropped, {});
  t.same(
    links.map(({ name, taken }) => [name, taken]),
    [
      ['a.out -> t.in', 100],
      ['t.out -> slow.in', 100],
      ['t.out -> fast.in', 100],
    ],
  );
});

await t.test('a failing reader of a queue is told as any other, and nothing is left open', async (t) => {
  const lab = new Lab();
  const plan = lab.plan(`nodes:
  a: { type: count }
  q: { type: queue, maxMs: 200, overflow: block, from: a }
  x: { type: sink, failAt: 30, from: q }`);
  await t.rejects(runGraph(plan, { sessions: noSessions }).finished, { message: 'sink broke', place: { line: 4 } });
  t.ok(lab.events.some((event) => event.startsWith('a closed')));
});
