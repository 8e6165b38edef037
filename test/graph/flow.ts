import { Readable, Writable } from 'node:stream';
import t, { type Test } from 'tap';
import { z } from 'zod';
import { Pump } from '../../src/graph/link.js';
import { LinkCount } from '../../src/graph/link-count.js';
import { LinkTarget } from '../../src/graph/link-target.js';
import { runGraph } from '../../src/graph/run.js';
import type { QueueConfig } from '../../src/graph/schema.js';
import { audioData } from '../../src/media/audio-data.js';
import { VirtualClock } from '../../src/media/clock.js';
import type { EncodedVideoChunk } from '../../src/media/encoded-chunk.js';
import type { StreamValue } from '../../src/media/media-value.js';
import { defineNode } from '../../src/media/node.js';
import type { VideoFrame } from '../../src/media/video-frame.js';
import { Lab, noSessions, settle } from './lab.js';

/** Some values for a reader that takes one when it is told to; pushed from outside, as live media. */
class Line {
  readonly clock = new VirtualClock();
  readonly count = new LinkCount();
  readonly got: StreamValue[] = [];
  readonly keyFrames: number[] = [];
  readonly source: Readable & { requestKeyFrame?: () => void };
  readonly reader: Writable;
  #done: (() => void) | undefined;
  #pushed = 0;

