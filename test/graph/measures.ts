import t from 'tap';
import { z } from 'zod';
import { Measure } from '../../src/graph/measure.js';
import { runGraph } from '../../src/graph/run.js';
import { defineTransform } from '../../src/media/node.js';
import { FakeSession, Lab, MONO, factoryOf, settle } from './lab.js';

await t.test('quantiles are of the last thousand, the count and the total of all', (t) => {
  const measure = new Measure();
  measure.add(5);
  t.strictSame(measure.report(), { count: 1, total: 5, last: 5, p50: 5, p99: 5, max: 5 });
  // 1 to 1000 in another order, which 7 shares no factor with.
  for (let index = 0; index < 1000; index++) measure.add(((index * 7) % 1000) + 1);
  t.strictSame(measure.report(), { count: 1001, total: 500_505, last: 994, p50: 500, p99: 990, max: 1000 });
  for (let index = 0; index < 1000; index++) measure.add(2.345);
  t.strictSame(measure.report(), { count: 2001, total: 502_850, last: 2.35, p50: 2.35, p99: 2.35, max: 2.35 });
  t.end();
});

await t.test('what nodes measure is in the report by node and name, branches together', async (t) => {
  const timed = defineTransform({
    type: 'timed',
    summary: 'Measures.',
    options: z.strictObject({}),
    inputs: [{ name: 'in', formats: [MONO] }],
    outputs: [{ name: 'out', formats: [MONO] }],
    example: '',
    transform: (_options, context) => (value) => {
      context.measured('stage', 10);
      context.measured('of nothing', NaN);
      if (context.branch?.streamId === 'b') context.measured('other', 3);
      return value;
    },
  });
  const lab = new Lab([timed]);
  const session = new FakeSession();
  const plan = lab.plan(`
sessions: { room: { sessionId: demo } }
nodes:
  voices: { type: voices, session: room, n: 2 }
  work: { type: timed, from: voices }
  end: { type: sink, from: work }
`);
  const run = runGraph(plan, { sessions: factoryOf(session) });
  await settle();
  t.strictSame(run.report().measures, {}, 'nothing yet');
  session.come('a');
  session.come('b');
  await settle();
  t.strictSame((await run.stop()).measures, {
    work: {
      stage: { count: 4, total: 40, last: 10, p50: 10, p99: 10, max: 10 },
      other: { count: 2, total: 6, last: 3, p50: 3, p99: 3, max: 3 },
    },
  });
});
