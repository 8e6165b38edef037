import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { MediaBuffer, type OverflowPolicy } from '../../src/media/media-buffer.js';

type Step = { readonly do: 'push'; readonly us: number } | { readonly do: 'shift' } | { readonly do: 'clear' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 60_000 }).map((us) => ({ do: 'push', us }) as const) },
  { weight: 3, arbitrary: fc.constant({ do: 'shift' } as const) },
  { weight: 1, arbitrary: fc.constant({ do: 'clear' } as const) },
);

/** What the buffer should hold, kept in the plainest way. */
class Model {
  held: { value: number; us: number }[] = [];
  readonly #limitUs: number;
  readonly #policy: OverflowPolicy;

  constructor(limitUs: number, policy: OverflowPolicy) {
    this.#limitUs = limitUs;
    this.#policy = policy;
  }

  get heldUs(): number {
    return this.held.reduce((sum, { us }) => sum + us, 0);
  }

  push(value: number, us: number): number {
    const before = this.held.length + 1;
    const fits = (): boolean => this.held.length === 0 || this.heldUs + us <= this.#limitUs;
    if (this.#policy === 'drop-newest' && !fits()) return 1;
    while (!fits()) this.held.shift();
    this.held.push({ value, us });
    return before - this.held.length;
  }
}

for (const policy of ['drop-oldest', 'drop-newest'] as const) {
  t.test(`${policy}: pushed = shifted + dropped + held, within the limit, in order`, (t) => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200 }), fc.array(step, { maxLength: 200 }), (limitMs, steps) => {
        const buffer = new MediaBuffer<number>(limitMs, policy);
        const model = new Model(limitMs * 1000, policy);
        const { counters } = buffer;
        let next = 0;
        for (const one of steps) {
          if (one.do === 'push') {
            assert.equal(buffer.push(next, one.us), model.push(next, one.us), 'how many were dropped');
            next++;
          } else if (one.do === 'shift') {
            assert.equal(buffer.peek(), model.held[0]?.value);
            assert.equal(buffer.shift(), model.held.shift()?.value);
          } else {
            assert.equal(buffer.clear(), model.held.length);
            model.held = [];
          }
          assert.equal(buffer.length, model.held.length);
          assert.equal(buffer.heldUs, model.heldUs);
          assert.ok(buffer.heldUs <= limitMs * 1000 || buffer.length === 1, 'only one that is alone may be longer');
          assert.equal(counters.pushed, counters.shifted + counters.dropped + buffer.length);
          assert.equal(counters.pushedUs, counters.shiftedUs + counters.droppedUs + buffer.heldUs);
        }
      }),
    );
    t.end();
  });
}

t.test('durations that are no whole numbers do not add up to anything once it is empty', (t) => {
  const buffer = new MediaBuffer<string>(1000, 'drop-oldest');
  for (let round = 0; round < 100; round++) {
    for (let i = 0; i < 3; i++) buffer.push('a', 100_000 / 3);
    while (buffer.shift() !== undefined);
    t.equal(buffer.heldUs, 0);
  }
  t.equal(buffer.shift(), undefined);
  t.equal(buffer.peek(), undefined);
  t.end();
});

t.test('a limit of 0 holds one value', (t) => {
  const oldest = new MediaBuffer<string>(0, 'drop-oldest');
  t.same([oldest.push('a', 20_000), oldest.push('b', 20_000), oldest.shift(), oldest.shift()], [0, 1, 'b', undefined]);
  const newest = new MediaBuffer<string>(0, 'drop-newest');
  t.same([newest.push('a', 20_000), newest.push('b', 20_000), newest.shift(), newest.shift()], [0, 1, 'a', undefined]);
  t.end();
});
