import { Readable, type Duplex } from 'node:stream';
import * as fc from 'fast-check';
import t from 'tap';
import { audioData, type AudioData } from '../../src/media/audio-data.js';
import { parseOptions } from '../../src/media/node.js';
import { delay } from '../../src/nodes/delay.js';
import { collect, settle, testContext } from './node-lab.js';

const chunk = (index: number): AudioData => audioData(Int16Array.of(index), 48_000, 1, index * 20_000);
const make = async (ms: number): Promise<Duplex> =>
  (await delay.create(parseOptions(delay, { ms }), testContext())) as Duplex;

await t.test('delay: comes out when its time has come in', async (t) => {
  const stream = await make(50);
  const out: number[][] = [];
  stream.on('data', (value: AudioData) => out.push([value.data[0] ?? NaN, value.timestamp]));
  for (let index = 0; index < 3; index++) stream.write(chunk(index));
  await settle();
  t.same(out, [], 'nothing before 50 ms have come in');
  stream.write(chunk(3));
  await settle();
  t.same(out, [[0, 50_000]], 'then the first, 50 ms later');
  stream.end();
  await settle();
  t.same(
    out.map(([value]) => value),
    [0, 1, 2, 3],
    'at the end everything that was held',
  );
});

await t.test('delay: nothing is lost, order is kept, time is moved', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 300 }),
      fc.array(fc.nat(100_000), { maxLength: 30 }),
      async (ms, steps) => {
        let timestamp = 0;
        const input = steps.map((step, index) => audioData(Int16Array.of(index), 48_000, 1, (timestamp += step)));
        const output = await collect<AudioData>(Readable.from(input).pipe(await make(ms)));
        return (
          output.length === input.length &&
          output.every(
            (value, index) => value.data[0] === index && value.timestamp === (input[index]?.timestamp ?? 0) + ms * 1000,
          )
        );
      },
    ),
    { numRuns: 50 },
  );
  t.pass('for any input');
});
