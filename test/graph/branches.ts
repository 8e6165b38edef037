import t from 'tap';
import { VirtualClock } from '../../src/media/clock.js';
import { runGraph } from '../../src/graph/run.js';
import { FakeSession, Lab, factoryOf, settle } from './lab.js';

const text = (voices: string, sink = ''): string =>
  `sessions:\n  room: { sessionId: demo }\nnodes:\n  v: { type: voices${voices} }\n  x: { type: add, from: v }\n  s: { type: sink, from: x${sink} }`;

await t.test('one branch a stream, those that are there and those that come', async (t) => {
  const lab = new Lab();
  const session = new FakeSession();
  session.come('early');
  const run = runGraph(lab.plan(text(', n: 3')), { sessions: factoryOf(session) });
  await lab.happened('s@early closed');
  session.come('late');
  await lab.happened('s@late closed');
  const report = await run.stop();
  t.same(lab.got.get('s@early'), [1, 2, 3]);
  t.same(lab.got.get('s@late'), [1, 2, 3]);
  t.match(report, { outcome: 'stopped', branches: { begun: 2, ended: 2, failed: 0 } });
  t.equal(report.links[0]?.chunks, 6, 'a link counts all branches');
  t.equal(session.disconnected, 1, 'the session is left');
});

await t.test('a branch ends when its stream goes, the others go on', async (t) => {
  const lab = new Lab();
  const session = new FakeSession();
  session.come('a');
  session.come('b');
  const run = runGraph(lab.plan(text('')), { sessions: factoryOf(session) });
  await lab.happened('s@a got 5');
  session.go('a');
  await lab.happened('s@a closed');
  const before = lab.got.get('s@b')?.length ?? 0;
  await lab.happened(`s@b got ${before + 20}`);
  t.same(
    lab.got.get('s@a'),
    Array.from(lab.got.get('s@a') ?? [], (_, index) => index + 1),
    'what it had taken in came out',
  );
  t.equal(run.report().outcome, 'running');
  session.come('a');
  await settle();
  t.equal(run.report().branches.begun, 3, 'a stream that comes again gets a branch again');
  await run.stop();
});

await t.test('watching for streams is begun anew where it fails, and the branches there are go on', async (t) => {
  const lab = new Lab();
  const clock = new VirtualClock();
  const session = new FakeSession();
  session.come('a');
  const run = runGraph(lab.plan(text(', watchFails: 1, onError: restart')), { sessions: factoryOf(session), clock });
  await lab.happened('s@a got 5');
  session.come('b');
  await lab.happened('s@b got 5');
  t.match(run.report().nodes, { v: { restarts: 1, errors: [{ code: 'SLUICE_SESSION_LOST', place: { node: 'v' } }] } });
  session.come('between');
  await settle();
  t.equal(run.report().branches.begun, 2, 'nobody watches');
  clock.advance(300);
  await lab.happened('v watches again');
  await lab.happened('s@between got 5');
  const before = lab.got.get('s@a')?.length ?? 0;
  await lab.happened(`s@a got ${before + 20}`);
  session.come('c');
  await lab.happened('s@c got 5');
  session.go('c');
  await lab.happened('s@c closed');
  await settle();
  t.match(run.report(), { outcome: 'running', branches: { begun: 4, ended: 1, failed: 0 } });
  await run.stop();

  const failing = runGraph(new Lab().plan(text(', watchFails: 1')), { sessions: factoryOf(session) });
  await settle();
  session.come('d');
  await t.rejects(failing.finished, { code: 'SLUICE_SESSION_LOST' }, 'without it the graph fails');
});

await t.test('a failing branch does not touch the others', async (t) => {
  const lab = new Lab();
  const session = new FakeSession();
  const run = runGraph(lab.plan(text(', failFor: c', ', failAt: 4').replace('add, from: v', 'add, from: v, n: 0')), {
    sessions: factoryOf(session),
  });
  for (const id of ['a', 'b', 'c']) session.come(id);
  await lab.happened('s@a closed by sink broke');
  await lab.happened('s@b closed by sink broke');
  await settle();
  const report = run.report();
  t.equal(report.outcome, 'running', 'the graph goes on');
  t.match(report.branches, { begun: 3, ended: 0, failed: 3 });
  t.match(
    report.branches.failures.find((failure) => failure.streamId === 'c'),
    { name: 'name of c', error: { code: 'SLUICE_SUBSCRIBE_FAILED', place: { node: 'v', line: 4 } } },
  );
  t.match(report.branches.failures.find((failure) => failure.streamId === 'a')?.error, {
    place: { node: 's', line: 6 },
  });
  t.equal((await run.stop()).outcome, 'stopped');
});

