import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import t from 'tap';
import { AudioRing, audioRingMemory } from '../../src/media/audio-ring.js';
import { numberedChunk } from './programs/ring-writer.js';

function setUp(samples: number): { writer: AudioRing; reader: AudioRing } {
  const memory = audioRingMemory(samples);
  return { writer: new AudioRing(memory), reader: new AudioRing(memory) };
}

t.test('what was written is read in order, with its times and its mark, and what has no room is refused whole', (t) => {
  const lengths = fc.array(fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constant(-1)), { maxLength: 300 });
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 2000 }), lengths, (samples, steps) => {
      const { writer, reader } = setUp(samples);
      const held: number[] = [];
      const heldSamples = (): number => held.reduce((sum, number) => sum + numberedChunk(number).length, 0);
      let next = 0;
      for (const step of steps) {
        assert.equal(reader.mark, held[0] === undefined ? undefined : held[0] - 1000);
        assert.equal(reader.isEmpty, held.length === 0);
        assert.equal(reader.writtenUs, (held[0] ?? 0) * 7);
        if (step >= 0) {
          const chunk = numberedChunk(next);
          if (writer.write(chunk, next * 20_000, next * 7, next - 1000)) held.push(next++);
          else assert.ok(heldSamples() + chunk.length + 16 * (held.length + 1) > samples, 'there was room');
          continue;
        }
        const value = reader.read(48_000, 1);
        const number = held.shift();
        assert.equal(value?.timestamp, number === undefined ? undefined : number * 20_000);
        if (number !== undefined) assert.deepEqual(value?.data, numberedChunk(number));
      }
    }),
    { numRuns: 300 },
  );
  t.end();
});

t.test('a chunk of as many samples as the memory is for has room', (t) => {
  for (const samples of [1, 960, 1920, 48_000]) {
    const { writer, reader } = setUp(samples);
    t.ok(writer.write(new Int16Array(samples).fill(7), 1));
    t.equal(reader.read(48_000, 1)?.data.length, samples);
  }
  t.end();
});

t.test('two threads, one that writes and one that reads', async (t) => {
  const chunks = 20_000;
  const memory = audioRingMemory(2000);
  const ring = new AudioRing(memory);
  const writer = new Worker(new URL('./programs/ring-writer.js', import.meta.url), { workerData: { memory, chunks } });
  const ended = once(writer, 'exit');
  for (let number = 0; number < chunks;) {
    const value = ring.read(48_000, 1);
    if (!value) {
      await turn();
      continue;
    }
    assert.equal(value.timestamp, number * 20_000);
    assert.deepEqual(value.data, numberedChunk(number));
    number++;
  }
  t.same(await ended, [0]);
  t.ok(ring.isEmpty);
});

t.test('the reader is woken once for all that it has not looked at, the writer when it waits', (t) => {
  const { writer, reader } = setUp(1000);
  t.equal(writer.asked, 0);
  t.equal(reader.ask(2), false, 'nobody waits');
  t.equal(writer.asked, 2);
  writer.write(new Int16Array(10), 0);
  t.equal(writer.wakesReader(), true);
  writer.write(new Int16Array(10), 0);
  t.equal(writer.wakesReader(), false, 'it was told, and has not looked');
  t.equal(writer.asked, 0);
  reader.look();
  writer.write(new Int16Array(10), 0);
  t.equal(writer.wakesReader(), true);
  t.equal(writer.asked, -1, 'more than was asked for');
  writer.await();
  t.equal(reader.ask(3), true);
  t.equal(writer.asked, 2);
  t.equal(reader.ask(1), false, 'it was woken');
  t.end();
});
