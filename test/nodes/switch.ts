import { Readable, type Writable } from 'node:stream';
import t from 'tap';
import { audioData, type AudioData } from '../../src/media/audio-data.js';
import type { EncodedVideoChunk } from '../../src/media/encoded-chunk.js';
import type { MediaValue } from '../../src/media/media-value.js';
import { parseOptions, type NodePorts } from '../../src/media/node.js';
import { switchNode } from '../../src/nodes/switch.js';
import { collect, concat, levelAt, settle, testContext, type TestContext } from './node-lab.js';

type Ports = Required<NodePorts>;

async function make(options: object, context: TestContext = testContext()): Promise<Ports> {
  return (await switchNode.create(parseOptions(switchNode, { media: 'audio', ...options }), context)) as Ports;
}

const options = (input: string): unknown => parseOptions(switchNode, { media: 'audio', input });

/** 20 ms of a tone at 8 kHz. */
function tone(frequency: number, index: number, startUs = 0): AudioData {
  const data = Int16Array.from({ length: 160 }, (_, i) =>
    Math.round(3277 * Math.sin((2 * Math.PI * frequency * (index * 160 + i)) / 8000)),
  );
  return audioData(data, 8000, 1, startUs + index * 20_000);
}

function picture(index: number, type: 'key' | 'delta', startUs = 0): EncodedVideoChunk {
  const data = Uint8Array.of(index);
  return { kind: 'encoded-video', codec: 'vp8', type, data, timestamp: startUs + index * 40_000, duration: 40_000 };
}

function isMonotonic(values: readonly MediaValue[]): boolean {
  return values.every((value, i) => i === 0 || value.timestamp > (values[i - 1]?.timestamp ?? 0));
}

await t.test('switch: one of several live inputs is heard, and another one when it is told', async (t) => {
  const context = testContext();
  const ports = await make({ input: 'low' }, context);
  const got: AudioData[] = [];
  ports.output('out').on('data', (value: AudioData) => got.push(value));
  // Clocks that have nothing to do with each other.
  const low = ports.input('in', { from: 'low.out', flow: 'push' });
  const high = ports.input('in', { from: 'high.out', flow: 'push' });
  ports.seal('in');
  const talk = async (from: number, to: number): Promise<void> => {
    for (let i = from; i < to; i++) {
      low.write(tone(400, i, 5_000_000));
      high.write(tone(900, i));
      await settle(2);
    }
  };
  const levels = (values: readonly AudioData[]): number[] =>
    [400, 900].map((frequency) => Math.round(levelAt(concat(values), 8000, frequency)));
  await talk(0, 20);
  t.same([levels(got)[0], (levels(got)[1] ?? 0) < -60], [-20, true]);
  ports.update(options('high'));
  await talk(20, 40);
  t.same([(levels(got.slice(21))[0] ?? 0) < -60, levels(got.slice(21))[1]], [true, -20]);
  ports.update(options('low.out'));
  await talk(40, 60);
  t.equal(levels(got.slice(41))[0], -20, 'and back');
  t.equal(got.length, 60, 'without a gap');
  t.ok(isMonotonic(got), 'timestamps never go back');
  t.equal(context.drops.get('not let through'), 60, 'the rest is counted');
  low.end();
  high.end();
  await settle();
});

await t.test('switch: inputs of one media clock stay on it, however often it changes', async (t) => {
  const ports = await make({ input: 'a' });
  const got: number[] = [];
  ports.output('out').on('data', ({ timestamp }: AudioData) => got.push(timestamp / 20_000));
  const inputs = ['a', 'b'].map((name) => ports.input('in', { from: `${name}.out`, flow: 'push' }));
  for (let i = 0; i < 100; i++) {
    for (const input of inputs) input.write(tone(400, i));
    await settle(2);
    if (i % 5 === 0) ports.update(options(i % 2 === 0 ? 'b' : 'a'));
  }
  t.same(
    got,
    Array.from({ length: 100 }, (_, i) => i),
    'each moment once',
  );
});

