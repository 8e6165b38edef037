import { Readable, Writable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { runGraph } from '../../src/graph/run.js';
import { VirtualClock } from '../../src/media/clock.js';
import type { NodeDef, NodeInstance } from '../../src/media/node.js';
import * as nodes from '../../src/nodes/index.js';
import { FrailGraph, range } from './frail-graph.js';
import { FrailNodes } from './frail-nodes.js';
import { FakeSession, Lab, factoryOf, settle } from './lab.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Memory in use once what can go is gone, in bytes. */
async function heapUsed(): Promise<number> {
  for (let i = 0; i < 2; i++) {
    await settle();
    collect();
  }
  return process.memoryUsage().heapUsed;
}

/** What keeps the process alive, by kind. */
function resources(): string {
  return process
    .getActiveResourcesInfo()
    .filter((kind) => kind !== 'Immediate')
    .sort()
    .join();
}

/** Numbers from 0 to 1 that are the same each time. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
}

/** Kills nodes: by their streams, or by refusing to make them. */
class Killer {
  /** Those that are there. */
  readonly streams = new Set<Readable | Writable>();
  /** Makings that are to be refused. */
  refuse = 0;
  readonly #random = randomFrom(7);

  /** The node as a type with `k-` before its name, which can be killed. */
  killable(def: NodeDef): NodeDef {
    return {
      ...def,
      type: `k-${def.type}`,
      create: async (options, context) => {
        if (this.refuse === 0) return this.#noted(await def.create(options, context));
        this.refuse--;
        throw new Error('refused');
      },
    };
  }

  kill(): void {
    const chosen = [...this.streams][Math.floor(this.#random() * this.streams.size)];
    if (this.#random() < 0.1) this.refuse++;
    chosen?.destroy(this.#random() < 0.5 ? new Error('killed') : undefined);
  }

  #noted(made: NodeInstance): NodeInstance {
    if (made instanceof Readable || made instanceof Writable) return this.#note(made);
    return {
      ...(made.input && { input: (port, link) => this.#note(made.input?.(port, link) as Writable) }),
      ...(made.output && { output: (port, branch) => this.#note(made.output?.(port, branch) as Readable) }),
      seal: (port) => made.seal?.(port),
      close: () => made.close?.(),
    };
  }

  #note<S extends Readable | Writable>(stream: S): S {
    this.streams.add(stream);
    stream.once('close', () => this.streams.delete(stream));
    return stream;
  }
}

const RESTART = 'onError: { action: restart, maxRestarts: 1000, backoffMs: 10, maxBackoffMs: 20 }';
const STREAMS = ['one', 'two', 'three'];

await t.test('any node is killed a thousand times, at any moment, and nothing stays behind', async (t) => {
  const killer = new Killer();
  const frail = new FrailNodes();
  const kinds = [nodes.tone, nodes.delay, nodes.gain, nodes.mixer, nodes.resampler, nodes.opusEncoder, nodes.nullNode];
  const lab = new Lab([...frail.defs, ...kinds.map((def) => killer.killable(def as NodeDef))]);
  const clock = new VirtualClock();
  const session = new FakeSession();
  const plan = lab.plan(`sessions: { room: { sessionId: demo } }
nodes:
  v: { type: voices }
  y: { type: k-delay, ms: 40, from: v, ${RESTART} }
  a: { type: k-tone, ${RESTART} }
  b: { type: k-delay, ms: 60, from: a, ${RESTART} }
  g: { type: k-gain, from: b, ${RESTART} }
  m: { type: k-mixer, from: [g, y], ${RESTART} }
  r: { type: k-resampler, from: m, sampleRate: 16000, ${RESTART} }
  e: { type: k-opus-encoder, from: m, ${RESTART} }
  n: { type: k-null, from: r, ${RESTART} }
  o: { type: k-null, from: e, ${RESTART} }
  ticks: { type: ticks }
  kept: { type: frail-sink, from: ticks, queue: { maxMs: 1000 } }`);
  const pass = async (steps: number, atEach: () => void): Promise<void> => {
    for (let i = 0; i < steps; i++) {
      atEach();
      clock.advance(20);
      await settle(4);
    }
  };
  const round = async (kills: number): Promise<void> => {
    const run = runGraph(plan, { sessions: factoryOf(session), clock });
    run.finished.catch((error: unknown) => t.fail(String(error)));
    for (const stream of STREAMS) session.come(stream);
    await settle();
    await pass(kills, () => {
      killer.kill();
    });
    const stopped = run.stop();
    await pass(400, () => undefined);
    const report = await stopped;
    for (const stream of STREAMS) session.go(stream);
    t.equal(report.outcome, 'stopped', `after ${kills}`);
    const restarts = Object.values(report.nodes).reduce((sum, node) => sum + node.restarts, 0);
    t.ok(restarts > kills * 0.6, `${restarts} restarts`);
    for (const { name, chunks, taken, dropped, held } of report.links)
      t.same([taken + dropped, held], [chunks, 0], `${name}: all ${chunks} are delivered or counted`);
    const kept = frail.taken.get('kept') ?? [];
    frail.taken.delete('kept');
    t.ok(kept.length > kills * 0.9, `${kept.length} values where nobody was killed`);
    t.same(kept, range(kept[0] ?? 0, (kept[0] ?? 0) + kept.length), 'and none is missing');
    t.equal(killer.streams.size + frail.open, 0, 'no stream is open');
    killer.refuse = 0;
  };
  await round(100);
  const before = { heap: await heapUsed(), resources: resources() };
  await round(1000);
  t.equal(resources(), before.resources, 'no handle, no timer, no request');
  const grown = (await heapUsed()) - before.heap;
  t.ok(grown < 4_000_000, `${Math.round(grown / 1000)} kB more in use`);
});

await t.test('fifty branches a second come and go for a minute', async (t) => {
  const frail = new FrailGraph();
  const run = await frail.run(`sessions: { room: { sessionId: demo } }
nodes:
  v: { type: voices }
  x: { type: frail, from: v, onError: restart }
  j: { type: frail-join, from: x }
  s: { type: frail-sink, from: j }`);
  const pass = async (from: number, to: number): Promise<void> => {
    for (let i = from; i < to; i++) {
      frail.session.come(`b${i}`);
      if (i >= 5) frail.session.go(`b${i - 5}`);
      await frail.pass(20);
      await frail.until(() => run.report().branches.ended >= i - 5);
      // What the test itself keeps is not to be measured.
      frail.nodes.made.clear();
      for (const taken of frail.nodes.taken.values()) taken.length = 0;
      frail.lab.events.length = 0;
    }
  };
  await pass(0, 250);
  const before = { heap: await heapUsed(), resources: resources(), open: frail.nodes.open };
  await pass(250, 3250);
  t.match(run.report().branches, { begun: 3250, failed: 0 });
  t.ok(frail.nodes.open <= before.open + 5, `${frail.nodes.open} streams are open, ${before.open} at the beginning`);
  t.equal(resources(), before.resources);
  const grown = (await heapUsed()) - before.heap;
  t.ok(grown < 3_000_000, `${Math.round(grown / 1000)} kB more in use`);
  t.match(await run.stop(), { outcome: 'stopped', drained: true });
  t.equal(frail.nodes.open, 0);
});
