import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { Limiter } from '../../src/media/limiter.js';
import { SAMPLE_RATES } from '../../src/media/audio-data.js';
import { speech, toneAmplitude } from '../codecs/tones.js';

const RATE = 48_000;

/** A sum through a limiter, in chunks as a mix has them. */
function limited(sum: Int32Array, chunk: number, limiter = new Limiter(RATE, 1)): Int16Array {
  const out = new Int16Array(sum.length);
  for (let at = 0; at < sum.length; at += chunk) {
    limiter.process(sum.subarray(at, at + chunk), out.subarray(at, at + chunk));
  }
  return out;
}

/** Tones of full scale each, added up. Mono. */
function tones(frequencies: readonly number[], seconds: number, rate = RATE): Int32Array {
  return Int32Array.from({ length: seconds * rate }, (_, i) =>
    frequencies.reduce((sum, hz) => sum + Math.round(32_767 * Math.sin((2 * Math.PI * hz * i) / rate)), 0),
  );
}

/** Power of what is not those tones, in dB below all of it: 0 and less. */
function noiseDb(samples: Int16Array, frequencies: readonly number[], rate = RATE): number {
  const rest = Float64Array.from(samples);
  const power = (): number => rest.reduce((sum, sample) => sum + sample * sample, 0);
  const all = power();
  // Some rounds, since tones are not quite at right angles to each other.
  for (let round = 0; round < 4; round++) {
    for (const hz of frequencies) {
      const w = (2 * Math.PI * hz) / rate;
      let [sin, cos] = [0, 0];
      rest.forEach((sample, i) => {
        sin += (2 * sample * Math.sin(w * i)) / rest.length;
        cos += (2 * sample * Math.cos(w * i)) / rest.length;
      });
      for (let i = 0; i < rest.length; i++) rest[i] = rest[i]! - sin * Math.sin(w * i) - cos * Math.cos(w * i);
    }
  }
  return 10 * Math.log10(power() / all);
}

function clipped(sum: Int32Array): Int16Array {
  return Int16Array.from(sum, (sample) => Math.max(-32_768, Math.min(32_767, sample)));
}

t.test('what fits goes through bit by bit, whatever the length of its chunks', (t) => {
  fc.assert(
    fc.property(
      fc.int16Array({ minLength: 1, maxLength: 3000, size: 'large' }),
      fc.integer({ min: 1, max: 1500 }),
      (data, chunk) => {
        assert.deepEqual(limited(Int32Array.from(data), chunk), data);
      },
    ),
  );
  const one = tones([997], 1);
  t.strictSame(limited(one, 960), Int16Array.from(one), 'one who speaks as loud as can be is left alone');
  t.end();
});

t.test('no sample passes full scale or changes its sign, and both channels are turned down alike', (t) => {
  const sums = fc.int32Array({ min: -50 * 32_768, max: 50 * 32_767, minLength: 2, maxLength: 2000, size: 'large' });
  const rates = fc.constantFrom(...SAMPLE_RATES);
  fc.assert(
    fc.property(sums, rates, fc.integer({ min: 1, max: 500 }), (values, rate, frames) => {
      const sum = values.subarray(0, values.length - (values.length % 2));
      const out = limited(sum, frames * 2, new Limiter(rate, 2));
      for (let i = 0; i < sum.length; i += 2) {
        const [left, right] = [sum[i]!, sum[i + 1]!];
        const [l, r] = [out[i]!, out[i + 1]!];
        for (const [before, after] of [
          [left, l],
          [right, r],
        ] as const) {
          assert(Math.abs(after) <= Math.min(32_768, Math.abs(before)), `${before} became ${after}`);
          assert(after === 0 || Math.sign(after) === Math.sign(before), `${before} became ${after}`);
        }
        // Rounding moves each by half a step.
        assert(Math.abs(l * right - r * left) <= (Math.abs(left) + Math.abs(right)) * 0.51, `${left}, ${right}`);
      }
    }),
  );
  t.pass('held for every case');
  t.end();
});