  constructor(queue?: QueueConfig) {
    this.source = new Readable({ objectMode: true, highWaterMark: 1000, read: () => undefined });
    this.source.requestKeyFrame = () => this.keyFrames.push(this.#pushed);
    this.reader = new Writable({
      objectMode: true,
      highWaterMark: 1,
      write: (value: StreamValue, _encoding, done) => {
        this.got.push(value);
        this.#done = done;
      },
    });
    this.reader.on('error', () => undefined);
    const target = new LinkTarget({
      name: 'a -> b',
      formats: [],
      flow: 'push',
      count: this.count,
      clock: this.clock,
      queue,
    });
    target.connect(this.reader);
    this.reader.once('close', () => {
      target.abandon();
    });
    new Pump([target], () => undefined).connect(this.source);
  }

  async push(...values: StreamValue[]): Promise<void> {
    for (const value of values) {
      this.#pushed++;
      this.source.push(value);
      await settle(3);
    }
  }

  /** Lets the reader be done with `n` more. */
  async take(n = 1): Promise<void> {
    for (let i = 0; i < n; i++) {
      const done = this.#done;
      this.#done = undefined;
      done?.();
      await settle(3);
    }
  }

  async takeAll(): Promise<void> {
    while (this.#done) await this.take();
  }

  /** What is known of it, against what the reader saw. */
  check(t: Test): void {
    const { chunks, taken, dropped, held } = this.count;
    t.equal(chunks, this.#pushed, 'all that came is counted');
    t.equal(taken + dropped + held, chunks);
    t.ok(this.got.length - taken <= 1, 'taken is what the reader was done with');
  }
}

function sound(index: number): StreamValue {
  return audioData(new Int16Array(960).fill(index), 48_000, 1, index * 20_000);
}

function sounds(from: number, to: number): StreamValue[] {
  return Array.from({ length: to - from }, (_, i) => sound(from + i));
}

function raw(timestamp: number): VideoFrame {
  return { kind: 'video', data: new Uint8Array(6), width: 2, height: 2, format: 'YUV420P', timestamp };
}

function picture(index: number, type: 'key' | 'delta' = 'delta'): EncodedVideoChunk {
  const data = Uint8Array.of(index);
  return { kind: 'encoded-video', codec: 'vp8', type, data, timestamp: index * 40_000, duration: 40_000 };
}

const numberOf = (value: StreamValue): number =>
  value.kind === 'captions' ? NaN : Math.round(value.timestamp / (value.kind === 'audio' ? 20_000 : 40_000));
const numbers = (values: readonly StreamValue[]): number[] => values.map(numberOf);

await t.test('a queue that drops the oldest gives its reader the newest, and no more than its limit', async (t) => {
  const line = new Line({ maxMs: 100, overflow: 'drop-oldest' });
  await line.push(...sounds(0, 20));
  t.equal(line.count.heldMs, 120, '100 ms in the queue, 20 before the reader');
  line.check(t);
  await line.takeAll();
  t.same(numbers(line.got), [0, 15, 16, 17, 18, 19]);
  t.same(Object.fromEntries(line.count.drops), { 'queue full, oldest': 14 });
  line.check(t);
});

await t.test('a queue that drops the newest gives what came first', async (t) => {
  const line = new Line({ maxMs: 100, overflow: 'drop-newest' });
  await line.push(...sounds(0, 20));
  await line.takeAll();
  await line.push(sound(20));
  await line.takeAll();
  t.same(numbers(line.got), [0, 1, 2, 3, 4, 5, 20]);
  t.same(Object.fromEntries(line.count.drops), { 'queue full, newest': 14 });
  line.check(t);
});

await t.test('a queue that blocks holds its source back, and loses nothing', async (t) => {
  const line = new Line({ maxMs: 100, overflow: 'block' });
  await line.push(...sounds(0, 50));
  t.equal(line.source.isPaused(), true);
  t.ok(line.count.heldMs <= 140, `${line.count.heldMs} ms wait`);
  await line.takeAll();
  t.same(
    numbers(line.got),
    Array.from({ length: 50 }, (_, i) => i),
  );
  t.equal(line.count.dropped, 0);
});

await t.test('a queue that fails ends its reader with an error that says how to mend it', async (t) => {
  const line = new Line({ maxMs: 100, overflow: 'fail' });
  await line.push(...sounds(0, 8));
  t.match(line.reader.errored, {
    code: 'SLUICE_QUEUE_OVERFLOW',
    found: '120 ms',
    expected: 'at most 100 ms',
    mend: /queue\.overflow/,
  });
  await settle();
  t.equal(line.count.taken + line.count.dropped + line.count.held, 8, 'what waited is counted');
});

await t.test('of encoded pictures whole groups are dropped, and nothing follows that cannot be decoded', async (t) => {
  await t.test('up to the next key frame in the queue', async (t) => {
    const line = new Line({ maxMs: 200, overflow: 'drop-oldest' });
    await line.push(picture(0, 'key'));
    for (let i = 1; i < 8; i++) await line.push(picture(i, i === 4 ? 'key' : 'delta'));
    await line.takeAll();
    t.same(numbers(line.got), [0, 4, 5, 6, 7]);
    t.same(line.keyFrames, []);
  });
  await t.test('or until one comes that is asked for', async (t) => {
    const line = new Line({ maxMs: 200, overflow: 'drop-oldest' });
    await line.push(picture(0, 'key'));
    for (let i = 1; i < 10; i++) await line.push(picture(i));
    t.equal(line.keyFrames[0], 7, 'when the first had to go');
    await line.push(picture(10, 'key'), picture(11));
    await line.takeAll();
    t.same(numbers(line.got), [0, 10, 11]);
    t.same(Object.fromEntries(line.count.drops), { 'queue full, oldest': 5, 'waiting for a key frame': 4 });
    line.check(t);
  });
  await t.test('also where the newest goes', async (t) => {
    const line = new Line({ maxMs: 120, overflow: 'drop-newest' });
    await line.push(picture(0, 'key'));
    for (let i = 1; i < 6; i++) await line.push(picture(i));
    await line.takeAll();
    await line.push(picture(6), picture(7, 'key'), picture(8));
    await line.takeAll();
    t.same(numbers(line.got), [0, 1, 2, 3, 7, 8]);
    line.check(t);
  });
});

await t.test('pictures without a duration are bounded by the distance of their time stamps', async (t) => {
  const line = new Line({ maxMs: 200, overflow: 'drop-oldest' });
  for (let i = 0; i < 30; i++) await line.push(raw(i * 40_000));
  // A pause of the source is no media that waits.
  await line.push(raw(60_000_000));
  await line.takeAll();
  t.same(numbers(line.got), [0, 26, 27, 28, 29, 1500]);
});

await t.test('captions are bounded by number', async (t) => {
  const line = new Line({ maxMs: 10, overflow: 'drop-oldest' });
  for (let i = 0; i < 5000; i++) line.source.push({ kind: 'captions', text: String(i), isFinal: true });
  for (let i = 0; i < 5000 && line.count.chunks < 5000; i++) await settle(1);
  t.equal(line.count.held, 4097);
});

await t.test('how long media waited is measured by the clock', async (t) => {
  const line = new Line({ maxMs: 1000, overflow: 'drop-oldest' });
  await line.push(sound(0), sound(1));
  line.clock.advance(70);
  await line.push(sound(2));
  line.clock.advance(30);
  await line.takeAll();
  t.equal(line.count.queued, 3);
  t.equal(line.count.longestUs, 100_000);
  t.equal(line.count.queuedUs, 130_000);
});

await t.test('what waits still goes out when the source ends', async (t) => {
  const line = new Line({ maxMs: 1000, overflow: 'drop-oldest' });
  await line.push(...sounds(0, 10));
  line.source.push(null);
  await settle();
  t.equal(line.reader.writableEnded, false);
  await line.takeAll();
  t.same(numbers(line.got), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  t.equal(line.reader.writableFinished, true);
});

await t.test('what waits for a reader that goes is counted', async (t) => {
  const line = new Line({ maxMs: 1000, overflow: 'drop-oldest' });
  await line.push(...sounds(0, 10));
  line.reader.destroy();
  await line.push(...sounds(10, 12));
  const { taken, dropped, held } = line.count;
  t.same([taken, dropped, held], [0, 12, 0]);
});

await t.test('a change of format is told, and counted', async (t) => {
  const line = new Line();
  await line.push(sound(0), sound(1));
  await line.take(2);
  await line.push(audioData(new Int16Array(320), 16_000, 1, 40_000), sound(3));
  await line.take(2);
  t.same(line.count.formats, ['audio 48000 Hz 1 ch', 'audio 16000 Hz 1 ch']);
  t.equal(line.count.formatChanges, 2);
});

await t.test('a slow reader of live media in a graph gets the newest, and its neighbour everything', async (t) => {
  const clock = new VirtualClock();
  const live = defineNode({
    type: 'ticks',
    summary: '',
    options: z.strictObject({}),
    inputs: [],
    outputs: [{ name: 'out', formats: [{ kind: 'audio', sampleRate: 48_000, numberOfChannels: 1 }] }],
    latency: { live: true, minMs: 0, maxMs: 0 },
    example: '',
    create: () => {
      let next = 0;
      const source = new Readable({ objectMode: true, highWaterMark: 1000, read: () => undefined });
      const tick = (): void => {
        source.push(next < 40 ? sound(next++) : null);
        if (next < 40 || !source.readableEnded) clock.after(20, tick);
      };
      clock.after(20, tick);
      return source;
    },
  });
  const lab = new Lab([live]);
  const plan = lab.plan(`nodes:
  a: { type: ticks }
  slow: { type: sink, from: a, gate: true, queue: { maxMs: 200 } }
  all: { type: sink, from: a }`);
  const run = runGraph(plan, { sessions: noSessions, clock });
  for (let i = 0; i < 60; i++) {
    clock.advance(20);
    await settle();
  }
  t.equal(lab.got.get('all')?.length, 40, 'nobody else loses any');
  const taken = [...(lab.got.get('slow') ?? [])];
  t.same(taken, [0]);
  while (!lab.events.includes('slow closed')) {
    lab.gates.get('slow')?.();
    await settle(2);
  }
  const { links } = await run.finished;
  t.same(lab.got.get('slow'), [0, 1, 2, 3, ...Array.from({ length: 10 }, (_, i) => 30 + i)]);
  t.match(links, [
    { name: 'a.out -> slow.in', chunks: 40, taken: 14, drops: { 'queue full, oldest': 26 }, held: 0 },
    { name: 'a.out -> all.in', chunks: 40, taken: 40, dropped: 0 },
  ]);
});

await t.test('links inside functions that run as one stream are measured as all others', async (t) => {
  const lab = new Lab();
  const plan = lab.plan(`nodes:
  a: { type: count, n: 5 }
  one: { type: add, from: a }
  two: { type: add, from: one }
  b: { type: sink, from: two }`);
  t.same(plan.fused, [['one', 'two']]);
  const { links } = await runGraph(plan, { sessions: noSessions }).finished;
  const same = { chunks: 5, mediaMs: 100, taken: 5, held: 0, formats: ['audio 48000 Hz 1 ch'], formatChanges: 0 };
  t.match(links, [same, same, same]);
});

await t.test('pictures count for as long as they are shown, the first of them too', async (t) => {
  const lab = new Lab();
  const plan = lab.plan(`nodes:
  a: { type: test-pattern, width: 320, height: 240, fps: 25, durationMs: 200, live: false }
  half: { type: scaler, width: 160, height: 120, from: a }
  less: { type: scaler, width: 80, height: 60, from: half }
  b: { type: 'null', from: less }`);
  const { links } = await runGraph(plan, { sessions: noSessions }).finished;
  t.match(
    links.map(({ chunks, mediaMs }) => ({ chunks, mediaMs })),
    Array.from({ length: 3 }, () => ({ chunks: 5, mediaMs: 200 })),
  );
});
