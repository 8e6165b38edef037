import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import type { EngineEvents } from '../../src/engine/port.js';
import { RawAudioReader } from '../../src/engine/raw-audio-reader.js';
import { AudioRing, audioRingMemory } from '../../src/media/audio-ring.js';

const FORMAT = { sampleRate: 8000, numberOfChannels: 1 };

/** A reader in the media thread, and the ring as the main thread has it. */
function setUp(maxLagMs: number) {
  const audioRing = audioRingMemory(FORMAT.sampleRate / 10);
  const ring = new AudioRing(audioRing);
  const lost = { values: 0, us: 0 };
  let wakes = 0;
  const args = { session: 1, reader: 5, audio: true, video: false, encoded: false, pixelFormat: 'YUV420P' } as const;
  const reader = new RawAudioReader({ ...args, audioFormat: FORMAT, audioRing, maxLagMs }, (name, told) => {
    assert.equal((told as EngineEvents['audio']).reader, 5);
    if (name === 'audio') wakes++;
    else {
      const { values, durationUs } = told as EngineEvents['overflow'];
      lost.values += values;
      lost.us += durationUs;
    }
  });
  const period = new Int16Array(160);
  let pushed = 0;
  const push = (): void => {
    // The caller's memory is used again for the next one.
    period.fill(pushed);
    reader.push(period, pushed++ * 20_000);
  };
  const got: number[] = [];
  const take = (): void => {
    ring.look();
    for (let value = ring.read(8000, 1); value; value = ring.read(8000, 1)) {
      assert.ok(value.data.length === 160 && value.data.every((sample) => sample === value.timestamp / 20_000));
      got.push(value.timestamp / 20_000);
    }
  };
  /** Asks as the main thread does, which wakes the media thread where that waits. */
  const ask = (values: number): void => {
    if (ring.ask(values)) reader.flow();
  };
  return { reader, ring, lost, push, take, ask, got, pushed: () => pushed, wakes: () => wakes };
}

t.test('periods go as far as they were asked for, wait beyond that, and the oldest are dropped', (t) => {
  const { reader, lost, push, take, ask, got, wakes } = setUp(100);
  push();
  take();
  t.same(got, []);
  t.notOk(reader.isEmpty);
  ask(2);
  take();
  t.same([got, wakes()], [[0], 1]);
  push();
  take();
  t.same([got, wakes()], [[0, 1], 2]);
  t.ok(reader.isEmpty);
  for (let i = 0; i < 8; i++) push();
  t.same(lost, { values: 3, us: 60_000 });
  ask(3);
  take();
  t.same([got, wakes()], [[0, 1, 5, 6, 7], 3], 'told once of three');
  ask(10);
  take();
  t.same(got.slice(5), [8, 9]);
  t.end();
});

t.test('more may be asked for than the ring has room for', (t) => {
  const { push, take, ask, got, pushed } = setUp(10_000);
  ask(1000);
  for (let i = 0; i < 100; i++) push();
  while (got.length < pushed()) {
    const before = got.length;
    take();
    ask(1);
    assert.ok(got.length > before, 'it goes on');
  }
  t.same(
    got,
    got.map((_, i) => i),
  );
  t.end();
});

t.test('pushed = taken + dropped + held, in order, however pushing, asking and taking alternate', (t) => {
  const steps = fc.array(fc.constantFrom('push', 'ask', 'take'), { maxLength: 200 });
  fc.assert(
    fc.property(fc.integer({ min: 20, max: 300 }), steps, (maxLagMs, todo) => {
      const { reader, ring, lost, push, take, ask, got, pushed } = setUp(maxLagMs);
      for (const step of todo) {
        if (step === 'push') push();
        else if (step === 'ask') ask(2);
        else take();
        assert.ok(ring.asked === 0 || !reader.isEmpty || pushed() === got.length + lost.values);
      }
      take();
      for (let i = 0; i < 400 && !reader.isEmpty; i++) {
        ask(2);
        take();
      }
      assert.ok(reader.isEmpty, 'what waits comes when it is asked for');
      assert.equal(got.length + lost.values, pushed());
      assert.deepEqual(
        got,
        [...got].sort((a, b) => a - b),
      );
    }),
    { numRuns: 300 },
  );
  t.end();
});
