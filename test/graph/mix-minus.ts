import { Readable } from 'node:stream';
import t from 'tap';
import { z } from 'zod';
import { runGraph, type GraphRun } from '../../src/graph/run.js';
import { audioData } from '../../src/media/audio-data.js';
import { VirtualClock } from '../../src/media/clock.js';
import { defineNode } from '../../src/media/node.js';
import { watchStreams } from '../../src/media/watch-streams.js';
import { FakeSession, Lab, MONO, factoryOf, settle } from './lab.js';

/** What each stream says, all the time: any sum of them tells who is in it. */
const LEVELS: Readonly<Record<string, number>> = { a: 1, b: 10, c: 100, d: 1000 };

/** A graph of people who talk by the clock, and how it runs. */
class Talk {
  readonly clock = new VirtualClock();
  readonly session = new FakeSession();
  readonly lab: Lab;
  run: GraphRun | undefined;

  constructor() {
    this.lab = new Lab([this.#people()]);
  }

  start(nodes: string): GraphRun {
    const plan = this.lab.plan(`sessions: { room: { sessionId: demo } }\nnodes:\n${nodes}`);
    return (this.run = runGraph(plan, { sessions: factoryOf(this.session), clock: this.clock }));
  }

  async pass(periods: number): Promise<void> {
    for (let period = 0; period < periods; period++) {
      await settle(4);
      this.clock.advance(20);
      await settle(4);
    }
  }

  /** The last that a sink has heard. */
  hears(sink: string): number | undefined {
    return this.lab.got.get(sink)?.at(-1);
  }

  #people() {
    const { clock } = this;
    return defineNode({
      type: 'people',
      summary: '',
      options: z.strictObject({ session: z.string().describe('Session.') }),
      inputs: [],
      outputs: [{ name: 'out', formats: [MONO] }],
      latency: { live: true, minMs: 0, maxMs: 0 },
      example: '',
      branches: () => true,
      watch: ({ session }, context, events) => watchStreams(context.session(session), context, events),
      create(_options, { branch }) {
        const level = LEVELS[branch?.streamId ?? ''] ?? 0;
        const stream = new Readable({ objectMode: true, highWaterMark: 100, read: () => undefined });
        const talk = (index: number): void => {
          if (stream.destroyed) return;
          stream.push(audioData(new Int16Array(960).fill(level), 48_000, 1, index * 20_000));
          clock.after(20, () => talk(index + 1));
        };
        talk(0);
        return stream;
      },
    });
  }
}

await t.test('in each branch everybody else is heard, whoever comes and goes', async (t) => {
  const talk = new Talk();
  talk.start(
    '  v: { type: people }\n  m: { type: mixer, from: v }\n  s: { type: sink, from: m.others }\n  all: { type: sink, from: m }',
  );
  for (const id of ['a', 'b', 'c']) talk.session.come(id);
  await talk.pass(10);
  const heard = (): Record<string, number | undefined> =>
    Object.fromEntries(['s@a', 's@b', 's@c', 's@d', 'all'].map((sink) => [sink, talk.hears(sink)]));
  t.same(heard(), { 's@a': 110, 's@b': 101, 's@c': 11, 's@d': undefined, all: 111 });
  talk.session.come('d');
  talk.session.go('b');
  await talk.pass(20);
  t.same(heard(), { 's@a': 1100, 's@b': talk.hears('s@b'), 's@c': 1001, 's@d': 101, all: 1101 });
  t.ok(talk.lab.events.includes('s@b closed'), 'the branch of who has gone has ended');
  talk.session.come('b');
  await talk.pass(10);
  t.same(heard(), { 's@a': 1110, 's@b': 1101, 's@c': 1011, 's@d': 111, all: 1111 });
  const stopped = talk.run?.stop();
  await talk.pass(15);
  t.match(await stopped, {
    outcome: 'stopped',
    drained: true,
    branches: { begun: 5, ended: 5, failed: 0 },
    dropped: {},
  });
});

await t.test('a branch whose mix cannot be taken ends alone', async (t) => {
  const talk = new Talk();
  const run = talk.start(
    '  v: { type: people }\n  m: { type: mixer, from: v }\n  x: { type: add, n: 0, failAt: 110, from: m.others }\n  s: { type: sink, from: x }',
  );
  for (const id of ['a', 'b', 'c']) talk.session.come(id);
  await talk.pass(20);
  t.match(run.report(), { outcome: 'running', branches: { failed: 1, failures: [{ streamId: 'a' }] } });
  t.same([talk.hears('s@b'), talk.hears('s@c')], [100, 10], 'the others go on without it');
  const stopped = run.stop();
  await talk.pass(15);
  t.match(await stopped, { outcome: 'stopped', drained: true });
});

await t.test('what is given back meets what else is in the branch', async (t) => {
  const talk = new Talk();
  const plan = talk.lab.plan(`sessions: { room: { sessionId: demo } }
nodes:
  v: { type: people }
  jingle: { type: tone, sampleRate: 48000, channels: 1 }
  m: { type: mixer, from: [v, jingle] }
  o: { type: opus-encoder, from: m.others }
  s: { type: "null", from: o }
  t: { type: "null", from: v }`);
  t.same(plan.branches, [{ source: 'v', nodes: ['v', 'o', 's', 't'] }]);
});

await t.test('a graph that gives only back runs until no more can come', async (t) => {
  const talk = new Talk();
  const run = talk.start('  v: { type: people }\n  m: { type: mixer, from: v }\n  s: { type: sink, from: m.others }');
  let isOver = false;
  void run.finished.then(() => (isOver = true));
  await talk.pass(5);
  talk.session.come('a');
  await talk.pass(10);
  t.same(talk.hears('s@a'), 0, 'who is alone hears nothing');
  talk.session.go('a');
  await talk.pass(20);
  t.equal(isOver, false, 'others may come');
  talk.session.come('b');
  talk.session.come('c');
  await talk.pass(10);
  t.same([talk.hears('s@b'), talk.hears('s@c')], [100, 10]);
  const stopped = run.stop();
  await talk.pass(15);
  t.match(await stopped, { outcome: 'stopped', drained: true, branches: { begun: 3, ended: 3 } });
});
