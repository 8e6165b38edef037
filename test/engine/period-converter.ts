import t from 'tap';
import { PeriodConverter } from '../../src/engine/audio/period-converter.js';
import type { AudioFormat } from '../../src/engine/port.js';
import { channel, concat, sine, toneAmplitude } from '../codecs/tones.js';

const CASES: readonly [AudioFormat, AudioFormat][] = [
  [
    { sampleRate: 44_100, numberOfChannels: 2 },
    { sampleRate: 48_000, numberOfChannels: 2 },
  ],
  [
    { sampleRate: 48_000, numberOfChannels: 2 },
    { sampleRate: 44_100, numberOfChannels: 2 },
  ],
  [
    { sampleRate: 44_100, numberOfChannels: 1 },
    { sampleRate: 16_000, numberOfChannels: 2 },
  ],
  [
    { sampleRate: 8000, numberOfChannels: 2 },
    { sampleRate: 44_100, numberOfChannels: 1 },
  ],
];

for (const [from, to] of CASES) {
  await t.test(
    `${from.sampleRate}/${from.numberOfChannels} to ${to.sampleRate}/${to.numberOfChannels}: a period for each, and no break between them`,
    async (t) => {
      const converter = await PeriodConverter.open(from, to);
      const frames = from.sampleRate / 50;
      const periods: Int16Array[] = [];
      for (let i = 0; i < 500; i++) {
        const tone = sine(Array<number>(from.numberOfChannels).fill(400), from.sampleRate, frames, 10_000, i * frames);
        periods.push(converter.convert(tone));
      }
      converter.close();
      const length = (to.sampleRate / 50) * to.numberOfChannels;
      t.same(
        periods.filter((period) => period.length !== length),
        [],
        'every one of the exact length',
      );
      t.equal(new Set(periods.map((period) => period.buffer)).size, 500, 'with a buffer of its own');
      // 400 Hz fits 20 ms eight times: any sample lost or added in 10 s would show in the difference of two periods.
      const settled = periods.slice(5).map((period) => channel(period, to.numberOfChannels - 1, to.numberOfChannels));
      const first = settled[0]!;
      const worst = Math.max(
        ...settled.map((period) => Math.max(...period.map((sample, i) => Math.abs(sample - first[i]!)))),
      );
      t.ok(worst < 60, `periods differ by ${worst} at most`);
      const all = concat(periods.map((period) => channel(period, 0, to.numberOfChannels)));
      let run = 0;
      let longest = 0;
      for (const sample of all.subarray(all.findIndex((one) => one > 5000))) {
        run = Math.abs(sample) < 50 ? run + 1 : 0;
        longest = Math.max(longest, run);
      }
      t.ok(longest < 5, `no hole, not even at the beginning: ${longest} samples at most are near zero`);
      const amplitude = toneAmplitude(concat(settled), 400, to.sampleRate);
      t.ok(Math.abs(amplitude - 10_000) < 300, `amplitude ${amplitude}`);
    },
  );
}

await t.test('only the number of channels differs: converted without delay', async (t) => {
  const converter = await PeriodConverter.open(
    { sampleRate: 48_000, numberOfChannels: 1 },
    { sampleRate: 48_000, numberOfChannels: 2 },
  );
  t.same([...converter.convert(Int16Array.of(1, -2, 3))], [1, 1, -2, -2, 3, 3]);
  converter.close();
});