for (const [frequencies, least] of [
  [[401, 703], -40],
  [[100, 163], -30],
  [[401, 703, 1109, 1511, 2003], -20],
] as const) {
  t.test(
    `${frequencies.length} tones of full scale are turned down, not cut off: ${frequencies.join(', ')} Hz`,
    (t) => {
      const sum = tones(frequencies, 3);
      for (const chunk of [960, 480]) {
        const out = limited(sum, chunk);
        const [heard, cut] = [
          noiseDb(out.subarray(RATE), frequencies),
          noiseDb(clipped(sum).subarray(RATE), frequencies),
        ];
        t.ok(heard < least && heard < cut - 12, `noise ${heard.toFixed(1)} dB, ${cut.toFixed(1)} dB if it was cut off`);
        const levels = frequencies.map((hz) => toneAmplitude(out.subarray(RATE), hz, RATE));
        t.ok(Math.max(...levels) < 1.02 * Math.min(...levels), 'each as loud as the others');
        t.ok(Math.min(...levels) > 0.9 * (32_767 / frequencies.length), 'and as loud as there is room');
        let flat = 0;
        for (let i = 1; i < out.length; i++) if (Math.abs(out[i]!) >= 32_766 && out[i] === out[i - 1]) flat++;
        t.ok(flat < 0.001 * out.length, `${flat} of ${out.length} samples are flat tops`);
      }
      t.end();
    },
  );
}

/** Full scale, each with a pitch of its own. */
function speakers(count: number): Int32Array {
  const sum = new Int32Array(3 * RATE);
  for (let i = 0; i < count; i++) {
    const voice = speech(RATE * (1 + 0.17 * i), sum.length);
    const loudest = voice.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    for (let at = 0; at < sum.length; at++) sum[at] = sum[at]! + Math.round((voice[at]! * 32_767) / loudest);
  }
  return sum;
}

/** How much there is of high frequencies, where the voices have nothing: of what cutting off makes. Fourth differences. */
function crackle(samples: Int16Array): number {
  let power = 0;
  for (let i = 4; i < samples.length; i++) {
    const [a, b, c, d, e] = samples.subarray(i - 4, i + 1);
    power += (a! - 4 * b! + 6 * c! - 4 * d! + e!) ** 2;
  }
  return Math.sqrt(power / samples.length);
}

for (const count of [2, 5]) {
  t.test(`${count} who speak at once as loud as they can do not crackle`, (t) => {
    const sum = speakers(count);
    const [heard, cut] = [crackle(limited(sum, 960)), crackle(clipped(sum))];
    t.ok(heard < 30 && heard < cut / 8, `${heard.toFixed(1)}, ${cut.toFixed(1)} if it was cut off`);
    t.end();
  });
}

t.test('the gain comes back after a while: what fits is untouched again', (t) => {
  const limiter = new Limiter(RATE, 1);
  limited(tones([401, 703], 1), 960, limiter);
  t.ok(limiter.gain < 0.55);
  const quiet = Int32Array.from({ length: 4 * RATE }, (_, i) => Math.round(9000 * Math.sin(i / 20)));
  const out = limited(quiet, 960, limiter);
  t.equal(limiter.gain, 1);
  t.strictSame(out.subarray(-RATE), Int16Array.from(quiet).subarray(-RATE));
  const ratio = (at: number): number => Math.max(...out.subarray(at, at + 480)) / 9000;
  const rises = Array.from({ length: 100 }, (_, i) => ratio(i * 960));
  t.ok(
    rises.every((value, i) => i === 0 || value >= rises[i - 1]! - 0.01),
    'without a jump back',
  );
  t.ok(Math.max(...rises.map((value, i) => value - (rises[i - 1] ?? value))) < 0.06, 'and none upwards');
  t.end();
});
