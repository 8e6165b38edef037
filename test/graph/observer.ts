import t from 'tap';
import type { AudioData } from '../../src/media/audio-data.js';
import { VirtualClock } from '../../src/media/clock.js';
import { runGraph } from '../../src/graph/run.js';
import { FakeSession, Lab, factoryOf, noSessions, settle } from './lab.js';

t.test('what passes the links can be looked at', async (t) => {
  await t.test('each value once for each reader, also between functions that are one stream', async (t) => {
    const lab = new Lab();
    const plan = lab.plan(`
nodes:
  numbers: { type: count, n: 3 }
  one: { type: add, n: 10, from: numbers }
  two: { type: add, n: 100, from: one }
  end: { type: sink, from: two }
  all: { type: sink, from: numbers }
`);
    t.strictSame(plan.fused, [['one', 'two']]);
    const seen: string[] = [];
    const run = runGraph(plan, {
      sessions: noSessions,
      observe:
        ({ from, to }) =>
        (value) =>
          seen.push(`${from.node} > ${to.node} ${(value as AudioData).data[0] ?? ''}`),
    });
    await run.finished;
    for (const [link, values] of [
      ['numbers > one', [0, 1, 2]],
      ['one > two', [10, 11, 12]],
      ['two > end', [110, 111, 112]],
      ['numbers > all', [0, 1, 2]],
    ] as const) {
      const found = seen.filter((text) => text.startsWith(link)).map((text) => Number(text.split(' ').at(-1)));
      t.strictSame(found, values, link);
    }
  });

  await t.test('in branches with the stream that they are of', async (t) => {
    const lab = new Lab();
    const session = new FakeSession();
    const plan = lab.plan(`
sessions: { room: { sessionId: demo } }
nodes:
  voices: { type: voices, session: room, n: 2 }
  end: { type: sink, from: voices }
`);
    const asked: (string | undefined)[] = [];
    const run = runGraph(plan, {
      sessions: factoryOf(session),
      clock: new VirtualClock(),
      observe: (_link, branch) => {
        asked.push(branch?.streamId);
        return undefined;
      },
    });
    await settle();
    session.come('a');
    session.come('b');
    await settle();
    await run.stop();
    t.strictSame(asked.sort(), ['a', 'b']);
  });
});
