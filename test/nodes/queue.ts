import { Readable, Writable, type Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import t from 'tap';
import { audioData, type AudioData } from '../../src/media/audio-data.js';
import type { EncodedVideoChunk } from '../../src/media/encoded-chunk.js';
import type { KeyFrameSource } from '../../src/media/key-frame-source.js';
import type { MediaValue } from '../../src/media/media-value.js';
import { parseOptions, type NodePorts } from '../../src/media/node.js';
import { queue } from '../../src/nodes/queue.js';
import { tee } from '../../src/nodes/tee.js';
import { collect, settle, testContext, writeAll, type TestContext } from './node-lab.js';

const sound = (index: number): AudioData => audioData(new Int16Array(960).fill(index), 48_000, 1, index * 20_000);
const sounds = (count: number): AudioData[] => Array.from({ length: count }, (_, index) => sound(index));
const numbers = (values: readonly MediaValue[]): number[] => values.map(({ timestamp }) => timestamp / 20_000);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const picture = (index: number, type: 'key' | 'delta'): EncodedVideoChunk => ({
  kind: 'encoded-video',
  codec: 'vp8',
  type,
  data: Uint8Array.of(index),
  timestamp: index * 20_000,
  duration: 20_000,
});

async function makeQueue(options: object, context: TestContext = testContext()): Promise<Duplex> {
  const stream = (await queue.create(parseOptions(queue, options), context)) as Duplex;
  return stream.on('error', () => undefined);
}

async function makeTee(options: object, context: TestContext = testContext()): Promise<Required<NodePorts>> {
  return (await tee.create(parseOptions(tee, options), context)) as Required<NodePorts>;
}

type KeyFrameReadable = Readable & KeyFrameSource;

/** A reader that takes a value whenever it is told to. */
class Slow extends Writable {
  readonly got: MediaValue[] = [];
  #done: (() => void) | undefined;

  constructor() {
    super({ objectMode: true, highWaterMark: 1 });
  }

  override _write(value: MediaValue, _encoding: BufferEncoding, done: () => void): void {
    this.got.push(value);
    this.#done = done;
  }

  async takeAll(): Promise<void> {
    for (let done = this.#done; done; done = this.#done) {
      this.#done = undefined;
      done();
      await settle(3);
    }
  }
}

await t.test('queue: a full one drops the oldest, the newest, fails, or holds back, as it is told', async (t) => {
  for (const [overflow, kept] of [
    ['drop-oldest', [15, 16, 17, 18, 19]],
    ['drop-newest', [2, 3, 4, 5, 6]],
  ] as const) {
    const context = testContext();
    const stream = await makeQueue({ maxMs: 100, overflow }, context);
    const reader = new Slow();
    stream.pipe(reader);
    for (const value of sounds(20)) {
      stream.write(value);
      await settle(2);
    }
    stream.end();
    await reader.takeAll();
    const got = numbers(reader.got);
    t.same(got.slice(-5), kept, `${overflow}: 100 ms wait`);
    const reason = overflow === 'drop-oldest' ? 'queue full, oldest' : 'queue full, newest';
    t.same(Object.fromEntries(context.drops), { [reason]: 20 - got.length }, 'the rest is counted');
    t.ok(reader.writableFinished, 'it ends when all is out');
  }
  const failing = await makeQueue({ maxMs: 100, overflow: 'fail' });
  for (const value of sounds(20)) failing.write(value);
  await settle();
  t.match(failing.errored, { code: 'SLUICE_QUEUE_OVERFLOW', expected: 'at most 100 ms' });
});

await t.test('queue: one that blocks holds back who gives, and loses nothing', async (t) => {
  const context = testContext();
  const stream = await makeQueue({ maxMs: 100, overflow: 'block' }, context);
  const source = Readable.from(sounds(50));
  source.pipe(stream);
  await settle(50);
  t.ok(source.readableLength > 0 || !source.readableEnded, 'the source waits');
  t.same(numbers(await collect(stream)), upTo(50));
  t.equal(context.drops.size, 0);
});

await t.test('queue: asks its source for a key frame when pictures got lost, and passes requests on', async (t) => {
  const stream = await makeQueue({ maxMs: 100 });
  let asked = 0;
  const source = Object.assign(new Readable({ objectMode: true, read: () => undefined }), {
    requestKeyFrame: () => asked++,
  });
  source.pipe(stream);
  const values: MediaValue[] = [
    picture(0, 'key'),
    ...upTo(12)
      .slice(1)
      .map((i) => picture(i, 'delta')),
  ];
  for (const value of values) source.push(value);
  await settle();
  t.ok(asked > 0, 'asked by itself');
  const before = asked;
  (stream as Duplex & { requestKeyFrame(): void }).requestKeyFrame();
  t.equal(asked, before + 1, 'asked for its reader');
  source.push(picture(12, 'key'));
  source.push(null);
  const got = numbers(await collect(stream));
  t.equal(got.at(-1), 12);
  t.ok(
    got.every((number, i) => number === 12 || number === i),
    'nothing that cannot be decoded',
  );
});

await t.test('tee: each reader gets everything, the same values', async (t) => {
  const ports = await makeTee({});
  const outputs = [ports.output('out'), ports.output('out'), ports.output('out')];
  const got = Promise.all(outputs.map((output) => collect<AudioData>(output)));
  const values = sounds(100);
  await writeAll(ports.input('in'), values);
  for (const one of await got) t.ok(one.length === 100 && one.every((value, i) => value === values[i]));
});

await t.test('tee: a reader that is slow for a while holds nobody up', async (t) => {
  const context = testContext();
  const ports = await makeTee({ maxMs: 400 }, context);
  const [fast, slow] = [collect<AudioData>(ports.output('out')), new Slow()];
  ports.output('out').pipe(slow);
  const input = ports.input('in');
  for (const value of sounds(15)) input.write(value);
  await settle(30);
  t.equal(input.writableLength, 0, 'all 300 ms were taken in');
  t.equal(slow.got.length, 1);
  for (const value of sounds(60).slice(15)) input.write(value);
  await settle(30);
  t.ok(input.writableLength > 0, 'when its queue is full all wait');
  input.end();
  await slow.takeAll();
  t.same(numbers(await fast), upTo(60));
  t.same(numbers(slow.got), upTo(60), 'nothing is lost');
  t.equal(context.drops.size, 0);
});

await t.test('tee: where it may drop, only the slow reader loses, and it is counted', async (t) => {
  const context = testContext();
  const ports = await makeTee({ maxMs: 100, overflow: 'drop-oldest' }, context);
  const [fast, slow] = [collect<AudioData>(ports.output('out')), new Slow()];
  ports.output('out').pipe(slow);
  const input = ports.input('in');
  for (const value of sounds(40)) {
    input.write(value);
    await settle(2);
  }
  input.end();
  await slow.takeAll();
  t.same(numbers(await fast), upTo(40));
  t.same(numbers(slow.got).slice(-5), [35, 36, 37, 38, 39]);
  t.same(Object.fromEntries(context.drops), { 'queue full, oldest': 40 - slow.got.length });
});

await t.test('tee: a key frame that one of its readers needs is asked of its source', async (t) => {
  const ports = await makeTee({ maxMs: 100, overflow: 'drop-oldest' });
  let asked = 0;
  const source = Object.assign(new Readable({ objectMode: true, read: () => undefined }), {
    requestKeyFrame: () => asked++,
  });
  source.pipe(ports.input('in'));
  const [fast, slow] = [ports.output('out') as KeyFrameReadable, ports.output('out')];
  const got = collect<EncodedVideoChunk>(fast);
  fast.requestKeyFrame();
  t.equal(asked, 1, 'for one that asks');
  for (const index of upTo(12)) {
    source.push(picture(index, index === 0 ? 'key' : 'delta'));
    await settle(2);
  }
  t.ok(asked > 1, 'for one that has lost pictures');
  source.push(picture(12, 'key'));
  source.push(null);
  t.equal(numbers(await collect(slow)).at(-1), 12, 'which goes on with it');
  t.same(numbers(await got), upTo(13));
});

await t.test('tee: a source that fails ends each of its readers with the same error', async (t) => {
  const ports = await makeTee({});
  const outputs = [ports.output('out'), ports.output('out')];
  const ended = outputs.map((output) => output.toArray());
  const cause = new Error('unplugged');
  ports.input('in').on('error', () => undefined);
  ports.input('in').destroy(cause);
  for (const end of ended) await t.rejects(end, cause);
});

await t.test('tee: a reader that goes does not stop the others', async (t) => {
  const context = testContext();
  const ports = await makeTee({ maxMs: 100 }, context);
  const [stays, goes] = [ports.output('out'), ports.output('out')];
  const got = collect<AudioData>(stays);
  const written = pipeline(Readable.from(sounds(50)), ports.input('in'));
  await settle(20);
  goes.destroy();
  await written;
  t.same(numbers(await got), upTo(50));
  t.ok((context.drops.get('reader gone') ?? 0) >= 5, 'what waited for it is counted');
});
