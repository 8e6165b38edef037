import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { PcmQueue } from '../../src/engine/audio/pcm-queue.js';
import { audioData } from '../../src/media/audio-data.js';
import type { EncodedAudioChunk } from '../../src/media/encoded-chunk.js';

const RATE = 48_000;

function packet(number: number, duration = 20_000): EncodedAudioChunk {
  return {
    kind: 'encoded-audio',
    codec: 'opus',
    data: Uint8Array.of(0xf8, number),
    timestamp: number * 20_000,
    duration,
  };
}

/** Stereo frames whose samples count on from `first`. */
function counting(first: number, frames: number): Int16Array {
  return Int16Array.from({ length: frames * 2 }, (_, i) => (first + i) % 32_000);
}

t.test('whatever the sizes of chunks and periods, every sample comes out once and in order', (t) => {
  const sizes = fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 60 });
  fc.assert(
    fc.property(
      sizes,
      fc.array(fc.integer({ min: 1, max: 2500 }), { minLength: 1, maxLength: 60 }),
      (chunks, periods) => {
        const queue = new PcmQueue();
        const out: number[] = [];
        let pushed = 0;
        let turn = 0;
        const read = (frames: number): number => {
          const period = new Int16Array(frames * 2);
          const ready = queue.available(period.length);
          const written = queue.read(period);
          assert.equal(written, ready, 'as many as were announced');
          out.push(...period.subarray(0, written));
          const heldUs = ((pushed - out.length) * 1_000_000) / (RATE * 2);
          assert.ok(Math.abs(queue.heldUs - heldUs) < 0.001, `${queue.heldUs} us are held, not ${heldUs}`);
          if (pushed > out.length)
            assert.ok(Math.abs(queue.timestampUs! - ((out.length / 2) * 1_000_000) / RATE) < 0.001);
          return written;
        };
        for (const frames of chunks) {
          queue.push(audioData(counting(pushed, frames), RATE, 2, (pushed / 2 / RATE) * 1_000_000));
          pushed += frames * 2;
          read(periods[turn++ % periods.length]!);
        }
        while (read(periods[turn++ % periods.length]!) > 0);
        assert.deepEqual(
          out,
          Array.from({ length: pushed }, (_, i) => i % 32_000),
        );
        assert.equal(queue.heldUs, 0);
        assert.equal(queue.next, undefined);
      },
    ),
    { numRuns: 60 },
  );
  t.end();
});

t.test('samples and packets keep their order, and none is read as the other', (t) => {
  const queue = new PcmQueue();
  queue.push(audioData(counting(0, 10), RATE, 2, 0));
  queue.push(packet(7, 60_000));
  queue.push(audioData(counting(100, 10), RATE, 2, 5000));
  t.equal(queue.shiftEncoded(), undefined);
  t.equal(queue.available(40), 20, 'up to the packet');
  const period = new Int16Array(40).fill(-1);
  t.equal(queue.read(period), 20);
  t.same([...period.subarray(18, 22)], [18, 19, -1, -1], 'the rest is left alone');
  t.equal(queue.next, 'encoded-audio');
  t.same([queue.available(40), queue.read(period)], [0, 0]);
  t.equal(queue.shiftEncoded()?.data[1], 7);
  t.equal(queue.timestampUs, 5000);
  t.equal(queue.read(period), 20);
  t.equal(period[0], 100);
  t.end();
});

t.test('what has no duration is not held, and clear tells what it dropped', (t) => {
  const queue = new PcmQueue();
  queue.push(packet(1, 0));
  queue.push(audioData(new Int16Array(0), RATE, 2, 0));
  t.equal(queue.next, undefined);
  for (let i = 0; i < 500; i++) queue.push(packet(i & 0xff));
  for (let i = 0; i < 200; i++) t.equal(queue.shiftEncoded()?.data[1], i);
  t.equal(queue.clear(), 300 * 20_000);
  t.same([queue.heldUs, queue.next, queue.clear()], [0, undefined, 0]);
  queue.push(packet(9));
  t.equal(queue.shiftEncoded()?.data[1], 9);
  t.end();
});
