import fc from 'fast-check';
import t from 'tap';
import { Limiter } from '../../src/media/limiter.js';
import { MixMinus } from '../../src/media/mix-minus.js';

const RATE = 8000;
const LENGTH = 160;

/** What one gives in one period: a level up to full scale, or nothing. */
const part = fc.option(fc.integer({ min: 1, max: 32_767 }), { freq: 3, nil: undefined });
/** Some periods of some who take part. */
const conference = fc
  .integer({ min: 1, max: 6 })
  .chain((people) =>
    fc.array(fc.array(part, { minLength: people, maxLength: people }), { minLength: 1, maxLength: 30 }),
  );

function wave(level: number, period: number, person: number): Int16Array {
  return Int16Array.from({ length: LENGTH }, (_, i) =>
    Math.round(level * Math.sin((2 * Math.PI * (300 + 170 * person) * (period * LENGTH + i)) / RATE)),
  );
}

t.test('each mix is the sum without its own part, as if it had been made by itself', (t) => {
  fc.assert(
    fc.property(conference, (periods) => {
      const people = periods[0]?.length ?? 0;
      const mix = new MixMinus(RATE, 1, LENGTH);
      const limiters = Array.from({ length: people }, () => new Limiter(RATE, 1));
      const alone = Array.from({ length: people + 1 }, () => new Limiter(RATE, 1));
      const byItself = (person: number, parts: readonly (Int16Array | undefined)[]): Int16Array => {
        const sum = new Int32Array(LENGTH);
        parts.forEach((one, index) => {
          if (index !== person) one?.forEach((sample, i) => (sum[i] = sum[i]! + sample));
        });
        const out = new Int16Array(LENGTH);
        alone[person]?.process(sum, out);
        return out;
      };
      return periods.every((levels, period) => {
        const parts = levels.map((level, person) => (level === undefined ? undefined : wave(level, period, person)));
        mix.begin();
        for (const one of parts) if (one) mix.add(one);
        mix.finish();
        const same = (a: Int16Array, b: Int16Array): boolean => Buffer.compare(bytes(a), bytes(b)) === 0;
        const each = parts.every((one, person) =>
          same(mix.without(one ? [one] : [], limiters[person]!), byItself(person, parts)),
        );
        return each && same(mix.whole, byItself(people, parts));
      });
    }),
  );
  t.pass('for any who speak, as loud as they like');
  t.end();
});

t.test('who gives nothing gets the same samples as the others who do not, made once', (t) => {
  const mix = new MixMinus(RATE, 1, LENGTH);
  const quiet = [new Limiter(RATE, 1), new Limiter(RATE, 1)];
  for (let period = 0; period < 20; period++) {
    mix.begin();
    mix.add(wave(30_000, period, 0));
    mix.add(wave(30_000, period, 1));
    mix.finish();
    for (const limiter of quiet) t.equal(mix.without([], limiter), mix.whole);
  }
  t.end();
});

t.test('a listener with several parts hears none of them', (t) => {
  const mix = new MixMinus(RATE, 1, LENGTH);
  const parts = [0, 1, 2].map((person) => wave(9000, 0, person));
  mix.begin();
  for (const one of parts) mix.add(one);
  mix.finish();
  t.strictSame(mix.without(parts.slice(0, 2), new Limiter(RATE, 1)), parts[2]);
  t.strictSame(mix.without(parts, new Limiter(RATE, 1)), new Int16Array(LENGTH));
  t.end();
});

function bytes(samples: Int16Array): Uint8Array {
  return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
}