await t.test('switch: encoded pictures change at a key frame, which is asked for', async (t) => {
  const context = testContext();
  const ports = await make({ media: 'encoded-video', input: 'a' }, context);
  const got: EncodedVideoChunk[] = [];
  const output = ports.output('out') as Readable & { requestKeyFrame(): void };
  output.on('data', (value: EncodedVideoChunk) => got.push(value));
  const asked = { a: 0, b: 0 };
  const [a, b] = (['a', 'b'] as const).map((name) => {
    const source = Object.assign(new Readable({ objectMode: true, read: () => undefined }), {
      requestKeyFrame: () => asked[name]++,
    });
    source.pipe(ports.input('in', { from: `${name}.video`, flow: 'push' }));
    return source;
  });
  const push = async (source: Readable | undefined, values: readonly MediaValue[]): Promise<void> => {
    for (const value of values) source?.push(value);
    await settle();
  };
  await push(a, [picture(0, 'key'), picture(1, 'delta')]);
  await push(b, [picture(100, 'key'), picture(101, 'delta')]);
  const before = asked.b;
  ports.update(parseOptions(switchNode, { media: 'encoded-video', input: 'b' }));
  t.equal(asked.b, before + 1, 'asked for when it is switched');
  await push(b, [picture(102, 'delta')]);
  await push(a, [picture(2, 'delta')]);
  output.requestKeyFrame();
  t.equal(asked.b, before + 2, 'a reader that needs one asks what comes');
  await push(b, [picture(103, 'key'), picture(104, 'delta')]);
  await push(a, [picture(3, 'delta')]);
  t.same(
    got.map(({ data }) => data[0]),
    [0, 1, 2, 103, 104],
    'the one before goes on until then',
  );
  t.ok(isMonotonic(got));
  t.equal(context.drops.get('waiting for a key frame'), 1);
});

await t.test('switch: files are kept in step: another one goes on where the first has come to', async (t) => {
  const context = testContext();
  const ports = await make({ input: 'a' }, context);
  const inputs = ['a', 'b'].map((name) => ports.input('in', { from: `${name}.out` }));
  ports.seal('in');
  for (const [index, input] of inputs.entries()) {
    Readable.from(
      Array.from({ length: 100 }, (_, i) => audioData(new Int16Array(160).fill(1000 * index + i), 8000, 1, i * 20_000)),
    ).pipe(input);
  }
  const got: number[] = [];
  for await (const value of ports.output('out') as AsyncIterable<AudioData>) {
    got.push(value.data[0] ?? NaN);
    if (got.length === 30) ports.update(options('b'));
  }
  const first = got.findIndex((value) => value >= 1000);
  t.ok(first >= 30 && first < 40, `switched at ${first}`);
  t.same(
    got.map((value) => value % 1000),
    Array.from({ length: 100 }, (_, i) => i),
    'each moment once',
  );
  t.ok(got.slice(first).every((value) => value >= 1000));
  t.equal(context.drops.get('not let through'), 100, 'the other of each is counted');
});

await t.test('switch: when an input ends another is let through, and with the last it ends', async (t) => {
  const ports = await make({ input: 'b' });
  const got = collect<AudioData>(ports.output('out'));
  const [a, b] = ['a', 'b'].map((name) => ports.input('in', { from: `${name}.out`, flow: 'push' }));
  const say = async (input: Writable | undefined, index: number): Promise<void> => {
    input?.write(audioData(new Int16Array(160).fill(index), 8000, 1, index * 20_000));
    await settle(3);
  };
  await say(a, 1);
  await say(b, 2);
  b?.end();
  await settle();
  await say(a, 3);
  a?.end();
  await settle();
  ports.seal('in');
  t.same(
    (await got).map(({ data }) => data[0]),
    [2, 3],
  );
});
