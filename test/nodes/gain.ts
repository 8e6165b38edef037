import { Readable, type Duplex } from 'node:stream';
import t from 'tap';
import { audioData, type AudioData } from '../../src/media/audio-data.js';
import { parseOptions, portsOf } from '../../src/media/node.js';
import { gain } from '../../src/nodes/gain.js';
import { collect, testContext } from './node-lab.js';

const run = async (options: object, ...samples: number[]): Promise<AudioData[]> => {
  const stream = (await gain.create(parseOptions(gain, options), testContext())) as Duplex;
  return await collect(Readable.from([audioData(Int16Array.from(samples), 48_000, 1, 7)]).pipe(stream));
};

await t.test('gain', async (t) => {
  const input = audioData(Int16Array.of(100, -100), 16_000, 2, 5);
  const same = gain.transform?.(parseOptions(gain, {}), testContext())(input);
  t.equal(same, input, '0 dB passes the value itself on');
  t.same(
    (await run({ db: 20 }, 100, -4000))[0]?.data,
    Int16Array.of(1000, -32_768),
    'ten times, clipped at full scale',
  );
  t.same((await run({ db: -6.0206 }, 1000))[0]?.data, Int16Array.of(500), 'half');
  t.match((await run({ db: 6 }, 1, 2))[0], {
    sampleRate: 48_000,
    numberOfChannels: 1,
    numberOfFrames: 2,
    timestamp: 7,
  });
  gain.transform?.(parseOptions(gain, { db: 6 }), testContext())(input);
  t.same(input.data, Int16Array.of(100, -100), 'what came in is left as it was');
  const formats = [{ kind: 'audio', sampleRate: 8000 }] as const;
  t.same(
    portsOf(gain, parseOptions(gain, {}), new Map([['in', formats]])).outputs[0]?.formats,
    formats,
    'keeps its format',
  );
  t.throws(() => parseOptions(gain, { db: 99 }, { node: 'g' }), {
    code: 'SLUICE_CONFIG_INVALID',
    place: { node: 'g' },
  });
});
