import type { Readable } from 'node:stream';
import * as fc from 'fast-check';
import t from 'tap';
import { audioData, type AudioData } from '../../src/media/audio-data.js';
import { VirtualClock } from '../../src/media/clock.js';
import { parseOptions, type NodePorts } from '../../src/media/node.js';
import { mixer } from '../../src/nodes/mixer.js';
import { collect, settle, testContext, writeAll, type TestContext } from './node-lab.js';

const FRAMES = 160;
const chunk = (value: number, frames = FRAMES): AudioData => audioData(new Int16Array(frames).fill(value), 8000, 1, 0);
const make = async (options: object, context: TestContext = testContext()): Promise<Required<NodePorts>> =>
  (await mixer.create(parseOptions(mixer, { sampleRate: 8000, ...options }), context)) as Required<NodePorts>;

await t.test('mixer: adds up all inputs until the last has ended', async (t) => {
  const ports = await make({ live: false });
  const inputs = [ports.input('in'), ports.input('in')];
  const output = collect<AudioData>(ports.output('out'));
  const writes = [writeAll(inputs[0], [chunk(100), chunk(200), chunk(300)]), writeAll(inputs[1], [chunk(5)])];
  ports.seal('in');
  const mixed = await output;
  await Promise.all(writes);
  t.same(
    mixed.map((value) => [value.timestamp, value.data[0], value.data[FRAMES - 1]]),
    [
      [0, 105, 105],
      [20_000, 200, 200],
      [40_000, 300, 300],
    ],
  );
  t.match(mixed[0], { sampleRate: 8000, numberOfChannels: 1, numberOfFrames: FRAMES });
});

await t.test('mixer: what is too loud is turned down for as long as it is, and nothing else is changed', async (t) => {
  const ports = await make({ live: false });
  const loud = [20_000, 20_000, 20_000].map((value) =>
    writeAll(ports.input('in'), [chunk(1000), chunk(value), chunk(-value), chunk(1000)]),
  );
  ports.seal('in');
  const values = await collect<AudioData>(ports.output('out'));
  await Promise.all(loud);
  const levels = values.map(({ data }) => data[data.length - 1] ?? 0);
  t.strictSame(levels.slice(0, 3), [3000, 32_767, -32_767]);
  t.ok(levels[3]! > 1500 && levels[3]! < 3000, `${levels[3]} of 3000 right after it`);
});

await t.test('mixer: chunks of any length come out as the same samples', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 20 }), async (lengths) => {
      const ports = await make({ live: false, queueMs: 40 });
      let next = 0;
      const input = lengths.map((frames) =>
        audioData(
          Int16Array.from({ length: frames }, () => next++),
          8000,
          1,
          0,
        ),
      );
      const written = writeAll(ports.input('in'), input);
      ports.seal('in');
      const output = await collect<AudioData>(ports.output('out'));
      await written;
      const samples = output.flatMap((value) => [...value.data]);
      return (
        samples.length === Math.ceil(next / FRAMES) * FRAMES &&
        samples.every((sample, index) => sample === (index < next ? index : 0))
      );
    }),
    { numRuns: 40 },
  );
  t.pass('for any lengths');
});

await t.test('mixer: live, 20 ms every 20 ms', async (t) => {
  const clock = new VirtualClock();
  const context = testContext({ clock });
  const ports = await make({}, context);
  const got: (number | undefined)[] = [];
  const output: Readable = ports.output('out');
  output.on('data', (value: AudioData) => got.push(value.data[0]));
  const tick = async (): Promise<void> => {
    await settle(3);
    clock.advance(20);
    await settle(3);
  };
  await tick();
  t.same(got, [0, 0], 'silence while nobody gives anything');
  const early = ports.input('in');
  early.write(chunk(10));
  early.write(chunk(11));
  await tick();
  const late = ports.input('in');
  late.write(chunk(100));
  await tick();
  await tick();
  t.same(got, [0, 0, 10, 111, 0], 'who joins is heard at the next tick, who is late is silent');
  ports.seal('in');
  early.destroy();
  late.write(chunk(7));
  late.end();
  await tick();
  await tick();
  t.same(got.slice(5), [7], 'what was written before the end is heard');
  t.ok(output.readableEnded, 'then it ends');
});

await t.test('mixer: holds back who gives too much', async (t) => {
  const ports = await make({ live: false, queueMs: 40 });
  const input = ports.input('in');
  let taken = 0;
  for (let index = 0; index < 10; index++) input.write(chunk(index), () => taken++);
  await settle();
  t.equal(taken, 1, 'one is in, the second fills 40 ms and waits there');
  t.ok(input.writableNeedDrain);
  input.destroy();
});

await t.test('mixer: refuses another format', async (t) => {
  const ports = await make({ live: false });
  await t.rejects(writeAll(ports.input('in'), [audioData(new Int16Array(960), 48_000, 1, 0)]), {
    code: 'SLUICE_FORMAT_MISMATCH',
    mend: /resampler/,
  });
});
