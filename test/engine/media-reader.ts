import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { MediaReader } from '../../src/engine/media-reader.js';
import type { EngineEvents } from '../../src/engine/port.js';
import { audioData } from '../../src/media/audio-data.js';

function setUp(maxLagMs: number) {
  const media: number[] = [];
  const lost = { values: 0, us: 0 };
  const transferred: (ArrayBufferLike | undefined)[] = [];
  const reader = new MediaReader(5, 'audio', maxLagMs, (name, args, buffer) => {
    if (name === 'media') {
      const { value } = args as EngineEvents['media'];
      media.push(value.timestamp / 20_000);
      transferred.push(buffer);
      assert.equal(buffer, value.data.buffer);
    } else {
      const { values, durationUs, kind } = args as EngineEvents['overflow'];
      assert.equal(kind, 'audio');
      lost.values += values;
      lost.us += durationUs;
    }
    assert.equal((args as EngineEvents['media']).reader, 5);
  });
  let next = 0;
  const push = (): void => {
    reader.push(audioData(new Int16Array(4), 48_000, 2, next++ * 20_000), 20_000);
  };
  return { reader, media, lost, push, pushed: () => next };
}

t.test('values go out against credit, wait without it, and the oldest are dropped beyond the limit', (t) => {
  const { reader, media, lost, push } = setUp(100);
  push();
  t.same(media, []);
  reader.grant(2);
  t.same(media, [0]);
  t.equal(reader.credit, 1);
  push();
  t.same(media, [0, 1]);
  for (let i = 0; i < 8; i++) push();
  t.equal(reader.heldUs, 100_000);
  t.same(lost, { values: 3, us: 60_000 });
  reader.grant(3);
  t.same(media, [0, 1, 5, 6, 7]);
  reader.grant(10);
  t.same(media.slice(5), [8, 9]);
  t.equal(reader.credit, 8);
  t.end();
});

t.test('pushed = given + dropped + held, and never more than the limit is held', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 20, max: 300 }),
      fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 6 })), { maxLength: 200 }),
      (maxLagMs, steps) => {
        const { reader, media, lost, push, pushed } = setUp(maxLagMs);
        let granted = 0;
        for (const credit of steps) {
          if (credit === 0) push();
          else reader.grant(credit);
          granted += credit;
          assert.ok(reader.heldUs <= maxLagMs * 1000);
          assert.equal(pushed(), media.length + lost.values + reader.heldUs / 20_000);
          assert.equal(lost.us, lost.values * 20_000);
          assert.equal(reader.credit, granted - media.length);
          assert.ok(reader.credit === 0 || reader.heldUs === 0, 'nothing waits while the reader would take it');
        }
        assert.deepEqual(
          media,
          [...media].sort((a, b) => a - b),
        );
      },
    ),
  );
  t.end();
});
