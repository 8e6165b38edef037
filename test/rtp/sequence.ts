import fc from 'fast-check';
import t from 'tap';
import {
  SequenceUnwrapper,
  TimestampUnwrapper,
  isNewerSequence,
  sequenceDifference,
  timestampDifference,
} from '../../src/engine/rtp/sequence.js';

t.test('comparison goes the short way round', (t) => {
  t.equal(sequenceDifference(1, 65535), 2);
  t.equal(sequenceDifference(65535, 1), -2);
  t.equal(sequenceDifference(5, 5), 0);
  t.equal(sequenceDifference(32768, 0), -32768);
  t.ok(isNewerSequence(0, 65535));
  t.notOk(isNewerSequence(65535, 0));
  t.equal(timestampDifference(1, 0xffffffff), 2);
  t.equal(timestampDifference(0xffffffff, 1), -2);
  t.end();
});

t.test('unwrapping gives back the walk that was wrapped', (t) => {
  const walk = (most: number) => fc.array(fc.integer({ min: -most, max: most }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 65535 }), walk(32767), (start, steps) => {
      const unwrapper = new SequenceUnwrapper();
      let at = start;
      t.equal(unwrapper.unwrap(at), start);
      for (const step of steps) {
        at += step;
        if (unwrapper.unwrap(at & 0xffff) !== at) throw new Error(`lost the way at ${at}`);
      }
    }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), walk(2 ** 31 - 1), (start, steps) => {
      const unwrapper = new TimestampUnwrapper();
      let at = start;
      unwrapper.unwrap(at);
      for (const step of steps) {
        at += step;
        if (unwrapper.unwrap(at >>> 0) !== at) throw new Error(`lost the way at ${at}`);
      }
    }),
  );
  const unwrapper = new SequenceUnwrapper();
  unwrapper.unwrap(65535);
  t.equal(unwrapper.unwrap(0), 65536);
  unwrapper.reset();
  t.equal(unwrapper.unwrap(7), 7);
  t.end();
});