await t.test('branches meet in a node that joins', async (t) => {
  const lab = new Lab();
  const clock = new VirtualClock();
  const session = new FakeSession();
  const plan = lab.plan(
    'nodes:\n  v: { type: voices, n: 4 }\n  x: { type: add, from: v, n: 100 }\n  m: { type: mixer, from: x }\n  s: { type: sink, from: m }\nsessions:\n  room: { sessionId: demo }',
  );
  t.same(plan.branches, [{ source: 'v', nodes: ['v', 'x'] }]);
  const run = runGraph(plan, { sessions: factoryOf(session), clock });
  await settle();
  session.come('a');
  session.come('b');
  await settle();
  const ticks = async (count: number): Promise<void> => {
    for (let tick = 0; tick < count; tick++) {
      clock.advance(20);
      await settle(5);
    }
  };
  await ticks(6);
  session.go('a');
  session.come('c');
  await settle();
  await ticks(6);
  const mixed = (lab.got.get('s') ?? []).filter((value) => value !== 0);
  t.same(mixed, [200, 202, 204, 206, 100, 101, 102, 103], 'both add up, then the third alone');
  const stopped = run.stop();
  await settle();
  await ticks(2);
  t.match(await stopped, { outcome: 'stopped', drained: true, branches: { begun: 3, ended: 3, failed: 0 } });
  t.ok(lab.events.includes('s closed'), 'the mix ends once no more branches can come');
});

await t.test('a branch that fails in front of a join', async (t) => {
  const lab = new Lab();
  const clock = new VirtualClock();
  const session = new FakeSession();
  const run = runGraph(
    lab.plan(
      'sessions: { room: { sessionId: demo } }\nnodes:\n  v: { type: voices, n: 4 }\n  x: { type: add, from: v, n: 100, failAt: 2 }\n  m: { type: mixer, from: x }\n  s: { type: sink, from: m }',
    ),
    { sessions: factoryOf(session), clock },
  );
  const ticks = async (count: number): Promise<void> => {
    for (let tick = 0; tick < count; tick++) {
      clock.advance(20);
      await settle(5);
    }
  };
  await settle();
  session.come('a');
  await settle();
  await ticks(4);
  t.match(run.report(), { outcome: 'running', branches: { failed: 1 } });
  const heard = (lab.got.get('s') ?? []).filter((value) => value !== 0);
  t.same(heard, [100, 101], 'what it had given before is heard all the same');
  const before = lab.got.get('s')?.length ?? 0;
  await ticks(3);
  t.equal(lab.got.get('s')?.length, before + 3, 'and the mix goes on');
  const stopped = run.stop();
  await settle();
  await ticks(2);
  t.equal((await stopped).outcome, 'stopped');
});

await t.test('a session that is lost', async (t) => {
  const lab = new Lab();
  const session = new FakeSession();
  session.come('a');
  const run = runGraph(lab.plan(text('')), { sessions: factoryOf(session) });
  await lab.happened('s@a got 3');
  session.emit('disconnected');
  await t.rejects(run.finished, { code: 'SLUICE_SESSION_LOST', place: { line: 2 } });
  t.ok(
    lab.events.some((event) => event.startsWith('s@a closed')),
    'its branches end',
  );
});

await t.test('a session that cannot be joined', async (t) => {
  const lab = new Lab();
  const other = new FakeSession();
  const plan = lab.plan(
    'sessions:\n  good: { sessionId: one }\n  bad: { sessionId: two }\nnodes:\n  v: { type: voices, session: good }\n  s: { type: sink, from: v }',
  );
  const run = runGraph(plan, {
    sessions: (id) => (id === 'bad' ? Promise.reject(new Error('refused')) : factoryOf(other)()),
  });
  await t.rejects(run.finished, { message: 'refused', place: { line: 3, column: 3 } });
  t.equal(other.disconnected, 1, 'the other one is left again');
});
